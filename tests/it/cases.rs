//! Opening, finding, changing a case.

use crate::world;

fn edit(browser: &world::Browser, case: &str, change: &[(&str, &str)]) -> world::Got {
    let page = format!("{case}/edit");
    let form = browser.get(&page);
    assert_eq!(form.status, 200, "{}", form.body);
    let mut fields: Vec<(String, String)> = vec![("csrf".into(), form.token()), ("version".into(), form.value("version").unwrap()), ("title".into(), form.value("title").unwrap())];
    for name in ["type", "owner", "supervisor"] {
        fields.push((name.into(), form.chosen(name)));
    }
    fields.push(("status".into(), "open".into()));
    for (name, value) in change {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).into(), (*value).into()));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post(&page, &fields)
}

#[test]
fn a_case_is_opened_found_changed_and_closed() {
    let priya = world::shared().actor("Priya");
    let case = priya.open_case("Zebra & Söhne: naturalisation");
    let page = priya.get(&case);
    assert!(page.body.contains("Zebra &amp; Söhne: naturalisation"), "escaped");
    for typed in ["zebra", "sohne", "Söhne natur"] {
        let found = priya.get(&format!("/cases?q={}", percent_encoding::utf8_percent_encode(typed, percent_encoding::NON_ALPHANUMERIC)));
        assert!(found.links("/cases/").contains(&case), "{typed}");
    }
    assert_eq!(edit(&priya, &case, &[("title", "Zebra and Sons: settlement")]).status, 303);
    assert!(priya.get(&case).body.contains("Zebra and Sons: settlement"));
    assert!(priya.get("/cases?q=settlement").links("/cases/").contains(&case) && !priya.get("/cases?q=söhne").links("/cases/").contains(&case));
    let unsaid = edit(&priya, &case, &[("status", "closed")]);
    assert_eq!(unsaid.status, 422);
    assert!(unsaid.body.contains("Say how the case ended before you close it"));
    assert_eq!(edit(&priya, &case, &[("status", "closed"), ("outcome", "Granted")]).status, 303);
    assert!(priya.get(&case).body.contains("Granted"));
    assert_eq!(edit(&priya, &case, &[("status", "open")]).status, 422, "reopening needs a reason");
    assert_eq!(edit(&priya, &case, &[("status", "open"), ("reason", "New evidence")]).status, 303);
    assert!(priya.get(&case).body.contains("New evidence"));
}

#[test]
fn mistakes_keep_what_was_typed_and_store_nothing() {
    let priya = world::shared().actor("Priya");
    let form = priya.get("/cases/new");
    let long = "x".repeat(121);
    let token = form.token();
    let fields = [("csrf", token.as_str()), ("title", long.as_str()), ("summary", "kept <b>words</b>"), ("type", ""), ("owner", "forged"), ("status", "open")];
    let got = priya.post("/cases", &fields);
    assert_eq!(got.status, 422);
    for sentence in ["The title has 121 characters. Make it 120 or fewer.", "Choose the type of case", "Choose who owns this case"] {
        assert!(got.body.contains(sentence), "{sentence}");
    }
    assert!(got.body.contains(&long) && got.body.contains("kept &lt;b&gt;words"), "typed values are kept, escaped");
    assert!(!priya.get(&format!("/cases?q={}", "x".repeat(40))).body.contains(&long));
}

#[test]
fn of_two_who_change_one_case_the_second_is_told_and_loses_nothing() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let case = priya.open_case("Conflict: first title");
    let page = format!("{case}/edit");
    let old = priya.get(&page);
    assert_eq!(edit(&priya, &case, &[("title", "Conflict: by the first")]).status, 303);
    let (owner, kind) = (old.option("Priya Nair"), old.option("Naturalisation"));
    let (token, version) = (old.token(), old.value("version").unwrap());
    let fields = [("csrf", token.as_str()), ("version", version.as_str()), ("title", "Conflict: by the second"), ("type", &kind), ("owner", &owner), ("supervisor", ""), ("status", "open")];
    let got = priya.post(&page, &fields);
    assert_eq!(got.status, 409);
    assert!(got.body.contains("Conflict: by the second"), "what was typed is kept");
    assert!(priya.get(&case).body.contains("Conflict: by the first"), "nothing was overwritten");
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let world = world::shared();
    let marta = world.actor("Marta");
    let page = marta.get("/cases?view=every");
    let links = page.links("/cases/");
    assert!(!links.is_empty());
    let after = links.iter().find(|l| l.len() == "/cases/".len() + 32).unwrap().rsplit('/').next().unwrap().to_owned();
    let rest = marta.get(&format!("/cases?view=every&after={after}"));
    assert_eq!(rest.status, 200);
    assert!(!rest.links("/cases/").iter().any(|l| l.ends_with(&after)), "the case after which the page begins is not on it");
    assert_eq!(marta.get("/cases?after=nonsense&status=nonsense&owner=nonsense&view=nonsense").status, 200);
}

#[test]
fn a_form_sent_without_a_session_comes_back_to_be_copied_and_keeps_no_secret() {
    let nobody = world::shared().anonymous();
    let send = |path: &str, site: &'static str| {
        let body = "csrf=none&title=Typed+%3Cb%3E+too+late&summary=Words&password=unsaid&owner=AAAA";
        let sent = nobody.request("POST", path).header("Content-Type", "application/x-www-form-urlencoded").header("Sec-Fetch-Site", site).body(body).send().unwrap();
        assert_eq!(sent.status().as_u16(), 401);
        sent.text().unwrap()
    };
    let page = send("/cases", "same-origin");
    for part in ["What you typed is below", "Typed &lt;b&gt; too late", "Words", "/sign-in?next=%2Fcases%2Fnew"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("unsaid") && !page.contains("AAAA"));
    let foreign = send("/cases/x/edit", "cross-site");
    assert!(!foreign.contains("too late") && foreign.contains("%2Fcases%2Fx%2Fedit"), "another site puts no words on our page");
}
