//! Every route × every actor. A route that is not listed here fails the test; so does a row for a route that is gone.

use crate::world::{self, BINARY};
use std::process::Command;

/// What each actor gets: nobody, the owner, a colleague without a grant, a client, the administrator.
struct Door {
    route: &'static str,
    expect: [u16; 5],
}

const ACTORS: [&str; 5] = ["", "Priya", "Tomasz", "Folake", "Tom A"];

const fn door(route: &'static str, expect: [u16; 5]) -> Door {
    Door { route, expect }
}

/// `{case}` and `{document}` are of a case that only Priya can see. A POST without a token is refused with 403, after the class of the
/// page was checked; 401 tells somebody who is not signed in that their session is over.
const DOORS: &[Door] = &[
    door("GET /assets/<name>", [404, 404, 404, 404, 404]),
    door("GET /healthz", [200, 200, 200, 200, 200]),
    door("GET /readyz", [200, 200, 200, 200, 200]),
    door("GET /help", [200, 200, 200, 200, 200]),
    door("GET /", [303, 303, 303, 303, 303]),
    door("GET /sign-in?<next>", [200, 303, 303, 303, 303]),
    door("POST /sign-in", [403, 403, 403, 403, 403]),
    door("GET /sign-in/code?<next>", [303, 303, 303, 303, 303]),
    door("POST /sign-in/code", [403, 403, 403, 403, 403]),
    door("POST /sign-out", [401, 403, 403, 403, 403]),
    door("GET /account", [303, 200, 200, 200, 200]),
    door("POST /account/theme", [401, 403, 403, 403, 403]),
    door("GET /today", [303, 200, 200, 404, 404]),
    door("GET /cases?<asked..>", [303, 200, 200, 404, 404]),
    door("GET /cases/new", [303, 200, 200, 404, 404]),
    door("POST /cases", [401, 403, 403, 404, 404]),
    door("GET /cases/<id>", [303, 200, 404, 404, 404]),
    door("GET /cases/<id>/edit", [303, 200, 404, 404, 404]),
    door("POST /cases/<id>/edit", [401, 403, 403, 404, 404]),
    door("GET /cases/<id>/documents?<after>", [303, 200, 404, 404, 404]),
    door("POST /cases/<id>/documents", [401, 403, 403, 404, 404]),
    door("GET /documents/<id>", [303, 200, 404, 404, 404]),
    door("GET /documents/<id>/content", [303, 200, 404, 404, 404]),
    door("POST /documents/<id>/trash", [401, 403, 403, 404, 404]),
    door("POST /documents/<id>/restore", [401, 403, 403, 404, 404]),
    door("GET /cases/<id>/access", [303, 200, 404, 404, 404]),
    door("POST /cases/<id>/access", [401, 403, 403, 404, 404]),
    door("POST /cases/<id>/access/revoke", [401, 403, 403, 404, 404]),
    door("POST /cases/<id>/access/wall", [401, 403, 403, 404, 404]),
    door("POST /cases/<id>/access/unwall", [401, 403, 403, 404, 404]),
    door("GET /cases/<id>/history?<before>", [303, 200, 404, 404, 404]),
    door("GET /home", [303, 404, 404, 200, 404]),
    door("GET /system", [303, 404, 404, 404, 200]),
];

/// `METHOD /path` of every route of the binary, without its class.
fn routes() -> Vec<String> {
    let out = Command::new(BINARY).arg("routes").output().unwrap();
    String::from_utf8(out.stdout).unwrap().lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn every_route_is_listed_once() {
    let (mut routes, mut doors) = (routes(), DOORS.iter().map(|door| door.route.to_owned()).collect::<Vec<_>>());
    routes.sort();
    doors.sort();
    assert_eq!(routes, doors);
}

#[test]
fn every_door_opens_for_whom_it_should() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let case = priya.open_case("Doors: a case of Priya alone");
    let kept = priya.upload(&format!("{case}/documents"), vec![("door.txt", b"behind the door".to_vec())]);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let document = priya.get(&format!("{case}/documents")).links("/documents/")[0].split('/').nth(2).unwrap().to_owned();
    let mut wrong = Vec::new();
    for door in DOORS {
        let (method, route) = door.route.split_once(' ').unwrap();
        let id = if route.starts_with("/documents/") { &document } else { case.rsplit('/').next().unwrap() };
        let path = route.split('?').next().unwrap().replace("<id>", id).replace("<name>", "none.css");
        for (actor, expected) in ACTORS.iter().zip(door.expect) {
            let browser = if actor.is_empty() { world.anonymous() } else { world.actor(actor) };
            let request = browser.request(method, &path);
            let request = if method == "POST" { request.header("Content-Type", "application/x-www-form-urlencoded").body("a=b") } else { request };
            let request = if path.ends_with("/documents") && method == "POST" { browser.request(method, &path).header("Content-Type", "multipart/form-data; boundary=x").body("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nno\r\n--x--\r\n") } else { request };
            let status = request.send().unwrap().status().as_u16();
            if status != expected {
                wrong.push(format!("{actor:?} {method} {path}: {status}, expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_one_may_not_see_looks_like_what_is_not_there() {
    let world = world::shared();
    let case = world.actor("Priya").open_case("Doors: nobody else's");
    for actor in ["Tomasz", "Folake", "Tom A"] {
        let browser = world.actor(actor);
        let unknown = "A".repeat(32);
        let there = browser.get(&case);
        let nowhere: Vec<_> = [format!("/cases/{unknown}"), "/cases/x".into(), "/nowhere/at/all".into(), "/cases/%00%ff".into()].iter().map(|path| browser.get(path)).collect();
        for other in nowhere {
            assert_eq!((there.status, &there.body), (404, &other.body), "{actor}");
            let fields = |got: &world::Got| {
                let mut names: Vec<_> = got.fields.iter().filter(|(name, _)| *name != "date").map(|(n, v)| format!("{n}: {v}")).collect();
                names.sort();
                names
            };
            assert_eq!(fields(&there), fields(&other), "{actor}");
        }
    }
}

#[test]
fn the_inner_server_answers_nobody_but_the_gate() {
    let world = world::shared();
    let listening = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", world.server.pid()))
        .unwrap()
        .filter_map(|fd| Some(std::fs::read_link(fd.ok()?.path()).ok()?.to_string_lossy().strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let ports: Vec<u16> = listening
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|row| row.get(3) == Some(&"0A") && row.get(9).is_some_and(|inode| inodes.contains(&(*inode).to_owned())))
        .map(|row| u16::from_str_radix(row[1].rsplit(':').next().unwrap(), 16).unwrap())
        .filter(|port| *port != world.server.port())
        .collect();
    assert_eq!(ports.len(), 1, "one inner port");
    let client = reqwest::blocking::Client::new();
    for path in ["/", "/healthz", "/sign-in", "/today"] {
        let answer = client.get(format!("http://127.0.0.1:{}{path}", ports[0])).header("X-Strongroom-Gate", "guess").send().unwrap();
        assert_eq!(answer.status().as_u16(), 404, "{path}");
    }
}
