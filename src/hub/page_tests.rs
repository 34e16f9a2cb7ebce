//! Answers about single features: asked once, of their server alone, without a token; and what can be wrong with them.

use super::*;
use crate::{
    hub::double::{Double, HUB, SECRET, STORAGE},
    spec::HostTable,
};

const NAME: &str = "12-gemmascope-transcoder-16k/9377";
const PATH: &str = "/api/feature/gemma-2-2b/12-gemmascope-transcoder-16k/9377";

/// A network whose table says this.
fn net(double: &Double, table: &str) -> Rc<Net> {
    let net = double.net();
    let table: HostTable = serde_json::from_str(table).expect("a table");
    net.set_hosts(table);
    net
}

/// The double as the server of files, and of features too.
fn both() -> String {
    format!(r#"[{{"endpoint":"{HUB}"}},{{"endpoint":"{HUB}","for":"features"}}]"#)
}

/// Status, headers and body of an answer, and what it is to be taken for.
type Case<'a> = (
    u16,
    &'a [(&'a str, &'a str)],
    &'a str,
    fn(&HubError) -> bool,
);

fn ask(double: &Double, net: &Rc<Net>) -> Result<Vec<u8>, HubError> {
    let asked = net.feature(NAME);
    double.clock.run_until(asked).expect("no wait without end")
}

/// What comes of an answer; it is asked for once, whatever it is.
fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Vec<u8>, HubError> {
    let double = Double::new(&[], false);
    double.say(PATH, status, headers, body);
    let out = ask(&double, &net(&double, &both()));
    assert_eq!(double.log.borrow().len(), 1, "{status}");
    out
}

#[test]
fn a_feature_is_asked_for_by_its_name_without_a_token() {
    let double = Double::new(&[], false);
    let net = net(&double, &both());
    let endpoint: Endpoint = HUB.parse().expect("an origin");
    net.set_token(&endpoint, Some(SECRET)).expect("a token");
    double.say(PATH, 200, &[("Content-Type", "application/json")], "{}");
    assert_eq!(ask(&double, &net).expect("an answer"), b"{}");
    let log = double.log.borrow();
    assert_eq!(log[0].url, format!("{HUB}{PATH}"));
    assert!(!log[0].has_token && log[0].range.is_none());
}

#[test]
fn what_is_wrong_is_said_at_once() {
    let page = [("Content-Type", "text/html")];
    let there = [("Location", "https://evil.example/x")];
    let home = format!("{HUB}/elsewhere");
    let home = [("Location", home.as_str())];
    let asked = [("Retry-After", "30")];
    let long = "x".repeat(MAX_FEATURE_BYTES + 1);
    let cases: [Case<'_>; 7] = [
        (404, &[], "", |it| matches!(it, HubError::NotFound { .. })),
        (429, &asked, "", |it| {
            matches!(
                it,
                HubError::RateLimited {
                    seconds: Some(30),
                    ..
                }
            )
        }),
        (503, &[], "", |it| {
            matches!(it, HubError::GaveUp { attempts: 1, .. })
        }),
        (200, &page, "<p>", |it| {
            matches!(it, HubError::NotData { .. })
        }),
        (200, &[], &long, |it| matches!(it, HubError::TooLong { .. })),
        (302, &there, "", |it| {
            matches!(it, HubError::Redirects { .. })
        }),
        (302, &home, "", |it| {
            matches!(it, HubError::Redirects { .. })
        }),
    ];
    for (status, headers, body, is) in cases {
        let error = answered(status, headers, body).expect_err("a refusal");
        assert!(is(&error), "{status}: {error:?}");
        assert!(!error.remedy().is_empty());
    }
}

#[test]
fn nobody_waits_for_the_network_to_come_back() {
    let double = Double::new(&[crate::hub::double::Fault::Offline], false);
    let table = format!(
        r#"[{{"endpoint":"{HUB}","also":["{STORAGE}"]}},{{"endpoint":"{HUB}","for":"features"}}]"#
    );
    let net = net(&double, &table);
    // A first question to the storage is how the double loses its network.
    let remote = double.remote(&net);
    let lost = crate::hub::Source::read(&remote, crate::hub::double::FILE, 0..8);
    let asked = futures_util::future::join(lost, async {
        net.clock.sleep(1.0).await;
        let out = net.feature(NAME).await;
        (out, net.clock.now_millis())
    });
    let (_, (out, at_millis)) = double.clock.run_until(asked).expect("no wait without end");
    assert!(
        matches!(out, Err(HubError::GaveUp { attempts: 1, .. })),
        "{out:?}"
    );
    assert!(at_millis < 1000.0, "{at_millis}");
}

#[test]
fn an_installation_may_ask_nobody_and_files_are_never_asked_of_this_server() {
    let double = Double::new(&[], false);
    let files = net(&double, &format!(r#"[{{"endpoint":"{HUB}"}}]"#));
    let out = ask(&double, &files);
    assert!(matches!(out, Err(HubError::NobodyTold)), "{out:?}");
    let features = net(
        &double,
        &format!(r#"[{{"endpoint":"{HUB}","for":"features"}}]"#),
    );
    let url = format!("{HUB}/labels.json");
    let mut told = |_, _| ();
    let whole = features.whole(&url, 100, &mut told);
    let out = double.clock.run_until(whole).expect("no wait without end");
    assert!(matches!(out, Err(HubError::OffTable { .. })), "{out:?}");
    assert!(double.log.borrow().is_empty());
}
