//! Who sees what: grants, walls, and the page that says so against what the server really answers.

use crate::world;

const STAFF: [&str; 6] = ["Priya", "Daniel", "Marta", "Ruth", "Tomasz", "Siân"];

fn user(browser: &world::Browser, case: &str, name: &str) -> String {
    browser.get(&format!("{case}/access")).option(name)
}

#[test]
fn a_grant_counts_at_once_and_so_does_taking_it_back() {
    let world = world::shared();
    let (priya, ruth) = (world.actor("Priya"), world.actor("Ruth"));
    let case = priya.open_case("Access: granted and taken back");
    let page = format!("{case}/access");
    assert_eq!(ruth.get(&case).status, 404);
    let id = user(&priya, &case, "Ruth Feldman");
    assert_eq!(priya.submit(&page, &page, &[("user", &id), ("level", "read"), ("reason", "Covers in December")]).status, 303);
    assert_eq!(ruth.get(&case).status, 200);
    assert!(ruth.get("/cases?q=granted").links("/cases/").contains(&case));
    assert_eq!(ruth.get(&format!("{case}/edit")).status, 403, "reading is not changing");
    let told = ruth.get(&page);
    assert_eq!((told.status, told.body.contains("<form method=\"post\" action=\"/cases")), (200, false), "who reads is told who else does, and can change nothing");
    assert!(!told.body.contains("Covers in December") && !told.body.contains("Kept out"), "why is between those who manage");
    assert_eq!(ruth.submit("/account", &page, &[("user", &id), ("level", "manage")]).status, 403, "reading is not managing");
    assert!(priya.get(&page).body.contains("Covers in December"));
    assert_eq!(priya.submit(&page, &page, &[("user", &id), ("level", "contribute")]).status, 303);
    assert_eq!(ruth.get(&format!("{case}/edit")).status, 200);
    assert_eq!(priya.submit(&page, &format!("{page}/revoke"), &[("user", &id)]).status, 303);
    assert_eq!(ruth.get(&case).status, 404);
    assert!(!ruth.get("/cases?q=granted").links("/cases/").contains(&case));
}

#[test]
fn knowing_is_not_reading() {
    let world = world::shared();
    let (priya, sian) = (world.actor("Priya"), world.actor("Siân"));
    let case = priya.open_case("Access: quagmire");
    let reference = priya.get(&case).body.split("class=\"label\">").nth(1).unwrap().split('<').next().unwrap().trim().to_owned();
    let page = format!("{case}/access");
    let id = user(&priya, &case, "Siân Rees");
    assert_eq!(priya.submit(&page, &page, &[("user", &id), ("level", "know")]).status, 303);
    let list = sian.get("/cases");
    assert!(list.body.contains(&reference) && !list.body.contains("quagmire"));
    assert_eq!(sian.get(&case).status, 404);
    assert!(!sian.get("/cases?q=quagmire").body.contains(&reference), "the title cannot be guessed by searching");
    assert!(sian.get(&format!("/cases?q={reference}")).body.contains(&reference));
}

#[test]
fn of_a_client_the_page_says_what_they_see() {
    let world = world::shared();
    let (priya, folake) = (world.actor("Priya"), world.actor("Folake"));
    let case = priya.open_case("Access: thistledown");
    let page = format!("{case}/access");
    let id = user(&priya, &case, "Folake Adeyemi (client)");
    let seen = |level: &str| {
        let given = priya.submit(&page, &page, &[("user", &id), ("level", level)]);
        let told = priya.get(given.location.as_deref().unwrap()).body;
        assert!(told.contains("Access is given to Folake Adeyemi."), "the notice names the person");
        let both = (told.contains("Title and where it stands"), folake.get("/home").body.contains("thistledown"));
        assert_eq!(both.0, both.1, "{level}");
        both.0
    };
    assert!(!seen("know") && seen("read"));
    let history = priya.get(&format!("{case}/history")).body;
    assert!(history.contains("Folake Adeyemi</bdi>, Know") && history.contains("Folake Adeyemi</bdi>, Read"), "the history says the level");
}

