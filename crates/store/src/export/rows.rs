//! Reading a table of an export: what stands in the database becomes what the words of the product call it.

use super::{
    Chosen, Snapshot,
    tables::{self, Form, Table},
};
use crate::error::Refuse;
use keys::{field::Place, nonce::hex};
use rules::{Kind, LetterKind, Level, Moment, Refusal, Role, UserState, Verb, case::Status, contact::Part};
use rusqlite::{Row, types::ValueRef};

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    None,
    /// Text that somebody typed, or a word of the product.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A moment.
    At(Moment),
}

impl Snapshot<'_> {
    /// The tables that belong to what was chosen.
    pub fn tables(&self, chosen: &Chosen) -> impl Iterator<Item = &'static Table> {
        let inside = chosen.is_inside();
        tables::tables().filter(move |table| inside || table.of_clients)
    }

    /// Reads a table row by row; memory use is one row. Gives how many there were.
    pub fn rows<E: From<Refusal>>(&self, table: &Table, chosen: &Chosen, mut each: impl FnMut(&[Value]) -> Result<(), E>) -> Result<u64, E> {
        let mut statement = self.sql().prepare(table.query).refuse()?;
        for (name, value) in [(":cases", &chosen.cases), (":people", &chosen.people), (":own", &chosen.own), (":contacts", &chosen.contacts)] {
            if let Some(at) = statement.parameter_index(name).refuse()? {
                statement.raw_bind_parameter(at, value).refuse()?;
            }
        }
        if let Some(at) = statement.parameter_index(":inside").refuse()? {
            statement.raw_bind_parameter(at, chosen.is_inside()).refuse()?;
        }
        let mut rows = statement.raw_query();
        let (mut count, mut values) = (0, Vec::with_capacity(table.columns.len()));
        while let Some(row) = rows.next().refuse()? {
            values.clear();
            for (at, (column, form)) in table.columns.iter().enumerate() {
                values.push(self.value(table, row, at, column, *form).refuse()?);
            }
            each(&values)?;
            count += 1;
        }
        Ok(count)
    }

    fn value(&self, table: &Table, row: &Row<'_>, at: usize, column: &str, form: Form) -> rusqlite::Result<Value> {
        let found = row.get_ref(at)?;
        let number = || found.as_i64().unwrap_or_default();
        let text = || String::from_utf8_lossy(found.as_bytes().unwrap_or_default()).into_owned();
        if found == ValueRef::Null {
            return Ok(Value::None);
        }
        let word = |known: Option<&str>| Value::Text(known.map_or_else(text, str::to_owned));
        Ok(match form {
            Form::Text => Value::Text(text()),
            Form::Number => Value::Number(number()),
            Form::Flag => Value::Flag(number() != 0),
            Form::Time => Value::At(Moment(number())),
            Form::Hex => Value::Text(hex(found.as_bytes().unwrap_or_default())),
            Form::Email => self.private(table, "user", "email", row, found.as_bytes()?)?,
            Form::Private(name, column) => self.private(table, name, column, row, found.as_bytes()?)?,
            Form::Part => word(Part::from_value(&text()).map(Part::words)),
            Form::LetterAddress => self.private(table, "letter", "address", row, found.as_bytes()?)?,
            Form::LetterKind => word(LetterKind::from_value(&text()).map(LetterKind::words)),
            Form::Role => word(Role::from_value(&text()).map(Role::words)),
            Form::State => word(UserState::from_value(&text()).map(UserState::word)),
            Form::Status => word(Status::from_value(&text()).map(Status::word)),
            Form::Level => Value::Text(Level::from_number(number()).word().into()),
            Form::Verb => {
                let refused = table.columns.iter().position(|(name, _)| *name == "refused").map(|at| row.get::<_, bool>(at)).transpose()?.unwrap_or(false);
                Value::Text(said(&text(), refused))
            }
            Form::Thing => Value::Text(u8::try_from(number()).ok().and_then(Kind::from_tag).map_or_else(|| column.to_owned(), |kind| thing(kind).to_owned())),
        })
    }

    /// A private column, for the firm that owns it. One that cannot be read is told and left empty: it must not keep back all the others.
    fn private(&self, table: &Table, name: &'static str, column: &'static str, row: &Row<'_>, sealed: &[u8]) -> rusqlite::Result<Value> {
        let id = row.get(0)?;
        if sealed.is_empty() {
            return Ok(Value::None);
        }
        Ok(match self.source.keys().fields.open_text(sealed, Place { table: name, column, row: id }) {
            Ok(text) => Value::Text(text.expose().clone()),
            Err(_) => {
                self.unread.borrow_mut().push(format!("data/{}: the private text in row {id} cannot be read. It was changed from outside.", table.name));
                Value::None
            }
        })
    }
}

/// What was done, or tried, in words.
pub(super) fn said(code: &str, refused: bool) -> String {
    match (Verb::from_value(code), refused) {
        (Some(verb), false) => verb.words().into(),
        (Some(verb), true) => format!("tried to {}", verb.tried()),
        (None, _) => Verb::Unreadable.words().into(),
    }
}

const fn thing(kind: Kind) -> &'static str {
    match kind {
        Kind::Case => "case",
        Kind::Document => "document",
        Kind::User => "person",
        Kind::Session => "session",
        Kind::Factor => "factor",
        Kind::Team => "team",
        Kind::Contact => "contact",
        Kind::Device => "browser",
        Kind::Export => "export",
        Kind::Identity => "identity document",
        Kind::Import => "import of contacts",
    }
}
