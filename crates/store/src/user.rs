//! People with an account, as the rest of the house meets them: by name, to choose from, and one's own.

use crate::{
    Tx, Writing,
    charge::{Confirmed, Own},
    error::Refuse,
    factor,
    site::Core,
};
use keys::field::Place;
use rules::{Refusal, Role, Sealed, Secret, User, UserState, Verb, text};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Longest name, in characters.
pub const NAME_MAX: usize = 80;

/// A person as lists and choices show them.
pub struct Person {
    /// Opaque id.
    pub id: Sealed<User>,
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// What the account is there for.
    pub role: Role,
}

/// A new account that is active at once; for the demo, which knows password and secret.
pub struct NewUser {
    /// What the account is there for.
    pub role: Role,
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

/// Makes an account that is ready to be used. Private fields are encrypted for their row.
pub(crate) fn create(sql: &Connection, core: &Core, user: &NewUser) -> Result<i64, Refusal> {
    let now = core.now().0;
    let id = insert(sql, core, user.role, &user.name, &user.words, &user.email)?;
    sql.execute("update user set password = ?2, terms = ?3 where id = ?1", params![id, user.password, now]).refuse()?;
    set_state(sql, id, UserState::Enrolling)?;
    set_state(sql, id, UserState::Active)?;
    factor::insert_totp(sql, core, id, &user.totp, Some(now))?;
    Ok(id)
}

/// Makes an account that nobody can sign in to yet. Its address must be free.
pub(crate) fn insert(sql: &Connection, core: &Core, role: Role, name: &str, words: &str, email: &str) -> Result<i64, Refusal> {
    let index = core.keys.fields.index("email", email);
    const SQL: &str = "insert into user (kind, role, state, name, words, email, email_index, password, created) values (?, ?, 'invited', ?, ?, zeroblob(0), ?, '', ?)";
    sql.execute(SQL, params![role.kind().value(), role.value(), name, words, index, core.now().0]).refuse()?;
    let id = sql.last_insert_rowid();
    set_email(sql, core, id, email)?;
    Ok(id)
}

/// Keeps the address of an account, which must be free.
pub(crate) fn set_email(sql: &Connection, core: &Core, user: i64, email: &str) -> Result<(), Refusal> {
    let (index, sealed) = (core.keys.fields.index("email", email), core.keys.fields.seal(email.as_bytes(), Place { table: "user", column: "email", row: user }).refuse()?);
    sql.execute("update user set email = ?2, email_index = ?3 where id = ?1", params![user, sealed, index]).map(drop).refuse()
}

/// Whether an account, whatever its state, has this address. It is compared in the form of [`rules::text::email`], so that neither
/// capitals nor full-width letters make a second account.
pub(crate) fn has_email(sql: &Connection, core: &Core, email: &str) -> Result<bool, Refusal> {
    sql.prepare_cached("select 1 from user where email_index = ?").refuse()?.exists([core.keys.fields.index("email", email)]).refuse()
}

/// The address of an account.
pub(crate) fn email_of(sql: &Connection, core: &Core, user: i64) -> Result<Secret<String>, Refusal> {
    let sealed: Vec<u8> = sql.prepare_cached("select email from user where id = ?").refuse()?.query_row([user], |row| row.get(0)).refuse()?;
    open_email(core, user, &sealed)
}

/// An address from its encrypted form; programs have none.
pub(crate) fn open_email(core: &Core, user: i64, sealed: &[u8]) -> Result<Secret<String>, Refusal> {
    match sealed.is_empty() {
        true => Ok(Secret::new(String::new())),
        false => core.keys.fields.open_text(sealed, Place { table: "user", column: "email", row: user }).refuse(),
    }
}

/// Role from column `n`; an unknown word, which only a change from outside can cause, is an error.
pub(crate) fn role_at(row: &Row<'_>, n: usize) -> rusqlite::Result<Role> {
    Role::from_value(row.get_ref(n)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)
}

/// State from column `n`, likewise.
pub(crate) fn state_at(row: &Row<'_>, n: usize) -> rusqlite::Result<UserState> {
    UserState::from_value(row.get_ref(n)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)
}

/// Moves an account to another state, if that one can follow on the state it is in ([`UserState::next`]). Nothing else moves one.
pub(crate) fn set_state(sql: &Connection, user: i64, to: UserState) -> Result<(), Refusal> {
    let now = sql.prepare_cached("select state from user where id = ?").refuse()?.query_row([user], |row| state_at(row, 0)).refuse()?;
    if !now.next().contains(&to) {
        return Err(Refusal::Conflict);
    }
    sql.execute("update user set state = ?2 where id = ?1", params![user, to.value()]).map(drop).refuse()
}

/// Those who work on cases, by name: who can own and supervise them.
pub fn staff<M>(tx: &Tx<'_, M>) -> Result<Vec<Person>, Refusal> {
    people(tx, "select id, name, words, role from user where state = 'active' and role in ('manager', 'staff') order by name collate nocase, id")
}

/// Everybody who can be granted something, staff first, by name. Those who were invited can be given what will wait for them.
pub fn grantable<M>(tx: &Tx<'_, M>) -> Result<Vec<Person>, Refusal> {
    people(tx, "select id, name, words, role from user where state in ('invited', 'enrolling', 'active') and role != 'administrator' order by kind desc, name collate nocase, id")
}

fn people<M>(tx: &Tx<'_, M>, query: &str) -> Result<Vec<Person>, Refusal> {
    let mut statement = tx.sql.prepare_cached(query).refuse()?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, role_at(row, 3)?)));
    let rows: Vec<(i64, String, String, Role)> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    rows.into_iter().map(|(id, name, words, role)| Ok(Person { id: tx.seal(id)?, name, words, role })).collect()
}

