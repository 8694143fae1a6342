//! Every table of a site in the words of the product, or the reason why it is in no export. A test holds this against the database itself, so
//! that a new table, or a new column, is decided about before it can be forgotten.
//!
//! Statements know the parameters `:cases`, `:people`, `:own` and `:contacts` (lists of row ids, or null for all) and `:inside` (0 when what
//! the firm notes for itself stays out).

/// What a column holds, and how it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Number,
    Flag,
    /// Milliseconds since 1970.
    Time,
    /// SHA-256.
    Hex,
    /// Encrypted; row id in the first column.
    Email,
    /// Encrypted in this table and column; row id in the first column.
    Private(&'static str, &'static str),
    /// Which part a contact plays.
    Part,
    /// Encrypted; row id in the first column.
    LetterAddress,
    LetterKind,
    Role,
    State,
    Status,
    Level,
    /// Code of what was done.
    Verb,
    /// Number of a kind of thing.
    Thing,
}

/// A table of an export.
pub struct Table {
    /// Name of its files.
    pub name: &'static str,
    /// What a row is, in one sentence.
    pub about: &'static str,
    /// Its columns, in order.
    pub(super) columns: &'static [(&'static str, Form)],
    pub(super) query: &'static str,
    /// The tables of the database that it gives back.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) of: &'static [&'static str],
    /// Whether it is in the data of one client too.
    pub(super) of_clients: bool,
}

impl Table {
    /// Names of its columns.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, _)| *name)
    }
}

/// Tables that are in no export, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("answer", "security questions and the hashes of their answers: secrets of their owners"),
    ("case_text", "an index of words, made from the cases"),
    ("case_text_config", "part of that index"),
    ("case_text_data", "part of that index"),
    ("case_text_docsize", "part of that index"),
    ("case_text_idx", "part of that index"),
    ("counter", "the last number given out in each year, which the references of the cases show"),
    ("device", "marks by which a browser is known again"),
    ("factor", "secrets of authenticator apps, and passkeys"),
    ("name_part", "an index of names, made from the contacts"),
    ("recovery_code", "hashes of recovery codes"),
    ("setup", "the one-time link with which the site was set up"),
    ("sight", "who sees which case, worked out from access and walls"),
    ("sqlite_sequence", "the last row numbers"),
    ("throttle", "counters of failed sign-ins"),
    ("ticket", "one-time links to accounts"),
    ("visit", "sign-ins that are not finished"),
];

/// Columns of exported tables that are in no export, and why.
pub const LEFT_OUT_COLUMNS: &[(&str, &str, &str)] = &[
    ("user", "password", "the hash of a password"),
    ("user", "email_index", "a blind index"),
    ("user", "role_by", "who gave the role, which the history tells"),
    ("user", "role_at", "when that was, which the history tells"),
    ("version", "blob", "the name of the encrypted file on the server"),
    ("version", "blob_key", "the key of that file"),
    ("event", "link", "can be checked only with the key of the site: strongroom audit verify"),
    ("session", "digest", "the hash of a session"),
    ("letter", "fields", "what a letter says holds one-time links, and is forgotten once it is sent"),
    ("letter", "ticket_id", "names a one-time link"),
    ("contact_import", "file", "a file that waits to be accepted; what was accepted is in the contacts"),
    ("export", "blob", "the name of the encrypted file on the server"),
    ("export", "blob_key", "the key of that file"),
];

/// Whether a row id is in the list of what is exported, if there is one.
macro_rules! among {
    ($list:literal, $column:literal) => {
        concat!("(", $list, " is null or ", $column, " in (select value from json_each(", $list, ")))")
    };
}
pub(super) use among;

use Form::*;
use super::contacts;

/// Every table, in the order in which it is written.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    contacts::TABLES.iter().chain(TABLES)
}