#[test]
fn a_wall_beats_a_grant() {
    let world = world::shared();
    let (priya, marta) = (world.actor("Priya"), world.actor("Marta"));
    let case = priya.open_case("Access: walled");
    let page = format!("{case}/access");
    let id = user(&priya, &case, "Marta Kowalczyk");
    assert_eq!(priya.submit(&page, &page, &[("user", &id), ("level", "manage")]).status, 303);
    assert_eq!(marta.get(&case).status, 200);
    assert_eq!(priya.submit(&page, &format!("{page}/wall"), &[("wall_user", &id), ("wall_reason", "")]).status, 422, "a wall needs a reason");
    assert_eq!(priya.submit(&page, &format!("{page}/wall"), &[("wall_user", &id), ("wall_reason", "Knows the other side")]).status, 303);
    assert_eq!(marta.get(&case).status, 404);
    assert!(priya.get(&page).body.contains("Knows the other side"));
    let unsaid = priya.submit(&page, &format!("{page}/unwall"), &[("wall_user", &id)]);
    assert_eq!(unsaid.status, 422, "taking it down needs one too");
    assert_eq!(marta.get(&case).status, 404);
    assert_eq!(priya.submit(&page, &format!("{page}/unwall"), &[("wall_user", &id), ("unwall_reason", "Left the other side")]).status, 303);
    assert_eq!(marta.get(&case).status, 200);
    let history = priya.get(&format!("{case}/history")).body;
    assert!(history.contains("Knows the other side") && history.contains("Left the other side"), "both reasons are kept");
}

#[test]
fn the_administrator_and_foreign_ids_are_refused_as_grantees() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let case = priya.open_case("Access: refused");
    let page = format!("{case}/access");
    assert!(!priya.get(&page).body.contains("Tom Ashworth"), "not offered");
    let case_id = case.rsplit('/').next().unwrap();
    for forged in [case_id, "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let got = priya.submit(&page, &page, &[("user", forged), ("level", "read")]);
        assert_eq!(got.status, 422);
        assert!(got.body.contains("Choose a person or a team from the list"));
    }
    let ruth = user(&priya, &case, "Ruth Feldman");
    let got = priya.submit(&page, &page, &[("user", &ruth), ("reason", "No level chosen")]);
    assert_eq!(got.status, 422);
    assert!(got.body.contains("Choose a level"));
    let own = user(&priya, &case, "Priya Nair");
    assert_eq!(priya.submit(&page, &page, &[("user", &own), ("level", "read")]).status, 422, "the owner manages already");
    let folake = user(&priya, &case, "Folake Adeyemi");
    let got = priya.submit(&page, &page, &[("user", &folake), ("level", "manage")]);
    assert_eq!(got.status, 422);
    assert!(got.body.contains("A client can be given"));
}

#[test]
fn the_page_says_what_the_server_does() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let mut cases: Vec<String> = priya.get("/cases?view=every").links("/cases/").into_iter().filter(|l| l.len() == 39).collect();
    cases.dedup();
    let mut compared = 0;
    for case in cases.iter().take(12) {
        let page = priya.get(&format!("{case}/access"));
        if page.status != 200 {
            continue;
        }
        let firm = page.body.split("In the firm").nth(1).unwrap().split("</table>").next().unwrap();
        for name in STAFF {
            let row = firm.split("<tr").find(|row| row.contains(&format!(">{name} ")));
            let told = row.is_some_and(|row| !row.contains("l1\""));
            let answered = world.actor(name).get(case).status == 200;
            assert_eq!(told, answered, "{name} on {case}");
            compared += 1;
        }
    }
    assert!(compared >= 12, "compared {compared}");
}

