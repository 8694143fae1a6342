//! The settings of a site: what the wizard and the settings page ask for. Kept as rows, held ready as one value.

use crate::{
    Firm, Site, Writing,
    charge::Administer,
    error::{OpenError, Refuse},
    letter::Smtp,
    site::Core,
    ticket,
};
use jiff::tz::TimeZone;
use keys::field::Place;
use rules::{Moment, Problem, Refusal, Secret, Verb, network::Networks, text, when};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

/// Longest name of a firm, in characters.
pub const FIRM_MAX: usize = 80;
/// Longest terms of use, in characters.
pub const TERMS_MAX: usize = 20_000;
/// How long new networks count before they are confirmed, in milliseconds.
pub const TRIAL: i64 = when::MINUTE;

/// The terms that people accept when the firm has written none of its own.
pub const TERMS: &str = "This is the strongroom of the firm named at its head. What you see here is confidential.\n\n\
    Your account is yours alone: keep password, codes and devices to yourself, and tell the firm at once if one of them may be in other hands.\n\n\
    What you open, add and change is recorded with your name, the time and the network address, so that everybody’s files stay safe.";

/// All of them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the pages say of the firm.
    pub firm: Firm,
    /// Address of the site as it stands in letters: "https://files.firm.example".
    pub url: Option<String>,
    /// The mail server; without one nothing is sent, and links are copied by hand.
    pub smtp: Option<Smtp>,
    /// The optional way back in by e-mail and two answers.
    pub recovery: Recovery,
    /// From where people may come.
    pub networks: Lists,
    /// Networks on trial: they count until this moment, then the ones before again.
    pub trial: Option<(Moment, Lists)>,
    /// What people accept when they set up their account.
    pub terms: String,
    /// The keyring of the installation is looked after here, and not from another site.
    pub keeps_keyring: bool,
    /// The recovery kit was printed and shown to be on paper, as far as this site looks after it: ask [`Site::kit_is_on_paper`].
    pub(crate) kit_confirmed: bool,
    /// The two who keep it.
    pub kit_holders: Option<(String, String)>,
    /// When somebody was rescued from the console, until a system administrator has read that.
    pub rescue: Option<Moment>,
}

/// The optional way back in. ASVS 5.0 (6.4.2) advises against it; the health page says when it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// It is open.
    pub on: bool,
    /// Hours between right answers and the way in, in which the owner can stop it.
    pub delay: i64,
}

/// Most hours of delay.
pub const DELAY_MAX: i64 = 168;

/// From where people may come, by who they are. An empty list lets everybody come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// System administrators, on top of what holds for staff.
    pub administrator: Networks,
    /// Staff, on top of what holds for all.
    pub staff: Networks,
    /// Everybody, strangers included.
    pub all: Networks,
}

#[derive(Serialize, Deserialize)]
struct Written {
    administrator: String,
    staff: String,
    all: String,
}