/// What is not about contacts.
const TABLES: &[Table] = &[
    Table {
        name: "site",
        about: "What the firm set; the password of the mail server is left out.",
        columns: &[("setting", Text), ("value", Text)],
        query: "select key, value from setting where key in ('firm.name', 'firm.kind', 'firm.prefix', 'firm.zone', 'firm.phone', 'url', 'mail', 'terms', 'recovery', 'networks') order by key",
        of: &["setting"],
        of_clients: false,
    },
    Table {
        name: "people",
        about: "An account: somebody of the firm, a client or a program.",
        columns: &[
            ("id", Number), ("name", Text), ("called", Text), ("role", Role), ("kind", Text), ("state", State), ("email", Email), ("language", Text), ("theme", Text),
            ("terms_accepted", Time), ("created", Time),
        ],
        query: concat!(
            "select id, name, words, role, kind, state, iif(", among!(":own", "id"), ", email, null), iif(", among!(":own", "id"), ", language, null), iif(", among!(":own", "id"),
            ", theme, null), iif(", among!(":own", "id"), ", terms, null), iif(", among!(":own", "id"), ", created, null) from user where ", among!(":people", "id"), " order by id"
        ),
        of: &["user"],
        of_clients: true,
    },
    Table {
        name: "teams",
        about: "Several people of the firm under one name.",
        columns: &[("id", Number), ("name", Text), ("created", Time)],
        query: "select id, name, created from team where :cases is null order by id",
        of: &["team"],
        of_clients: false,
    },
    Table {
        name: "team_people",
        about: "Who is in which team.",
        columns: &[("team_id", Number), ("team", Text), ("person_id", Number), ("person", Text)],
        query: "select m.team_id, t.name, m.user_id, u.name from team_member m join team t on t.id = m.team_id join user u on u.id = m.user_id where :cases is null order by 1, 3",
        of: &["team_member"],
        of_clients: false,
    },
    Table {
        name: "case_types",
        about: "What sorts of case there are.",
        columns: &[("id", Number), ("name", Text)],
        query: concat!("select id, name from case_type where :cases is null or id in (select type_id from cases where ", among!(":cases", "id"), ") order by id"),
        of: &["case_type"],
        of_clients: true,
    },
    Table {
        name: "cases",
        about: "A case.",
        columns: &[
            ("id", Number), ("reference", Text), ("title", Text), ("summary", Text), ("type_id", Number), ("type", Text), ("status", Status), ("outcome", Text), ("opened_again_because", Text),
            ("owner_id", Number), ("owner", Text), ("supervisor_id", Number), ("supervisor", Text), ("opened", Time), ("closed", Time), ("changed", Time), ("changed_by_id", Number),
            ("changed_by", Text), ("changes", Number), ("documents", Number), ("walls", Number),
        ],
        query: concat!(
            "select c.id, c.reference, c.title, c.summary, c.type_id, t.name, c.status, c.outcome, iif(:inside, c.reopened, null), c.owner_id, o.name, c.supervisor_id, s.name, c.opened, c.closed, c.changed, c.changed_by,
            b.name, c.version, c.documents, iif(:inside, c.walls, null) from cases c join case_type t on t.id = c.type_id join user o on o.id = c.owner_id join user b on b.id = c.changed_by
            left join user s on s.id = c.supervisor_id where ", among!(":cases", "c.id"), " order by c.id"
        ),
        of: &["cases"],
        of_clients: true,
    },
    Table {
        name: "access",
        about: "Who was given access to which case, at which level.",
        columns: &[
            ("case_id", Number), ("case", Text), ("person_id", Number), ("person", Text), ("level", Level), ("reason", Text), ("given_by_id", Number), ("given_by", Text), ("at", Time),
        ],
        query: concat!(
            "select g.case_id, c.reference, g.user_id, u.name, g.level, iif(:inside, g.reason, null), g.by_id, b.name, g.at from grants g join cases c on c.id = g.case_id
            join user u on u.id = g.user_id left join user b on b.id = g.by_id where ", among!(":cases", "g.case_id"),
            " and (:inside or u.kind != 'client' or ", among!(":own", "u.id"), ") order by 1, 3"
        ),
        of: &["grants"],
        of_clients: true,
    },
    Table {
        name: "walls",
        about: "Who is kept out of which case, and why.",
        columns: &[("case_id", Number), ("case", Text), ("person_id", Number), ("person", Text), ("reason", Text), ("put_up_by_id", Number), ("put_up_by", Text), ("at", Time)],
        query: concat!(
            "select w.case_id, c.reference, w.user_id, u.name, w.reason, w.by_id, b.name, w.at from walls w join cases c on c.id = w.case_id join user u on u.id = w.user_id
            left join user b on b.id = w.by_id where ", among!(":cases", "w.case_id"), " order by 1, 3"
        ),
        of: &["walls"],
        of_clients: false,
    },
    Table {
        name: "team_access",
        about: "Which team was given access to which case, at which level.",
        columns: &[("case_id", Number), ("case", Text), ("team_id", Number), ("team", Text), ("level", Level), ("reason", Text), ("given_by_id", Number), ("given_by", Text), ("at", Time)],
        query: concat!(
            "select g.case_id, c.reference, g.team_id, t.name, g.level, g.reason, g.by_id, b.name, g.at from team_grant g join cases c on c.id = g.case_id
            join team t on t.id = g.team_id left join user b on b.id = g.by_id where ", among!(":cases", "g.case_id"), " order by 1, 3"
        ),
        of: &["team_grant"],
        of_clients: false,
    },
    Table {
        name: "team_walls",
        about: "Which team is kept out of which case, and why.",
        columns: &[("case_id", Number), ("case", Text), ("team_id", Number), ("team", Text), ("reason", Text), ("put_up_by_id", Number), ("put_up_by", Text), ("at", Time)],
        query: concat!(
            "select w.case_id, c.reference, w.team_id, t.name, w.reason, w.by_id, b.name, w.at from team_wall w join cases c on c.id = w.case_id join team t on t.id = w.team_id
            left join user b on b.id = w.by_id where ", among!(":cases", "w.case_id"), " order by 1, 3"
        ),
        of: &["team_wall"],
        of_clients: false,
    },
    Table {
        name: "reasons",
        about: "Why access was given, or a wall put up or taken down, at that moment of the history.",
        columns: &[("case_id", Number), ("case", Text), ("thing", Thing), ("thing_id", Number), ("thing_name", Text), ("at", Time), ("reason", Text)],
        query: concat!(
            "select r.case_id, c.reference, r.kind, r.object, case r.kind when 3 then (select name from user where id = r.object) when 6 then (select name from team where id = r.object) end, r.at, r.text
            from reason r join cases c on c.id = r.case_id where ", among!(":cases", "r.case_id"), " order by 1, 6, 3, 4"
        ),
        of: &["reason"],
        of_clients: false,
    },
    Table {
        name: "documents",
        about: "A document; its content is in its versions.",
        columns: &[("id", Number), ("case_id", Number), ("case", Text), ("name", Text), ("added", Time), ("moved_to_trash", Time), ("moved_by_id", Number), ("moved_by", Text), ("checked_out_by_id", Number), ("checked_out_by", Text), ("checked_out", Time)],
        query: concat!(
            "select d.id, d.case_id, c.reference, d.name, d.added, d.trashed, d.trashed_by, u.name, iif(:inside, d.held_by, null), iif(:inside, h.name, null), iif(:inside, d.held_at, null) from document d
            join cases c on c.id = d.case_id left join user u on u.id = d.trashed_by left join user h on h.id = d.held_by where ",
            among!(":cases", "d.case_id"), " order by d.id"
        ),
        of: &["document"],
        of_clients: true,
    },
    Table {
        name: "versions",
        about: "A version of a document, with the file in this export that holds it.",
        columns: &[("document_id", Number), ("version", Number), ("document", Text), ("case", Text), ("size", Number), ("sha256", Hex), ("added_by_id", Number), ("added_by", Text), ("at", Time), ("reason", Text)],
        query: concat!(
            "select v.document_id, v.n, d.name, c.reference, v.size, v.sha256, v.by_id, u.name, v.at, iif(:inside, v.reason, null) from version v join document d on d.id = v.document_id join cases c on c.id = d.case_id
            left join user u on u.id = v.by_id where ", among!(":cases", "d.case_id"), " order by 1, 2"
        ),
        of: &["version"],
        of_clients: true,
    },
    Table {
        name: "history",
        about: "The audit trail: what somebody did, or tried to do.",
        columns: &[
            ("number", Number), ("at", Time), ("person_id", Number), ("person", Text), ("what", Verb), ("code", Text), ("refused", Flag), ("case_id", Number), ("case", Text), ("thing", Thing),
            ("thing_id", Number), ("thing_name", Text), ("detail", Number), ("reason", Text), ("from", Text), ("session", Number),
        ],
        query: concat!(
            "select e.seq, e.at, e.actor, coalesce(u.name, iif(e.actor is null, 'Strongroom', '')), e.verb, e.verb, e.refused, e.case_id, c.reference, e.kind, e.object,
            case e.kind when 2 then (select name from document where id = e.object) when 3 then (select name from user where id = e.object)
                when 6 then (select name from team where id = e.object) when 7 then (select name from contact where id = e.object) end,
            e.detail, iif(:inside, (select text from reason r where r.case_id = e.case_id and r.kind = e.kind and r.object = e.object and r.at = e.at), null),
            iif(", among!(":own", "e.actor"), ", e.origin, null), iif(", among!(":own", "e.actor"), ", e.session, null)
            from event e left join user u on u.id = e.actor left join cases c on c.id = e.case_id
            where :cases is null or e.case_id in (select value from json_each(:cases)) and (:inside or e.verb not in ('wall.raise', 'wall.lower', 'conflict.decide') and (e.kind is not 7 or e.object in (select value from json_each(:contacts)))) and (e.refused = 0 or e.actor in (select value from json_each(:own)))
                or e.case_id is null and (e.actor in (select value from json_each(:own)) and (e.kind is null or e.kind != 3 or e.object = e.actor)
                    or e.kind = 3 and e.object in (select value from json_each(:own))) order by e.seq"
        ),
        of: &["event"],
        of_clients: true,
    },
    Table {
        name: "sessions",
        about: "When and from where somebody was signed in.",
        columns: &[("id", Number), ("person_id", Number), ("person", Text), ("started", Time), ("last_used", Time), ("ended", Time), ("from", Text), ("browser", Text), ("last_confirmed", Time)],
        query: concat!(
            "select s.id, s.user_id, u.name, s.started, s.seen, s.ended, s.origin, s.words, nullif(s.stepped, 0) from session s join user u on u.id = s.user_id where ",
            among!(":own", "s.user_id"), " order by s.id"
        ),
        of: &["session"],
        of_clients: true,
    },
    Table {
        name: "identity_checks",
        about: "How it was made sure who somebody is, before their ways in were reset.",
        columns: &[("id", Number), ("person_id", Number), ("person", Text), ("by_id", Number), ("by", Text), ("at", Time), ("what_was_checked", Text)],
        query: concat!(
            "select v.id, v.user_id, u.name, v.by_id, b.name, v.at, v.text from vouch v join user u on u.id = v.user_id left join user b on b.id = v.by_id where ",
            among!(":own", "v.user_id"), " order by v.id"
        ),
        of: &["vouch"],
        of_clients: true,
    },
    Table {
        name: "letters",
        about: "A letter by e-mail, and what became of it.",
        columns: &[
            ("id", Number), ("person_id", Number), ("person", Text), ("kind", LetterKind), ("address", LetterAddress), ("made", Time), ("not_before", Time), ("tries", Number), ("refused", Time),
            ("sent", Time), ("given_up", Time), ("answer_of_the_server", Text),
        ],
        query: concat!(
            "select l.id, l.user_id, u.name, l.kind, l.address, l.made, l.due, l.tries, l.refused, l.sent, l.given_up, l.reply from letter l left join user u on u.id = l.user_id where ",
            among!(":own", "l.user_id"), " order by l.id"
        ),
        of: &["letter"],
        of_clients: true,
    },
    Table {
        name: "exports",
        about: "An export that was asked for.",
        columns: &[
            ("id", Number), ("client_id", Number), ("client", Text), ("reason", Text), ("stage", Text), ("asked_by_id", Number), ("asked_by", Text), ("asked", Time), ("without_a_second_person", Flag),
            ("answered_by_id", Number), ("answered_by", Text), ("answered", Time), ("ended", Time), ("why_it_failed", Text), ("problems", Number), ("fetched", Time), ("size", Number), ("sha256", Hex),
        ],
        query: "select e.id, e.contact_id, c.name, e.reason, e.stage, e.by_id, b.name, e.asked, e.alone, e.second_id, s.name, e.answered, e.ended, e.why, e.problems, e.fetched, e.size, e.sha256
            from export e left join contact c on c.id = e.contact_id left join user b on b.id = e.by_id left join user s on s.id = e.second_id where :cases is null order by e.id",
        of: &["export"],
        of_clients: false,
    },
    Table {
        name: "export_accounts",
        about: "Whose accounts an export of one client was about.",
        columns: &[("export_id", Number), ("person_id", Number), ("person", Text)],
        query: "select a.export_id, a.user_id, u.name from export_account a join user u on u.id = a.user_id where :cases is null order by 1, 2",
        of: &["export_account"],
        of_clients: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn fresh() -> Connection {
        let mut sql = Connection::open_in_memory().unwrap();
        crate::migrate::migrate(&mut sql, crate::migrate::SITE).unwrap();
        sql
    }

    fn names(sql: &Connection, query: &str) -> Vec<String> {
        sql.prepare(query).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_table_is_exported_or_left_out_for_a_reason() {
        let sql = fresh();
        let known: Vec<&str> = tables().flat_map(|table| table.of.iter().copied()).chain(LEFT_OUT.iter().map(|(table, _)| *table)).collect();
        let there = names(&sql, "select name from sqlite_master where type = 'table'");
        for table in &there {
            assert_eq!(known.iter().filter(|known| *known == table).count(), 1, "decide whether {table} is in exports: crates/store/src/export/tables.rs");
        }
        for table in known.iter().filter(|known| !known.starts_with("sqlite_")) {
            assert!(there.iter().any(|there| there == table), "{table} is no table any more");
        }
        assert!(LEFT_OUT.iter().all(|(_, why)| !why.is_empty()));
    }

    #[test]
    fn every_column_is_exported_or_left_out_for_a_reason() {
        let sql = fresh();
        for table in tables() {
            for of in table.of {
                for column in names(&sql, &format!("select name from pragma_table_info('{of}')")) {
                    let read = table.query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == column);
                    let left_out = LEFT_OUT_COLUMNS.iter().any(|(table, name, _)| table == of && *name == column);
                    assert!(read || left_out, "decide whether {of}.{column} is in exports: crates/store/src/export/tables.rs");
                    // Private columns are read to be decrypted; those that are left out are in no statement, unless another table has one of this name.
                    assert!(!left_out || ["link", "blob"].contains(&column.as_str()) || !read, "{of}.{column} is left out and read");
                }
            }
        }
    }

    #[test]
    fn statements_have_the_columns_that_they_say() {
        let sql = fresh();
        for table in tables() {
            assert_eq!(sql.prepare(table.query).unwrap().column_count(), table.columns.len(), "{}", table.name);
        }
    }
}
