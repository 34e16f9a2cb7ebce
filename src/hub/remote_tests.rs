//! Opening a repository: commits, listings of several pages, refusals, and what is malformed.

use super::*;
use crate::hub::{
    Net,
    double::{COMMIT, Double, FILE, Fault, HUB, SECRET},
};
use crate::sys::Clock;

const REVISION: &str = "/api/models/owner/name/revision/main";
const TREE: &str = "/api/models/owner/name/tree/0123456789abcdef0123456789abcdef01234567?recursive=true&expand=true";

fn entry(path: &str, size: u64) -> String {
    let oid = "cd".repeat(20);
    format!(r#"{{"type":"file","path":"{path}","size":{size},"oid":"{oid}","lastCommit":{{}}}}"#)
}

fn large(path: &str, size: u64) -> String {
    let (oid, sha256) = ("cd".repeat(20), "ab".repeat(32));
    format!(
        r#"{{"type":"file","path":"{path}","size":{size},"oid":"{oid}","lfs":{{"oid":"{sha256}","size":{size},"pointerSize":134}}}}"#
    )
}

fn list(entries: &[String]) -> String {
    format!("[{}]", entries.join(","))
}

fn open(double: &Double, net: &Rc<Net>) -> Result<Remote, HubError> {
    let repo = Double::repo();
    let opened = Remote::open(net.clone(), &repo);
    double.clock.run_until(opened).expect("no wait without end")
}

/// Opens a repository whose listing is this.
fn listed(text: &str) -> Result<Remote, HubError> {
    let double = Double::new(&[], true);
    let sha = format!(r#"{{"sha":"{COMMIT}","gated":false,"siblings":[]}}"#);
    double.say(REVISION, 200, &[], &sha);
    double.say(TREE, 200, &[], text);
    open(&double, &double.net())
}

/// Opens a repository whose server says this first, with a token or without.
fn refused(status: u16, code: &str, token: Option<&str>) -> HubError {
    let double = Double::new(&[], true);
    let net = double.net();
    net.set_token(&Double::repo().endpoint, token)
        .expect("a token");
    double.say(REVISION, status, &[("X-Error-Code", code)], SECRET);
    open(&double, &net).err().expect("a refusal")
}

#[test]
fn a_repository_is_pinned_and_listed_by_pages() {
    let double = Double::new(&[], true);
    let net = double.net();
    net.set_token(&Double::repo().endpoint, Some(SECRET))
        .unwrap();
    let sha = format!(r#"{{"sha":"{COMMIT}"}}"#);
    double.say(REVISION, 200, &[], &sha);
    let folder = r#"{"type":"directory","path":"layer_0","size":0,"oid":""}"#.to_string();
    let next = format!("<{HUB}/api/second>; rel=\"next\"");
    let first = list(&[folder, large(FILE, 5_000_000_000)]);
    double.say(TREE, 200, &[("Link", &next)], &first);
    let second = list(&[entry("config.json", 800), entry(".gitattributes", 1)]);
    double.say("/api/second", 200, &[], &second);
    let remote = open(&double, &net).unwrap();
    assert_eq!(remote.commit(), COMMIT);
    assert_eq!(remote.file(FILE).unwrap().size_bytes, 5_000_000_000);
    assert_eq!(remote.file(FILE).unwrap().sha256, Some("ab".repeat(32)));
    assert_eq!(remote.file("config.json").unwrap().sha256, None);
    let names = double.clock.run_until(remote.list()).unwrap().unwrap();
    assert_eq!(names, ["config.json", FILE]);
    let log = double.log.borrow();
    let urls: Vec<_> = log
        .iter()
        .map(|it| it.url.strip_prefix(HUB).unwrap())
        .collect();
    assert_eq!(urls, [REVISION, TREE, "/api/second"]);
    assert!(log.iter().all(|it| it.authorization.is_some()));
}

#[test]
fn a_kept_listing_asks_for_nothing_and_reads_as_a_source() {
    let double = Double::new(&[Fault::Cut(3)], true);
    let remote = double.remote(&double.net());
    let source: &dyn Source = &remote;
    let block = |future| double.clock.run_until(future).unwrap();
    let size: Result<u64, HubError> = block(source.size(FILE));
    assert_eq!(size.unwrap(), 1000);
    assert!(matches!(
        block(source.size("x")),
        Err(HubError::NotFound { .. })
    ));
    assert!(matches!(
        block(source.size("../x")),
        Err(HubError::Name { .. })
    ));
    assert!(double.log.borrow().is_empty());
    let read = source.read(FILE, 5..25);
    let got = double.clock.run_until(read).unwrap().unwrap().into_vec();
    assert_eq!(got, double.data[5..25]);
    assert_eq!(source.name(), format!("{HUB}/owner/name"));
    let beyond = double
        .clock
        .run_until(source.read(FILE, 999..1001))
        .unwrap();
    assert!(matches!(beyond, Err(HubError::Range { .. })));
}

#[test]
fn refusals_have_their_own_errors_and_remedies() {
    for (status, code, token, expected, remedy) in [
        (401, "RepoNotFound", None, "RepoNotFound", "OWNER/NAME"),
        (
            404,
            "RepoNotFound",
            Some(SECRET),
            "RepoNotFound",
            "OWNER/NAME",
        ),
        (401, "GatedRepo", None, "Gated", "Accept the licence"),
        (403, "GatedRepo", Some(SECRET), "NotAccepted", "account"),
        (401, "", Some(SECRET), "WrongToken", "new one"),
        (404, "RevisionNotFound", None, "RevisionNotFound", "branch"),
        (418, "", None, "Status", "server"),
    ] {
        let error = refused(status, code, token);
        let shown = format!("{error:?} {error} {}", error.remedy());
        assert!(shown.starts_with(expected), "{shown}");
        assert!(error.remedy().contains(remedy), "{shown}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn answers_that_are_no_commit_are_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"sha\":1}",
        "{\"sha\":\"main\"}",
        "{\"sha\":\"../../x\"}",
    ] {
        let double = Double::new(&[], true);
        double.say(REVISION, 200, &[], text);
        let error = open(&double, &double.net()).err().unwrap();
        assert!(
            matches!(error, HubError::Answer { .. }),
            "{text}: {error:?}"
        );
        assert!(error.remedy().contains("address"));
    }
    let double = Double::new(&[], true);
    double.say(REVISION, 200, &[("Content-Type", "text/html")], "<html>");
    let error = open(&double, &double.net()).err().unwrap();
    assert!(matches!(error, HubError::NotData { .. }), "{error:?}");
}

#[test]
fn malformed_listings_are_refused() {
    let no_size = r#"{"type":"file","path":"a","oid":"cd"}"#.to_string();
    let negative = entry("a", 1).replace(":1,", ":-1,");
    let two_sizes = large("a", 5).replacen(":5", ":6", 1);
    for text in [
        "".into(),
        "{}".into(),
        "[1]".into(),
        list(&[entry("a", 1)])[1..].to_string(),
        list(&[no_size]),
        list(&[negative]),
        list(&[entry("a", u64::MAX)]),
        list(&[entry("a", 1).replace("cd", "xx")]),
        list(&[large("a", 5).replace("ab", "AB")]),
        list(&[large("a", 5).replace("abab", "ab")]),
        list(&[two_sizes]),
        list(&[entry("a", 1), entry("a", 1)]),
    ] {
        let error = listed(&text).err().unwrap();
        assert!(
            matches!(error, HubError::Answer { .. }),
            "{text}: {error:?}"
        );
    }
    for name in [
        "../a",
        "/a",
        "a/../b",
        "a\\\\b",
        "c:a",
        "a//b",
        "",
        "a\\u0000b",
    ] {
        let error = listed(&list(&[entry(name, 1)])).err().unwrap();
        assert!(matches!(error, HubError::Name { .. }), "{name}: {error:?}");
    }
    assert!(listed("[]").unwrap().files().is_empty());
}

#[test]
fn a_list_that_leads_elsewhere_or_never_ends_is_refused() {
    for next in [
        "<https://evil.example/x>; rel=\"next\"".to_string(),
        format!("<{HUB}{TREE}>; rel=\"next\""),
    ] {
        let double = Double::new(&[], true);
        double.say(REVISION, 200, &[], &format!(r#"{{"sha":"{COMMIT}"}}"#));
        double.say(TREE, 200, &[("Link", &next)], "[]");
        let error = open(&double, &double.net()).err().unwrap();
        assert!(matches!(error, HubError::Answer { .. }), "{error:?}");
    }
}

#[test]
fn a_busy_server_is_asked_again() {
    let double = Double::new(&[], true);
    double.say(REVISION, 503, &[], "");
    double.say(REVISION, 429, &[("Retry-After", "7")], "");
    double.say(REVISION, 200, &[], &format!(r#"{{"sha":"{COMMIT}"}}"#));
    double.say(TREE, 200, &[], "[]");
    assert!(open(&double, &double.net()).is_ok());
    let at_millis: Vec<f64> = double.log.borrow().iter().map(|it| it.at_millis).collect();
    assert!((5e3..=6.25e3).contains(&at_millis[1]), "{at_millis:?}");
    assert!(
        (7e3..=8e3).contains(&(at_millis[2] - at_millis[1])),
        "{at_millis:?}"
    );
    assert_eq!(at_millis[2], at_millis[3]);
}

#[test]
fn a_server_that_stays_busy_is_given_up_within_a_minute() {
    let double = Double::new(&[], true);
    for _ in 0..9 {
        double.say(REVISION, 502, &[], "");
    }
    let error = open(&double, &double.net()).err().unwrap();
    assert!(
        matches!(error, HubError::GaveUp { attempts: 4, .. }),
        "{error:?}"
    );
    assert!(double.clock.now_millis() <= 60e3);
}

#[test]
fn a_server_off_the_table_is_not_even_asked() {
    let double = Double::new(&[], true);
    let net = double.net();
    let other: RepoRef = "https://other.example/owner/name".parse().unwrap();
    let opened = double
        .clock
        .run_until(Remote::open(net.clone(), &other))
        .unwrap();
    assert!(matches!(opened, Err(HubError::OffTable { .. })));
    let token = net.set_token(&other.endpoint, Some(SECRET));
    assert!(matches!(token, Err(HubError::OffTable { .. })));
    assert!(double.log.borrow().is_empty());
}
