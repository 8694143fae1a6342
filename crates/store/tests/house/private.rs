//! What the key of the database alone does not show.

use super::*;

#[test]
fn private_columns_are_hidden_from_whoever_has_the_key_of_the_database() {
    let house = House::new();
    let entry = house.appliance.sites()[0].0.clone();
    let site = house.appliance.dir().join("sites").join(keys::nonce::hex(&entry.id));
    let sql = rusqlite::Connection::open(site.join("site.db")).unwrap();
    let pragma = house.site().keys().database_pragma();
    sql.pragma_update(None, "key", pragma.expose()).unwrap();
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = {
        let mut all = sql.prepare("select u.name, u.email, f.secret from user u join factor f on f.user_id = u.id").unwrap();
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(rows.len(), ROLES.len());
    for (n, (name, email, secret)) in rows.iter().enumerate() {
        assert_eq!(name, &format!("Person {n}"));
        assert!(!email.windows(12).any(|w| w == b"firm.example") && !secret.windows(20).any(|w| w == [n as u8; 20]));
        assert_eq!(email[0], keys::VERSION, "every ciphertext begins with its version");
    }
    // Moved to another row, a value does not open.
    sql.execute_batch("update user set email = (select email from user where id = 2) where id = 1").unwrap();
    drop(sql);
    assert!(house.read(0, |tx| user::own_email(&tx.own(Verb::AccountView)).map(|_| ())).is_err());
}