#[test]
fn history_tells_what_was_done_and_refused() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let case = priya.open_case("Access: history");
    world.actor("Tomasz").get(&case);
    priya.get(&format!("{case}/documents"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let page = priya.get(&format!("{case}/history?show=every"));
    assert_eq!(page.status, 200);
    for words in ["opened the case", "listed the documents", "Tomasz Zielinski", "unbroken"] {
        assert!(page.body.contains(words), "{words}");
    }
}

#[test]
fn what_is_refused_is_written_down_as_what_was_tried() {
    let world = world::shared();
    let (priya, ruth) = (world.actor("Priya"), world.actor("Ruth"));
    let case = priya.open_case("Access: tried");
    let page = format!("{case}/access");
    let (id, daniel) = (user(&priya, &case, "Ruth Feldman"), user(&priya, &case, "Daniel"));
    assert_eq!(priya.submit(&page, &page, &[("user", &id), ("level", "read")]).status, 303);
    let refused = [(page.clone(), ("user", &daniel)), (format!("{page}/revoke"), ("user", &daniel)), (format!("{page}/wall"), ("wall_user", &daniel)), (format!("{page}/unwall"), ("wall_user", &daniel))];
    for (path, field) in refused {
        assert_eq!(ruth.submit("/account", &path, &[(field.0, field.1.as_str())]).status, 403, "{path}");
    }
    let history = priya.get(&format!("{case}/history?show=every")).body;
    for words in ["tried to give access", "tried to take access back", "tried to put up a wall", "tried to take a wall down", "gave access"] {
        assert!(history.contains(words), "{words}");
    }
}

#[test]
fn what_a_team_has_is_there_at_the_next_request_and_gone_at_the_next() {
    let world = world::shared();
    let (priya, ruth, tom) = (world.actor("Priya"), world.actor("Ruth"), world.actor("Tom A"));
    let (given, shut) = (priya.open_case("Access: given to a team"), priya.open_case("Access: a team kept out"));
    assert_eq!(tom.submit("/teams", "/teams", &[("name", "Access: the team")]).status, 303);
    let teams = tom.get("/teams").body;
    let team = teams[teams.find("Access: the team").unwrap()..].split("/teams/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let member = tom.get("/teams").option("Ruth Feldman");
    let on_team = |act: &str| assert_eq!(tom.submit("/teams", &format!("/teams/{team}/{act}"), &[("user", &member)]).status, 303);
    on_team("add");

    let page = format!("{given}/access");
    let whom = user(&priya, &given, "Access: the team");
    assert_eq!(ruth.get(&given).status, 404);
    let done = priya.submit(&page, &page, &[("user", &whom), ("level", "contribute")]);
    assert!(priya.get(done.location.as_deref().unwrap()).body.contains("Access is given to Access: the team."), "the notice names the team");
    assert_eq!(ruth.get(&given).status, 200);
    assert!(ruth.get("/cases?q=given").links("/cases/").contains(&given), "and it is listed");
    assert!(priya.get(&page).body.contains("In the team Access: the team: “Contribute”"));
    on_team("take-out");
    assert_eq!(ruth.get(&given).status, 404);
    on_team("add");
    assert_eq!(ruth.get(&given).status, 200);
    assert_eq!(priya.submit(&page, &format!("{page}/revoke"), &[("user", &whom)]).status, 303);
    assert_eq!(ruth.get(&given).status, 404);

    let page = format!("{shut}/access");
    assert_eq!(priya.submit(&page, &page, &[("user", &user(&priya, &shut, "Ruth Feldman")), ("level", "manage")]).status, 303);
    assert_eq!(ruth.get(&shut).status, 200);
    assert_eq!(priya.submit(&page, &format!("{page}/wall"), &[("wall_user", &whom), ("wall_reason", "Acted for the other side")]).status, 303);
    assert_eq!(ruth.get(&shut).status, 404);
    on_team("take-out");
    assert_eq!(ruth.get(&shut).status, 404, "leaving the team is no way past its wall");
    assert_eq!(priya.submit(&page, &format!("{page}/unwall"), &[("wall_user", &whom), ("unwall_reason", "Settled")]).status, 303);
    assert_eq!(ruth.get(&shut).status, 404, "the wall that stayed with her is hers");
    assert_eq!(priya.submit(&page, &format!("{page}/unwall"), &[("wall_user", &user(&priya, &shut, "Ruth Feldman")), ("unwall_reason", "Settled")]).status, 303);
    assert_eq!(ruth.get(&shut).status, 200);
}

#[test]
fn the_matrix_says_what_the_pages_of_the_cases_say() {
    let world = world::shared();
    let (priya, ruth) = (world.actor("Priya"), world.actor("Ruth"));
    let case = priya.open_case("Access: in the matrix");
    let page = format!("{case}/access");
    let marta = user(&priya, &case, "Marta Kowalczyk");
    assert_eq!(priya.submit(&page, &page, &[("user", &marta), ("level", "contribute")]).status, 303);
    let tomasz = user(&priya, &case, "Tomasz Zielinski");
    assert_eq!(priya.submit(&page, &format!("{page}/wall"), &[("wall_user", &tomasz), ("wall_reason", "Conflict")]).status, 303);
    let matrix = priya.get("/access").body;
    let column = matrix.split("<th scope=\"col\">").skip(1).position(|head| head.contains(&page)).expect("the newest case is on the first page");
    let cell = |name: &str| {
        let row = matrix.split("<tr>").skip(1).find(|row| row.contains(&format!("<bdi>{name}</bdi>"))).unwrap();
        row.split("<td>").nth(column).unwrap().split("</td>").next().unwrap().to_owned()
    };
    assert!(cell("Priya Nair").contains("Manage") && cell("Marta Kowalczyk").contains("Contribute") && cell("Tomasz Zielinski").contains("Kept out"));
    assert!(!ruth.get("/access").body.contains("in the matrix"), "whoever does not manage a case finds no column of it");
}
