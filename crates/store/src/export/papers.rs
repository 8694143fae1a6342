//! What the readable pages of an export show, and where its documents come from: cases, their documents with every version, who has access,
//! and what was changed.

use super::{Chosen, Snapshot, rows::said, scope::READ};
use crate::{blob::Blob, error::Refuse};
use rules::{Level, Moment, Refusal, Verb, case::Status};
use rusqlite::params;

/// A case.
pub struct CaseRow {
    /// Row id.
    pub id: i64,
    /// Reference.
    pub reference: String,
    /// Title.
    pub title: String,
    /// Summary.
    pub summary: Option<String>,
    /// Name of its type.
    pub type_name: String,
    /// Where it stands, in a word.
    pub status: &'static str,
    /// How it ended.
    pub outcome: Option<String>,
    /// Name of its owner.
    pub owner: String,
    /// Name of its supervisor.
    pub supervisor: Option<String>,
    /// When it was opened.
    pub opened: Moment,
    /// When it was closed.
    pub closed: Option<Moment>,
}

/// A version of a document.
pub struct Paper {
    /// Row id of the document.
    pub document: i64,
    /// Name of the document.
    pub name: String,
    /// Number of the version.
    pub n: i64,
    /// It is the newest one.
    pub newest: bool,
    /// Who added it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// When the document was moved to the trash.
    pub trashed: Option<Moment>,
    /// Its content.
    pub blob: Blob,
}

/// Somebody with access to a case, or kept out of it.
pub struct Seer {
    /// Name.
    pub name: String,
    /// The level that was given; `None` for a wall.
    pub level: Option<Level>,
    /// Why.
    pub reason: Option<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// Something that was changed about a case.
pub struct Happened {
    /// When.
    pub at: Moment,
    /// By whom.
    pub who: String,
    /// What.
    pub what: String,
    /// To which document or person.
    pub thing: Option<String>,
}

/// One sign-up of a contact: the contact, and the account that belongs to it.
type Link = (i64, String, bool, Option<i64>, Option<String>);

impl Snapshot<'_> {
    /// Row ids of the cases, in the order in which they were opened first here.
    pub fn case_ids(&self, chosen: &Chosen) -> Result<Vec<i64>, Refusal> {
        const SQL: &str = "select id from cases where ?1 is null or id in (select value from json_each(?1)) order by id";
        self.sql().prepare(SQL).refuse()?.query_map([&chosen.cases], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()
    }

    /// One case.
    pub fn case_row(&self, id: i64) -> Result<CaseRow, Refusal> {
        const SQL: &str = "select c.reference, c.title, c.summary, t.name, c.status, c.outcome, o.name, s.name, c.opened, c.closed from cases c join case_type t on t.id = c.type_id
            join user o on o.id = c.owner_id left join user s on s.id = c.supervisor_id where c.id = ?";
        let mut find = self.sql().prepare_cached(SQL).refuse()?;
        let found = find.query_row([id], |row| {
            Ok(CaseRow {
                id,
                reference: row.get(0)?,
                title: row.get(1)?,
                summary: row.get(2)?,
                type_name: row.get(3)?,
                status: Status::from_value(row.get_ref(4)?.as_str()?).map_or("", Status::word),
                outcome: row.get(5)?,
                owner: row.get(6)?,
                supervisor: row.get(7)?,
                opened: Moment(row.get(8)?),
                closed: row.get::<_, Option<i64>>(9)?.map(Moment),
            })
        });
        found.refuse()
    }

    /// Every stored version of the documents of a case, those in the trash too: by document, the newest version first.
    pub fn papers(&self, case: i64) -> Result<Vec<Paper>, Refusal> {
        const SQL: &str = "select d.id, d.name, v.n, v.n = (select max(n) from version where document_id = d.id), coalesce(u.name, ''), v.at, d.trashed, v.blob, v.blob_key, v.size, v.sha256
            from document d join version v on v.document_id = d.id left join user u on u.id = v.by_id
            where d.id in (select id from document where case_id = ?1 and trashed is null union all select id from document where case_id = ?1 and trashed is not null) order by d.id, v.n desc";
        let mut find = self.sql().prepare_cached(SQL).refuse()?;
        let paper = |row: &rusqlite::Row<'_>| {
            let size: i64 = row.get(9)?;
            Ok(Paper {
                document: row.get(0)?,
                name: row.get(1)?,
                n: row.get(2)?,
                newest: row.get(3)?,
                by: row.get(4)?,
                at: Moment(row.get(5)?),
                trashed: row.get::<_, Option<i64>>(6)?.map(Moment),
                blob: Blob { name: row.get(7)?, wrapped: row.get(8)?, size: size.cast_unsigned(), sha256: row.get(10)? },
            })
        };
        find.query_map([case], paper).refuse()?.collect::<Result<_, _>>().refuse()
    }