impl Lists {
    fn text(&self) -> String {
        let written = Written { administrator: self.administrator.to_string(), staff: self.staff.to_string(), all: self.all.to_string() };
        serde_json::to_string(&written).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Lists> {
        let written: Written = serde_json::from_str(text).ok()?;
        let list = |text: &str| Networks::parse("", text).ok();
        Some(Lists { administrator: list(&written.administrator)?, staff: list(&written.staff)?, all: list(&written.all)? })
    }
}

impl Settings {
    /// The lists that count at this moment.
    pub fn networks(&self, now: Moment) -> &Lists {
        match &self.trial {
            Some((until, lists)) if now < *until => lists,
            _ => &self.networks,
        }
    }
}

const MAIL_PASSWORD: Place = Place { table: "setting", column: "mail.password", row: 0 };

/// Reads them all.
pub(crate) fn load(sql: &Connection, keys: &keys::SiteKeys) -> Result<Settings, OpenError> {
    let mut find = sql.prepare("select value from setting where key = ?")?;
    let mut get = |key: &str| find.query_row([key], |row| row.get::<_, String>(0)).optional();
    let zone_name = get("firm.zone")?.unwrap_or_else(|| "UTC".into());
    let zone = TimeZone::get(&zone_name).map_err(|_| OpenError::config(format!("The firm's time zone {zone_name:?} is unknown.")))?;
    let firm = Firm { name: get("firm.name")?.unwrap_or_default(), kind: get("firm.kind")?.unwrap_or_default(), prefix: get("firm.prefix")?.unwrap_or_default(), zone_name, zone, phone: get("firm.phone")? };
    let smtp = get("mail")?.and_then(|text| serde_json::from_str::<Smtp>(&text).ok());
    let password = get("mail.password")?.and_then(|text| unhex(&text)).and_then(|sealed| keys.fields.open_text(&sealed, MAIL_PASSWORD).ok());
    let trial = get("networks.trial")?.and_then(|text| text.split_once(' ').and_then(|(until, lists)| Some((Moment(until.parse().ok()?), Lists::parse(lists)?))));
    let networks = match get("networks")? {
        None => Lists::default(),
        Some(text) => Lists::parse(&text).ok_or_else(|| OpenError::config("The networks from which people may come cannot be read. Restore the database from a backup."))?,
    };
    Ok(Settings {
        firm,
        url: get("url")?,
        smtp: smtp.map(|smtp| Smtp { password, ..smtp }),
        recovery: get("recovery")?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Recovery { on: false, delay: 24 }),
        networks,
        trial,
        terms: get("terms")?.unwrap_or_else(|| TERMS.into()),
        keeps_keyring: get("kit.elsewhere")?.is_none(),
        kit_confirmed: get("kit.confirmed")?.is_some(),
        rescue: get("rescue")?.and_then(|at| at.parse().ok()).map(Moment),
        kit_holders: get("kit.holders")?.and_then(|text| text.split_once('\n').map(|(one, two)| (one.to_owned(), two.to_owned()))),
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    pairs.collect()
}

/// Writes one; `None` removes it. The value held ready is read again once it is on disk.
pub(crate) fn put(sql: &Connection, core: &Core, key: &str, value: Option<&str>) -> Result<(), Refusal> {
    core.settings_changed();
    match value {
        Some(value) => sql.execute("insert into setting (key, value) values (?1, ?2) on conflict (key) do update set value = ?2", (key, value)).map(drop).refuse(),
        None => sql.execute("delete from setting where key = ?", [key]).map(drop).refuse(),
    }
}

/// The firm as it was typed.
#[derive(Clone, Debug, Default)]
pub struct TypedFirm {
    /// Name.
    pub name: String,
    /// Kind: "immigration", "solicitor" or "auditor".
    pub kind: String,
    /// Head of references.
    pub prefix: String,
    /// IANA name of the time zone.
    pub zone: String,
    /// Telephone number.
    pub phone: String,
}

/// The kinds of firm: value and words.
pub const KINDS: [(&str, &str); 4] = [("immigration", "Immigration advisers"), ("solicitor", "Solicitors"), ("auditor", "Auditors"), ("other", "Another kind of firm")];

/// The types of case with which a firm of this kind begins.
fn case_types(kind: &str) -> &'static [&'static str] {
    match kind {
        "immigration" => &["Visa", "Leave to remain", "Settlement", "Naturalisation", "Appeal", "Asylum", "Other"],
        "solicitor" => &["Property", "Family", "Wills and probate", "Employment", "Dispute", "Company and commercial", "Other"],
        "auditor" => &["Statutory audit", "Review", "Accounts", "Tax", "Other assurance", "Other"],
        _ => &["General"],
    }
}

impl TypedFirm {
    /// All mistakes at once, or what is to be kept.
    pub fn meant(&self) -> Result<TypedFirm, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let name = text::line("name", "The name of the firm", &self.name, FIRM_MAX).map_err(&mut keep).unwrap_or_default();
        let phone = text::optional_line("phone", "The telephone number", &self.phone, 40).map_err(&mut keep).unwrap_or_default();
        let prefix = self.prefix.trim().to_uppercase();
        if prefix.is_empty() || prefix.len() > 6 || !prefix.bytes().all(|b| b.is_ascii_alphanumeric()) {
            keep(Problem::new("prefix", "The start of references is one to six letters or digits, such as PH."));
        }
        if !KINDS.iter().any(|(value, _)| *value == self.kind) {
            keep(Problem::new("kind", "Choose the kind of firm"));
        }
        if TimeZone::get(&self.zone).is_err() {
            keep(Problem::new("zone", "Choose the time zone from the list, such as Europe/London."));
        }
        match problems.is_empty() {
            true => Ok(TypedFirm { name, kind: self.kind.clone(), prefix, zone: self.zone.clone(), phone: phone.unwrap_or_default() }),
            false => Err(problems),
        }
    }
}

/// Keeps the firm's name, kind, prefix, zone and telephone number.
pub(crate) fn put_firm(sql: &Connection, core: &Core, typed: &TypedFirm) -> Result<(), Refusal> {
    let firm = typed.meant().map_err(Refusal::Invalid)?;
    for (key, value) in [("firm.name", &firm.name), ("firm.kind", &firm.kind), ("firm.prefix", &firm.prefix), ("firm.zone", &firm.zone)] {
        put(sql, core, key, Some(value))?;
    }
    put(sql, core, "firm.phone", (!firm.phone.is_empty()).then_some(&firm.phone))
}

/// The types of case of a firm that is being set up, by its kind. There are no cases yet.
pub(crate) fn put_case_types(sql: &Connection, kind: &str) -> Result<(), Refusal> {
    sql.execute("delete from case_type", []).refuse()?;
    let mut put = sql.prepare_cached("insert into case_type (name) values (?)").refuse()?;
    case_types(kind).iter().try_for_each(|name| put.execute([name]).map(drop)).refuse()
}

/// Changes the firm.
pub fn set_firm(site: &Administer<'_, Writing>, typed: &TypedFirm) -> Result<(), Refusal> {
    put_firm(site.tx().sql, site.tx().core, typed)?;
    site.tx().note(Verb::SettingsChange);
    Ok(())
}