/// Row id of a person chosen in a form from among [`staff`].
pub(crate) fn chosen_staff<M>(tx: &Tx<'_, M>, id: &Sealed<User>) -> Result<Option<i64>, Refusal> {
    let found = chosen(tx, id)?.filter(|(_, role, state)| role.works() && *state == UserState::Active);
    Ok(found.map(|(id, ..)| id))
}

/// Row id and role of a person chosen in a form from among [`grantable`].
pub(crate) fn chosen_grantable<M>(tx: &Tx<'_, M>, id: &Sealed<User>) -> Result<Option<(i64, Role)>, Refusal> {
    let found = chosen(tx, id)?.filter(|(_, role, state)| *role != Role::Administrator && state.counts());
    Ok(found.map(|(id, role, _)| (id, role)))
}

fn chosen<M>(tx: &Tx<'_, M>, id: &Sealed<User>) -> Result<Option<(i64, Role, UserState)>, Refusal> {
    let Ok(id) = tx.core.keys.ids.open(id) else { return Ok(None) };
    let mut find = tx.sql.prepare_cached("select id, role, state from user where id = ?").refuse()?;
    find.query_row([id], |row| Ok((row.get(0)?, role_at(row, 1)?, state_at(row, 2)?))).optional().refuse()
}

/// Opaque id of the one who asks.
pub fn own_id<M>(tx: &Tx<'_, M>) -> Result<Sealed<User>, Refusal> {
    tx.seal(tx.actor().user)
}

/// The e-mail address of the one who asks.
pub fn own_email<M>(own: &Own<'_, M>) -> Result<Secret<String>, Refusal> {
    email_of(own.tx().sql, own.tx().core, own.user())
}

/// Sets the theme of the one who asks: "", "light" or "dark".
pub fn set_theme(own: &Own<'_, Writing>, theme: &str) -> Result<(), Refusal> {
    if !["", "light", "dark"].contains(&theme) {
        return Err(Refusal::invalid("theme", "Choose one of the three."));
    }
    own.tx().sql.execute("update user set theme = ? where id = ?", params![theme, own.user()]).refuse()?;
    own.tx().note(Verb::AccountChange);
    Ok(())
}

/// Keeps the hash of a new password; every other session ends, and its owner is told.
pub fn set_password(own: &Confirmed<'_>, hash: &str) -> Result<(), Refusal> {
    let tx = own.tx();
    tx.sql.execute("update user set password = ?2 where id = ?1", params![own.user(), hash]).refuse()?;
    // Whoever came with the password before has to come again.
    tx.sql.execute("delete from visit where user_id = ? and purpose = 'code'", [own.user()]).refuse()?;
    factor::changed(own, Verb::PasswordSet, None, "The password was changed")
}

/// Sets the name of the one who asks, as their colleagues read it.
pub fn set_name(own: &Own<'_, Writing>, typed: &str) -> Result<(), Refusal> {
    let name = text::line("name", "Your name", typed, NAME_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    own.tx().sql.execute("update user set name = ? where id = ?", params![name, own.user()]).refuse()?;
    own.tx().note(Verb::AccountChange);
    Ok(())
}