    /// Who was given access to a case and, inside the firm, who is kept out of it.
    pub fn seers(&self, case: i64, chosen: &Chosen) -> Result<Vec<Seer>, Refusal> {
        const SQL: &str = "select u.name, g.level, iif(?2, g.reason, null), coalesce(b.name, ''), g.at from grants g join user u on u.id = g.user_id left join user b on b.id = g.by_id where g.case_id = ?1
            and (?2 or u.kind != 'client' or u.id in (select value from json_each(?3)))
            union all select 'Team ' || t.name, g.level, g.reason, coalesce(b.name, ''), g.at from team_grant g join team t on t.id = g.team_id left join user b on b.id = g.by_id where ?2 and g.case_id = ?1
            union all select u.name, null, w.reason, coalesce(b.name, ''), w.at from walls w join user u on u.id = w.user_id left join user b on b.id = w.by_id where ?2 and w.case_id = ?1
            union all select 'Team ' || t.name, null, w.reason, coalesce(b.name, ''), w.at from team_wall w join team t on t.id = w.team_id left join user b on b.id = w.by_id where ?2 and w.case_id = ?1 order by 5";
        let mut find = self.sql().prepare_cached(SQL).refuse()?;
        let seer = |row: &rusqlite::Row<'_>| {
            Ok(Seer { name: row.get(0)?, level: row.get::<_, Option<i64>>(1)?.map(Level::from_number), reason: row.get(2)?, by: row.get(3)?, at: Moment(row.get(4)?) })
        };
        find.query_map(params![case, chosen.is_inside(), chosen.own], seer).refuse()?.collect::<Result<_, _>>().refuse()
    }

    /// What was changed about a case, oldest first; inside the firm, walls too.
    pub fn changes(&self, case: i64, chosen: &Chosen) -> Result<Vec<Happened>, Refusal> {
        const SQL: &str = "select e.at, coalesce(u.name, 'Strongroom'), e.verb,
                case e.kind when 2 then (select name from document where id = e.object) when 3 then (select name from user where id = e.object) when 6 then (select 'the team ' || name from team where id = e.object)
                    when 7 then (select name from contact where id = e.object) end
            from event e left join user u on u.id = e.actor where e.case_id = ? and e.refused = 0 order by e.seq";
        let mut find = self.sql().prepare_cached(SQL).refuse()?;
        let mut rows = find.query([case]).refuse()?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().refuse()? {
            let code: String = row.get(2).refuse()?;
            let told = |verb: Verb| verb.changes_a_case() && (chosen.is_inside() || !matches!(verb, Verb::WallRaise | Verb::WallLower | Verb::ConflictDecide | Verb::PartyAdd | Verb::PartyEnd));
            if Verb::from_value(&code).is_some_and(told) {
                let (at, who, thing) = (Moment(row.get(0).refuse()?), row.get(1).refuse()?, row.get(3).refuse()?);
                out.push(Happened { at, who, what: said(&code, false), thing });
            }
        }
        Ok(out)
    }

    /// Contacts by name, each with its accounts: row id, name, whether it is an organisation, and row id and name of an account.
    pub fn clients(&self, chosen: &Chosen) -> Result<Vec<Link>, Refusal> {
        const SQL: &str = "select c.id, c.name, c.kind = 'organisation', u.id, u.name from contact c left join user_contact l on l.contact_id = c.id and (?2 is null or l.user_id in (select value from json_each(?2)))
            left join user u on u.id = l.user_id where ?1 is null or c.id in (select value from json_each(?1)) order by c.name collate nocase, c.id, u.id";
        let mut find = self.sql().prepare(SQL).refuse()?;
        find.query_map([&chosen.contacts, &chosen.own], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))).refuse()?.collect::<Result<_, _>>().refuse()
    }

    /// Row ids of the cases that an account may read.
    pub fn cases_of(&self, account: i64) -> Result<Vec<i64>, Refusal> {
        let mut find = self.sql().prepare_cached("select case_id from sight where user_id = ? and level >= ? order by case_id").refuse()?;
        find.query_map([account, i64::from(READ)], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()
    }

    /// Bytes of all documents that belong to what was chosen, and how many versions there are.
    pub fn weight(&self, chosen: &Chosen) -> Result<(u64, u64), Refusal> {
        const SQL: &str = "select coalesce(sum(v.size), 0), count(*) from version v join document d on d.id = v.document_id where ?1 is null or d.case_id in (select value from json_each(?1))";
        self.sql().query_row(SQL, [&chosen.cases], |row| Ok((row.get(0)?, row.get(1)?))).refuse()
    }

    /// Bytes of the database: more than its rows take in an export.
    pub fn database_size(&self) -> Result<u64, Refusal> {
        let of = |pragma: &str| self.sql().query_row(pragma, [], |row| row.get_ref(0)?.as_str().map(|text| text.parse::<u64>().unwrap_or(0)).or_else(|_| row.get(0))).refuse();
        Ok(of("pragma page_count")?.saturating_mul(of("pragma page_size")?))
    }
}
