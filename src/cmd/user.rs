//! `user`: invites somebody, lists, resets and suspends accounts from the console.

use super::{
    Failure,
    console::{self, OfSite, Where},
};
use crate::control::order::Order;
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use rules::{Role, UserState};
use serde_json::Value;

#[derive(Subcommand)]
pub(super) enum User {
    /// Make an account and print the link to it
    Invite(Invite),
    /// Print every account that has not left
    List(List),
    /// Take away every way in of somebody, once you have made sure who asks, and print a link to new ones
    ResetMfa(ResetMfa),
    /// Let somebody in no more, until a system administrator takes that back
    Suspend(Suspend),
}

#[derive(Args)]
pub(super) struct Invite {
    /// What the account is there for
    #[arg(long, value_parser = role())]
    role: Role,
    /// Name
    #[arg(long)]
    name: String,
    /// E-mail address; a service has none
    #[arg(long)]
    email: Option<String>,
    /// What they are called in the firm
    #[arg(long)]
    words: Option<String>,
    /// Whom a client's account belongs to: a contact that is there, or the name of a new person
    #[arg(long, value_name = "NAME")]
    contact: Option<String>,
    #[command(flatten)]
    site: OfSite,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    site: OfSite,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct ResetMfa {
    /// E-mail address of the account
    email: String,
    /// How you made sure who asks; it is kept
    #[arg(long, value_name = "TEXT")]
    check: String,
    #[command(flatten)]
    site: OfSite,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Suspend {
    /// E-mail address of the account
    email: String,
    #[command(flatten)]
    site: OfSite,
    #[command(flatten)]
    at: Where,
}

/// One of the roles, by its word.
fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::value)).try_map(|word| Role::from_value(&word).ok_or("There is no such role."))
}

impl User {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            User::Invite(Invite { role, name, email, words, contact, site, at }) => {
                let order = Order::UserInvite { site: site.name(), role, name, words: words.unwrap_or_default(), email: email.unwrap_or_default(), contact };
                at.carry_out(order, invited)
            }
            User::List(List { site, at }) => at.carry_out(Order::UserList { site: site.name() }, table),
            User::ResetMfa(ResetMfa { email, check, site, at }) => {
                let order = Order::UserReset { site: site.name(), email, check };
                at.carry_out(order, |answer| format!("Every way in is taken away. This link leads to new ones:\n{}", console::link(answer)))
            }
            User::Suspend(Suspend { email, site, at }) => at.carry_out(Order::UserSuspend { site: site.name(), email }, |_| "Suspended.\n".into()),
        }
    }
}

fn invited(answer: &Value) -> String {
    match answer.get("link").is_some_and(Value::is_string) {
        true => format!("Invited. This link leads to the account:\n{}", console::link(answer)),
        false => "Made. A service signs in by no page, so that there is no link.\n".into(),
    }
}

fn table(answer: &Value) -> String {
    let row = |user: &Value| {
        let text = |name| console::text(user, name).to_owned();
        let role = Role::from_value(console::text(user, "role")).map_or_else(|| text("role"), |role| role.words().into());
        let state = UserState::from_value(console::text(user, "state")).map_or_else(|| text("state"), |state| state.word().into());
        [text("name"), role, state, text("email"), text("used")]
    };
    let rows: Vec<[String; 5]> = console::rows(answer, "users").iter().map(row).collect();
    console::columns(["Name", "Role", "State", "E-mail", "Last use"], &rows)
}
