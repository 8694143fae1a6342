//! Contacts, parties and conflicts as the pages show them.

use crate::world;

#[test]
fn a_case_begins_with_its_client_and_opens_after_a_decision_about_conflicts() {
    let priya = world::shared().actor("Priya");
    let form = priya.get("/cases/new");
    let (owner, kind) = (form.chosen("owner"), form.option("Visit"));
    let fields = [("title", "Okonkwo: visit"), ("type", kind.as_str()), ("owner", owner.as_str()), ("status", "open"), ("who", "Chiamaka Okonkwo")];
    let made = priya.submit("/cases/new", "/cases", &fields);
    assert_eq!(made.status, 303, "{}", made.body);
    let case = made.made_case();
    assert!(priya.get(&case).body.contains("Enquiry"));

    // The same person again is asked about, and keeps what was typed.
    let again = priya.submit("/cases/new", "/cases", &[("title", "Okonkwo: extension"), ("type", &kind), ("owner", &owner), ("status", "open"), ("who", "OKONKWO Chiamaka")]);
    assert_eq!(again.status, 422);
    assert!(again.body.contains("A contact of a name like this is there already") && again.body.contains("Okonkwo: extension"), "{}", again.body);

    // Nobody opens it past the check.
    let edit = format!("{case}/edit");
    let page = priya.get(&edit);
    let version = page.value("version").unwrap();
    let past = [("version", version.as_str()), ("title", "Okonkwo: visit"), ("type", &kind), ("owner", &owner), ("status", "open")];
    let refused = priya.submit(&edit, &edit, &past);
    assert!(refused.status == 422 && refused.body.contains("A case is opened after a check for conflicts"), "{} {}", refused.status, refused.body);

    let parties = format!("{case}/parties");
    let decide = format!("{parties}/decide");
    let unsaid = priya.submit(&parties, &decide, &[("found", "0"), ("then", "open")]);
    assert!(unsaid.status == 422 && unsaid.body.contains("Choose what you decide"), "{}", unsaid.body);
    let opened = priya.submit(&parties, &decide, &[("decision", "clear"), ("found", "0"), ("then", "open")]);
    assert_eq!(opened.status, 303, "{}", opened.body);
    assert!(priya.get(&parties).body.contains("No conflict"));
    assert!(priya.get(&case).body.contains("st ok\">Open"));
}

#[test]
fn a_hidden_match_says_whom_to_ask_and_nothing_else() {
    let world = world::shared();
    let (priya, tomasz) = (world.actor("Priya"), world.actor("Tomasz"));
    let case = priya.open_case("Hidden: a matter");
    let parties = format!("{case}/parties");
    let added = priya.submit(&parties, &parties, &[("who", "Wilhelmina Drosselmeyer"), ("part", "other_side")]);
    assert_eq!(added.status, 303, "{}", added.body);
    let seen = priya.get("/conflicts?names=drosselmeier");
    assert!(seen.body.contains("Wilhelmina Drosselmeyer") && seen.body.contains("Hidden: a matter"), "{}", seen.body);
    let hidden = tomasz.get("/conflicts?names=drosselmeier");
    assert!(hidden.body.contains("Possible match that you may not see") && hidden.body.contains("Priya Nair"), "{}", hidden.body);
    assert!(!hidden.body.contains("Wilhelmina") && !hidden.body.contains("Hidden: a matter"));
    assert!(!tomasz.get("/contacts?q=dross").body.contains("Wilhelmina"));
}

#[test]
fn the_number_of_a_paper_is_hidden_until_it_is_asked_for_and_that_is_written_down() {
    let priya = world::shared().actor("Priya");
    let made = priya.submit("/contacts/new", "/contacts", &[("name", "Papers: Ebele Nwosu"), ("kind", "person"), ("who_is", "new"), ("email", "ebele@example.com")]);
    let contact = made.location.unwrap().split('?').next().unwrap().to_owned();
    let add = |number: &str, expires: &str| priya.submit(&contact, &format!("{contact}/papers"), &[("identity_kind", "passport"), ("identity_number", number), ("identity_expires", expires)]);
    let wrong = add("A09876543", "31 Feb 2030");
    assert!(wrong.status == 422 && wrong.body.contains("there is no 31 Feb 2030") && wrong.body.contains("A09876543"), "what was typed is kept");
    assert_eq!(add("A09876543", "1 Feb 2030").status, 303);
    let page = priya.get(&contact);
    assert!(page.body.contains("••••543") && !page.body.contains("A09876543"));
    let show = page.links(&format!("{contact}?show=")).remove(0);
    assert!(priya.get(&show).body.contains("A09876543"));
    let history = || priya.get(&format!("{contact}/history")).body;
    let told = (0..40).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        history().contains("looked at the number of an identity document")
    });
    assert!(told, "{}", history());
}

#[test]
fn a_file_of_contacts_is_shown_row_by_row_before_anything_is_kept() {
    // Of each person one file waits: this one is not that of the test of doors.
    let marta = world::shared().actor("Marta");
    let none = marta.upload("/contacts/import", vec![("photo.csv", vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 1])]);
    assert!(none.status == 422 && none.body.contains("no text in UTF-8"), "{}", none.body);
    let rows: String = (0..50).map(|n| if n % 10 == 3 { format!("Import {n},31/04/2000\n") } else { format!("Import Person{n},\n") }).collect();
    let taken = marta.upload("/contacts/import", vec![("old.csv", format!("Name,Date of birth\n{rows}").into_bytes())]);
    let preview = taken.location.unwrap();
    let page = marta.get(&preview);
    assert!(page.body.contains("Keep 45 contacts") && page.body.contains("there is no 31 Apr 2000") && page.body.contains("<td role=\"cell\" data-l=\"Line\">5</td>"), "{}", page.body);
    assert!(!marta.get("/contacts?q=import").body.contains("Import Person1"));
    assert_eq!(marta.submit(&preview, &format!("{preview}/accept"), &[]).status, 303);
    assert!(marta.get("/contacts?q=import").body.contains("Import Person1"));
    assert_eq!(marta.submit("/contacts/import", &format!("{preview}/undo"), &[]).status, 303);
    assert!(!marta.get("/contacts?q=import").body.contains("Import Person1"));
}

#[test]
fn the_later_of_two_who_change_a_contact_is_told_and_loses_nothing() {
    let priya = world::shared().actor("Priya");
    let made = priya.submit("/contacts/new", "/contacts", &[("name", "Twice: Obi Uba"), ("kind", "person"), ("who_is", "new")]);
    let contact = made.location.unwrap().split('?').next().unwrap().to_owned();
    let edit = format!("{contact}/edit");
    let version = priya.get(&edit).value("version").unwrap();
    let change = |name: &str| priya.submit(&edit, &edit, &[("version", version.as_str()), ("kind", "person"), ("name", name)]);
    assert_eq!(change("Twice: by the first").status, 303);
    let later = change("Twice: by the second");
    assert!(later.status == 409 && later.body.contains("Somebody changed this contact") && later.body.contains("Twice: by the second"), "{}", later.status);
    assert!(priya.get(&contact).body.contains("Twice: by the first"));
}
