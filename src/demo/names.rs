//! The people of the demo firm Pell & Harrow who have accounts, and the names of everyone who only occurs in a case.

use super::dice::Dice;
use super::origins::{ORIGINS, Origin};

/// The firm as it signs its letters.
pub(crate) const FIRM: &str = "Pell & Harrow";

/// Somebody with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    /// Job title for staff, the part they play for clients.
    pub(crate) words: &'static str,
}

const fn person(name: &'static str, email: &'static str, words: &'static str) -> Person {
    Person { name, email, words }
}

/// Staff in the order in which stories count them: owner 0 is Priya Nair.
pub(crate) const STAFF: [Person; 6] = [
    person("Priya Nair", "priya.nair@pellharrow.example", "Adviser"),
    person("Daniel Okoye", "daniel.okoye@pellharrow.example", "Supervisor"),
    person("Marta Kowalczyk", "marta.kowalczyk@pellharrow.example", "Caseworker"),
    person("Ruth Feldman", "ruth.feldman@pellharrow.example", "Adviser"),
    person("Tomasz Zielinski", "tomasz.zielinski@pellharrow.example", "Adviser"),
    person("Siân Rees", "sian.rees@pellharrow.example", "Reception"),
];

/// Place of reception in [`STAFF`]: knows references, owns no case.
pub(crate) const RECEPTION: usize = 5;

/// Place in [`STAFF`] of the case manager, who looks after people too, and can approve what the administrator asks for.
pub(crate) const MANAGER: usize = 1;

/// The teams of the firm: name and places in [`STAFF`]. The first is given a case.
pub(crate) const TEAMS: [(&str, &[usize]); 2] = [("Families", &[0, 2]), ("Sponsored workers", &[1, 3, 4])];

/// Runs the box and sees no case, which is why stories never count him among the staff.
pub(crate) const ADMINISTRATOR: Person = person("Tom Ashworth", "tom.ashworth@pellharrow.example", "System administrator");

/// The clients of case 0.
pub(crate) const CLIENTS: [Person; 2] = [
    person("Folake Adeyemi", "folake.adeyemi@example.com", "Client"),
    person("James Adeyemi", "james.adeyemi@example.com", "Sponsor"),
];

/// Whom a case is for.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// As on a letter: "Irina Petrova", "Nguyễn Thị Hương", "Northgate Care Ltd".
    pub(crate) name: String,
    /// As at the head of a title: "Petrova", "Nguyễn", "Northgate Care Ltd".
    pub(crate) short: String,
    /// Where their certificates come from; `None` for a company.
    pub(crate) origin: Option<&'static Origin>,
}

/// A person who needs advice.
pub(crate) fn individual(dice: &mut Dice) -> Client {
    let origin = dice.pick(&ORIGINS);
    let (given, family) = origin.map_or(("", ""), |origin| (dice.word(origin.given), dice.word(origin.family)));
    let name = match origin.is_some_and(|origin| origin.family_first) {
        true => format!("{family} {given}"),
        false => format!("{given} {family}"),
    };
    Client { name, short: family.to_owned(), origin }
}

/// A company that sponsors or employs.
pub(crate) fn company(dice: &mut Dice) -> Client {
    let name = format!("{} {} {}", dice.word(PLACES), dice.word(TRADES), dice.word(FORMS));
    Client { short: name.clone(), name, origin: None }
}

const PLACES: &[&str] = &[
    "Northgate",
    "Whitlock",
    "Alder & Finch",
    "Brightwater",
    "Castlemead",
    "Dunmore",
    "Eastholme",
    "Fairlawn",
    "Greyfriars",
    "Hollybank",
    "Iffley",
    "Juniper",
    "Kestrel",
    "Larkhill",
    "Marlowe",
    "Nantwen",
    "Oakenshaw",
    "Pemberley",
    "Quayside",
    "Rookwood",
    "St Brigid’s",
    "Thornbury",
    "Underwood",
    "Vale & Sons",
    "Westerdale",
    "Yarrow",
    "Zenith",
    "Café Lumière",
];

const TRADES: &[&str] = &[
    "Care",
    "Joinery",
    "Dental",
    "Robotics",
    "Logistics",
    "Architects",
    "Foods",
    "Textiles",
    "Nurseries",
    "Software",
    "Homes",
    "Engineering",
    "Kitchens",
    "Diagnostics",
    "Music",
    "Shipping",
];

const FORMS: &[&str] = &["Ltd", "Ltd", "Ltd", "LLP", "plc", "CIC"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_an_address_of_the_right_kind() {
        let firm = STAFF.iter().chain([&ADMINISTRATOR]);
        assert!(firm.clone().all(|p| p.email.ends_with("@pellharrow.example") && p.email.is_ascii()));
        assert!(CLIENTS.iter().all(|p| p.email.ends_with("@example.com")));
        let mut emails: Vec<_> = firm.chain(&CLIENTS).map(|p| p.email).collect();
        emails.sort_unstable();
        emails.dedup();
        assert_eq!(emails.len(), 9);
        assert_eq!(STAFF[RECEPTION].words, "Reception");
    }

    #[test]
    fn names_are_whole_and_various() {
        let names: std::collections::HashSet<String> = (0..1000).map(|n| individual(&mut Dice::new(1, n)).name).collect();
        assert!(names.len() > 400, "{}", names.len());
        assert!(names.iter().all(|name| name.trim() == name && name.contains(' ')));
        assert!(company(&mut Dice::new(1, 1)).name.split(' ').count() >= 3);
    }
}
