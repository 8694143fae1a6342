//! More sites than one: each has a name by which commands find it.

use super::*;
use keys::slot::Unlock;
use store::settings::{self, TypedFirm};

/// An installation as a start makes it: nobody has named the firm yet.
fn nameless(dir: &std::path::Path) -> (Unlock, Appliance) {
    let unlock = ring::create_key_file(&dir.join("key")).unwrap();
    let firm = Firm { name: String::new(), kind: String::new(), prefix: String::new(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
    let appliance = Appliance::create(&dir.join("data"), &[ring::NewSlot { unlock: &unlock, place: None, made: 1 }], &firm, clock).unwrap();
    (unlock, appliance)
}

/// What the wizard does at its first step.
fn name_firm(site: &Site, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let typed = TypedFirm { name: name.into(), kind: "other".into(), prefix: "F".into(), zone: "UTC".into(), phone: String::new() };
    runtime.block_on(site.write(Actor::console(), move |tx| settings::set_firm(&tx.administer(Verb::SettingsChange)?, &typed))).unwrap();
}

fn found(appliance: &Appliance, name: &str) -> Option<String> {
    appliance.site(name).ok().map(|(entry, _)| entry.name)
}

#[test]
fn the_first_site_is_called_like_its_firm_before_there_is_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let (_unlock, appliance) = nameless(dir.path());
    let add = || appliance.add_site("Beta", &["Beta.example".into()]).map(drop);
    assert!(add().unwrap_err().text.contains("no name yet"));
    name_firm(&appliance.site("").unwrap().1, "Pell & Harrow");
    assert!(appliance.add_site("PELL & harrow", &["x.example".into()]).map(drop).unwrap_err().text.contains("already"));
    assert_eq!(appliance.sites().len(), 1);
    let first = appliance.site("").unwrap().1;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(first.write(Actor::console(), |tx| settings::set_url(&tx.administer(Verb::SettingsChange)?, "https://Files.firm.example:8443"))).unwrap();
    let said = appliance.add_site("Beta", &["files.firm.example".into()]).map(drop).unwrap_err().text;
    assert!(said.contains("belongs to the site “Pell & Harrow”"), "{said}");
    appliance.add_host("Pell & Harrow", "files.firm.example").unwrap();
    add().unwrap();
    assert!(appliance.site("").map(drop).unwrap_err().text.contains("“Pell & Harrow”, “Beta”"));
    assert_eq!(found(&appliance, "pell & harrow").as_deref(), Some("Pell & Harrow"));
    for name in ["beta", "beta.example", "BETA.Example"] {
        assert_eq!(found(&appliance, name).as_deref(), Some("Beta"), "{name}");
    }
    assert_eq!(appliance.site("Beta").unwrap().0.hosts, ["beta.example"]);
    appliance.close();
}

#[test]
fn a_site_that_has_no_name_gets_one_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (unlock, appliance) = nameless(dir.path());
    name_firm(&appliance.sites()[0].1, "Pell & Harrow");
    assert_eq!(appliance.sites()[0].0.name, "");
    appliance.close();
    drop(appliance);
    for _ in 0..2 {
        let appliance = Appliance::open(&dir.path().join("data"), &unlock, clock).unwrap();
        assert_eq!(appliance.sites()[0].0.name, "Pell & Harrow");
        name_firm(&appliance.sites()[0].1, "Harrow & Pell");
        appliance.close();
    }
}
