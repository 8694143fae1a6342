//! `site`: the sites of an installation, each with a database, a key and people of its own.

use super::{
    Failure,
    console::{self, Where},
};
use crate::control::order::Order;
use clap::{Args, Subcommand};
use serde_json::Value;

#[derive(Subcommand)]
pub(super) enum Site {
    /// Make another site, for another firm
    Add(Add),
    /// Print every site with its host names
    List(List),
    /// Give a site another name
    Rename(Rename),
    /// Work with the host names of a site
    #[command(subcommand)]
    Host(Host),
}

#[derive(Subcommand)]
pub(super) enum Host {
    /// Give a site another host name
    Add(HostAdd),
}

#[derive(Args)]
pub(super) struct Add {
    /// Name of the firm
    name: String,
    /// Host name under which it is reached; can be given several times
    #[arg(long = "host", value_name = "NAME", required = true)]
    hosts: Vec<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Rename {
    /// Name or host name of the site
    site: String,
    /// The new name
    name: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct HostAdd {
    /// Name or host name of the site
    site: String,
    /// The new host name
    host: String,
    #[command(flatten)]
    at: Where,
}

impl Site {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Site::Add(Add { name, hosts, at }) => {
                at.carry_out(Order::SiteAdd { name, hosts }, |_| "Made. It waits to be set up; for its link run, while the server runs: strongroom setup-link --site NAME\n".into())
            }
            Site::List(List { at }) => at.carry_out(Order::SiteList, table),
            Site::Rename(Rename { site, name, at }) => at.carry_out(Order::SiteRename { site, name }, |_| "Renamed. What its pages say of the firm is a setting of the site.\n".into()),
            Site::Host(Host::Add(HostAdd { site, host, at })) => at.carry_out(Order::HostAdd { site, host }, |_| "Added.\n".into()),
        }
    }
}

fn table(answer: &Value) -> String {
    let row = |site: &Value| {
        let hosts: Vec<&str> = console::rows(site, "hosts").iter().filter_map(Value::as_str).collect();
        let state = match site.get("set_up").and_then(Value::as_bool) {
            Some(true) => "in use",
            _ => "waits to be set up",
        };
        [console::text(site, "name").to_owned(), hosts.join(" "), state.to_owned()]
    };
    let rows: Vec<[String; 3]> = console::rows(answer, "sites").iter().map(row).collect();
    console::columns(["Name", "Host names", "State"], &rows)
}