/// Changes the mail server; `None` turns mail off. An empty password keeps the one before.
pub fn set_mail(site: &Administer<'_, Writing>, smtp: Option<&Smtp>) -> Result<(), Refusal> {
    let (sql, core) = (site.tx().sql, site.tx().core);
    match smtp {
        None => {
            put(sql, core, "mail", None)?;
            put(sql, core, "mail.password", None)?;
        }
        Some(smtp) => {
            let text = serde_json::to_string(smtp).map_err(Refusal::fault)?;
            put(sql, core, "mail", Some(&text))?;
            if let Some(password) = &smtp.password {
                let sealed = core.keys.fields.seal(password.expose().as_bytes(), MAIL_PASSWORD).refuse()?;
                put(sql, core, "mail.password", Some(&keys::nonce::hex(&sealed)))?;
            }
        }
    }
    site.tx().note(Verb::SettingsChange);
    Ok(())
}

/// Changes the address that stands in letters.
pub fn set_url(site: &Administer<'_, Writing>, typed: &str) -> Result<(), Refusal> {
    let url = typed.trim().trim_end_matches('/');
    let host = url.strip_prefix("https://").filter(|host| !host.is_empty() && host.len() < 254 && !host.contains(['/', '?', '#', '@', ' ']) && host.is_ascii());
    if host.is_none() {
        return Err(Refusal::invalid("url", "Write the address as it is typed into a browser, such as https://files.firm.example"));
    }
    put(site.tx().sql, site.tx().core, "url", Some(url))?;
    site.tx().note(Verb::SettingsChange);
    Ok(())
}

/// Opens or closes the way back in by e-mail and two answers, and sets its delay in hours.
pub fn set_recovery(site: &Administer<'_, Writing>, recovery: Recovery) -> Result<(), Refusal> {
    if !(0..=DELAY_MAX).contains(&recovery.delay) {
        return Err(Refusal::invalid("delay", format!("The delay is 0 to {DELAY_MAX} hours.")));
    }
    let text = serde_json::to_string(&recovery).map_err(Refusal::fault)?;
    put(site.tx().sql, site.tx().core, "recovery", Some(&text))?;
    if !recovery.on {
        // Whoever closes it believes that it is closed: nothing that was begun goes on.
        ticket::void_way_back(site.tx().sql, site.tx().core, None)?;
    }
    site.tx().note(Verb::SettingsChange);
    Ok(())
}

/// Changes the terms; whoever accepted the ones before is not asked again.
pub fn set_terms(site: &Administer<'_, Writing>, typed: &str) -> Result<(), Refusal> {
    let terms = text::prose("terms", "The text", typed, TERMS_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    put(site.tx().sql, site.tx().core, "terms", terms.as_deref())?;
    site.tx().note(Verb::SettingsChange);
    Ok(())
}

/// Puts networks on trial for a minute. They count from now, and the ones before count again afterwards unless [`keep_networks`] is called.
/// What would shut out the one who asks is refused.
pub fn try_networks(site: &Administer<'_, Writing>, lists: &Lists) -> Result<(), Refusal> {
    let tx = site.tx();
    let from = tx.actor().from.parse().map_err(|_| Refusal::invalid("all", "Your own network address is not known, so that this cannot be tried safely from here."))?;
    for (field, list) in [("administrator", &lists.administrator), ("staff", &lists.staff), ("all", &lists.all)] {
        if !list.let_in(from) {
            return Err(Refusal::invalid(field, format!("Your own address, {from}, is in none of these networks: you would shut yourself out. Add it.")));
        }
    }
    put(tx.sql, tx.core, "networks.trial", Some(&format!("{} {}", tx.now().plus(TRIAL).0, lists.text())))?;
    tx.note(Verb::NetworksChange);
    Ok(())
}

/// Keeps the networks on trial, if their minute is not over.
pub fn keep_networks(site: &Administer<'_, Writing>) -> Result<(), Refusal> {
    let tx = site.tx();
    let settings = tx.core.settings();
    match &settings.trial {
        Some((until, lists)) if tx.now() < *until => {
            put(tx.sql, tx.core, "networks", Some(&lists.text()))?;
            put(tx.sql, tx.core, "networks.trial", None)?;
            tx.note(Verb::NetworksChange);
            Ok(())
        }
        _ => Err(Refusal::invalid("", "The minute was over: the networks before count again. Try once more.")),
    }
}

/// A system administrator has read that somebody was rescued from the console.
pub fn rescue_seen(site: &Administer<'_, Writing>) -> Result<(), Refusal> {
    put(site.tx().sql, site.tx().core, "rescue", None)?;
    site.tx().note(Verb::SettingsChange);
    Ok(())
}

impl Site {
    /// Keeps the mail password out of what is shown: whether there is one.
    pub fn has_mail_password(&self) -> bool {
        self.settings().smtp.as_ref().is_some_and(|smtp| smtp.password.as_ref().is_some_and(|password: &Secret<String>| !password.expose().is_empty()))
    }
}
