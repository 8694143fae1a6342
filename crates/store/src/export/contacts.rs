//! The tables of contacts and of what they are to cases, in the words of the product.

use super::tables::{Form::*, Table, among};

/// Contacts, what belongs to them, and their parts in cases.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "contacts",
        about: "A person or organisation of the outside world.",
        columns: &[
            ("id", Number), ("kind", Text), ("name", Text), ("born", Text), ("register_number", Text), ("email", Private("contact", "email")), ("phone", Private("contact", "phone")),
            ("address", Private("contact", "address")), ("note", Text), ("added", Time), ("changed", Time), ("changes", Number), ("joined_to", Number), ("removed", Time), ("import", Number),
        ],
        query: concat!(
            "select id, kind, name, born, number, email, phone, address, iif(:inside, note, null), created, changed, version, merged_into, removed, import_id from contact where ",
            among!(":contacts", "id"), " order by id"
        ),
        of: &["contact"],
        of_clients: true,
    },
    Table {
        name: "other_names",
        about: "Another name of a contact.",
        columns: &[("contact_id", Number), ("contact", Text), ("name", Text), ("sort", Text)],
        query: concat!("select n.contact_id, c.name, n.name, n.kind from contact_name n join contact c on c.id = n.contact_id where ", among!(":contacts", "n.contact_id"), " order by 1, 3"),
        of: &["contact_name"],
        of_clients: true,
    },
    Table {
        name: "identity_documents",
        about: "A document that says who a contact is.",
        columns: &[
            ("id", Number), ("contact_id", Number), ("contact", Text), ("sort", Text), ("number", Private("identity_document", "number")), ("country", Text), ("expires", Text), ("added_by_id", Number),
            ("added_by", Text), ("at", Time),
        ],
        query: concat!(
            "select d.id, d.contact_id, c.name, d.kind, d.number, d.country, d.expires, d.by_id, b.name, d.at from identity_document d join contact c on c.id = d.contact_id
            left join user b on b.id = d.by_id where ", among!(":contacts", "d.contact_id"), " order by d.id"
        ),
        of: &["identity_document"],
        of_clients: true,
    },
    Table {
        name: "contact_links",
        about: "How two contacts stand to each other.",
        columns: &[("contact_id", Number), ("contact", Text), ("is", Text), ("of_contact_id", Number), ("of_contact", Text), ("said_by_id", Number), ("said_by", Text), ("at", Time)],
        query: "select l.left_id, a.name, l.kind, l.right_id, b.name, l.by_id, u.name, l.at from contact_link l join contact a on a.id = l.left_id join contact b on b.id = l.right_id
            left join user u on u.id = l.by_id where :cases is null order by 1, 4, 3",
        of: &["contact_link"],
        of_clients: false,
    },
    Table {
        name: "contact_imports",
        about: "Contacts that came from a file.",
        columns: &[("id", Number), ("file", Text), ("rows", Number), ("by_id", Number), ("by", Text), ("at", Time), ("accepted", Time), ("taken_back", Time)],
        query: "select i.id, i.name, i.rows, i.by_id, u.name, i.at, i.accepted, i.undone from contact_import i left join user u on u.id = i.by_id where :cases is null order by i.id",
        of: &["contact_import"],
        of_clients: false,
    },
    Table {
        name: "contact_accounts",
        about: "Which account belongs to which contact.",
        columns: &[("contact_id", Number), ("contact", Text), ("person_id", Number), ("person", Text)],
        query: concat!(
            "select l.contact_id, c.name, l.user_id, u.name from user_contact l join contact c on c.id = l.contact_id join user u on u.id = l.user_id where ",
            among!(":contacts", "l.contact_id"), " and ", among!(":own", "l.user_id"), " order by 1, 3"
        ),
        of: &["user_contact"],
        of_clients: true,
    },
    Table {
        name: "parties",
        about: "Which contact plays which part in a case, or did.",
        columns: &[
            ("case_id", Number), ("case", Text), ("contact_id", Number), ("contact", Text), ("part", Part), ("firm_acts_for_them", Flag), ("added_by_id", Number), ("added_by", Text), ("at", Time), ("ended", Time),
        ],
        query: concat!(
            "select p.case_id, c.reference, p.contact_id, k.name, p.role, p.is_client, p.by_id, b.name, p.at, p.ended from party p join cases c on c.id = p.case_id
            join contact k on k.id = p.contact_id left join user b on b.id = p.by_id where ", among!(":cases", "p.case_id"), " and ", among!(":contacts", "p.contact_id"), " order by 1, 9, 3"
        ),
        of: &["party"],
        of_clients: true,
    },
    Table {
        name: "conflict_checks",
        about: "What was looked for before a case was opened, what was found (row numbers), and what was decided.",
        columns: &[("id", Number), ("case_id", Number), ("case", Text), ("names", Text), ("parties", Text), ("found", Text), ("decision", Text), ("reason", Text), ("by_id", Number), ("by", Text), ("at", Time)],
        query: concat!(
            "select k.id, k.case_id, c.reference, k.terms, k.parties, k.found, k.decision, k.reason, k.by_id, b.name, k.at from conflict_check k join cases c on c.id = k.case_id
            left join user b on b.id = k.by_id where ", among!(":cases", "k.case_id"), " order by k.id"
        ),
        of: &["conflict_check"],
        of_clients: false,
    },
];
