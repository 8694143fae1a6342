//! People with an account.

use crate::{Tx, Writing, error::Refuse, site::Core};
use keys::field::Place;
use rules::{Moment, Refusal, Sealed, Secret, User, UserKind};
use rusqlite::{Connection, params};

/// A person as lists and choices show them.
pub struct Person {
    /// Opaque id.
    pub id: Sealed<User>,
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// What sort of account.
    pub kind: UserKind,
}

/// A new account that is active at once; for the demo and for set-up, which know password and secret.
pub struct NewUser {
    /// What sort of account.
    pub kind: UserKind,
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// E-mail address in the form of [`rules::text::email`].
    pub email: String,
    /// Hash of the password.
    pub password: String,
    /// Secret of the authenticator.
    pub totp: Secret<[u8; 20]>,
}

/// Makes an account. Private fields are encrypted for their row.
pub(crate) fn create(sql: &Connection, core: &Core, user: &NewUser) -> Result<i64, Refusal> {
    let now = core.now().0;
    let index = core.keys.fields.index("email", &user.email);
    const SQL: &str = "insert into user (kind, state, name, words, email, email_index, password, created) values (?, 'active', ?, ?, zeroblob(0), ?, ?, ?)";
    sql.execute(SQL, params![user.kind.value(), user.name, user.words, index, user.password, now]).refuse()?;
    let id = sql.last_insert_rowid();
    let email = core.keys.fields.seal(user.email.as_bytes(), Place { table: "user", column: "email", row: id }).refuse()?;
    sql.execute("update user set email = ? where id = ?", params![email, id]).refuse()?;
    sql.execute("insert into factor (user_id, kind, secret, created) values (?, 'totp', zeroblob(0), ?)", params![id, now]).refuse()?;
    let factor = sql.last_insert_rowid();
    let secret = core.keys.fields.seal(user.totp.expose(), Place { table: "factor", column: "secret", row: factor }).refuse()?;
    sql.execute("update factor set secret = ? where id = ?", params![secret, factor]).refuse()?;
    Ok(id)
}

/// The active staff, by name: who can own and supervise cases.
pub fn staff<M>(tx: &Tx<'_, M>) -> Result<Vec<Person>, Refusal> {
    people(tx, "select id, name, words, kind from user where state = 'active' and kind = 'staff' order by name")
}

/// Everybody who can be granted something: active staff and clients, by name.
pub fn grantable<M>(tx: &Tx<'_, M>) -> Result<Vec<Person>, Refusal> {
    people(tx, "select id, name, words, kind from user where state = 'active' and kind != 'administrator' order by kind desc, name")
}

fn people<M>(tx: &Tx<'_, M>, query: &str) -> Result<Vec<Person>, Refusal> {
    let mut statement = tx.sql.prepare_cached(query).refuse()?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?)));
    let rows: Vec<(i64, String, String, String)> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    let person = |(id, name, words, kind): (i64, String, String, String)| {
        let kind = UserKind::from_value(&kind).ok_or_else(|| Refusal::fault("unknown kind of user"))?;
        Ok(Person { id: tx.seal(id)?, name, words, kind })
    };
    rows.into_iter().map(person).collect()
}

/// Row id of an active person chosen in a form. `staff_only`: owners and supervisors.
pub(crate) fn chosen<M>(tx: &Tx<'_, M>, id: &Sealed<User>, staff_only: bool) -> Result<Option<(i64, UserKind)>, Refusal> {
    let Ok(id) = tx.core.keys.ids.open(id) else { return Ok(None) };
    let found = tx.sql.query_row("select kind from user where id = ? and state = 'active'", [id], |row| row.get::<_, String>(0));
    let kind = match found {
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(None),
        found => UserKind::from_value(&found.refuse()?),
    };
    Ok(kind.filter(|kind| !staff_only || *kind == UserKind::Staff).map(|kind| (id, kind)))
}

/// Opaque id of the one who asks.
pub fn own_id<M>(tx: &Tx<'_, M>) -> Result<Sealed<User>, Refusal> {
    tx.seal(tx.actor().user)
}

/// The e-mail address of the one who asks.
pub fn own_email<M>(tx: &Tx<'_, M>) -> Result<Secret<String>, Refusal> {
    let user = tx.actor().user;
    let sealed: Vec<u8> = tx.sql.query_row("select email from user where id = ?", [user], |row| row.get(0)).refuse()?;
    tx.core.keys.fields.open_text(&sealed, Place { table: "user", column: "email", row: user }).refuse()
}

/// Sets the theme of the one who asks: "", "light" or "dark".
pub fn set_theme(tx: &Tx<'_, Writing>, theme: &str) -> Result<(), Refusal> {
    if !["", "light", "dark"].contains(&theme) {
        return Err(Refusal::invalid("theme", "Choose one of the three."));
    }
    tx.sql.execute("update user set theme = ? where id = ?", params![theme, tx.actor().user]).refuse()?;
    tx.note(rules::Verb::AccountChange);
    Ok(())
}

/// A person as the administrator sees them: no content, only whether the account is in use.
pub struct Listed {
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// What sort of account.
    pub kind: UserKind,
    /// Word for the state.
    pub state: String,
    /// Last use of a session.
    pub last: Option<Moment>,
}

/// Everybody, for the administrator's page. Refused to all others.
pub fn everybody<M>(tx: &Tx<'_, M>) -> Result<Vec<Listed>, Refusal> {
    if tx.actor().kind != UserKind::Administrator {
        return Err(Refusal::NotFound);
    }
    const SQL: &str = "select name, words, kind, state, (select max(seen) from session where user_id = user.id) from user order by kind, name";
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([], |row| {
        let kind = UserKind::from_value(row.get_ref(2)?.as_str()?).unwrap_or(UserKind::Client);
        Ok(Listed { name: row.get(0)?, words: row.get(1)?, kind, state: row.get(3)?, last: row.get::<_, Option<i64>>(4)?.map(Moment) })
    });
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}
