//! A small site, dressed.

use super::*;
use crate::{headers::Rules, place};
use std::{env, path::PathBuf};

/// A bare site with our own texts and one file of each kind; where it lies.
fn bare(name: &str) -> PathBuf {
    let root = env::temp_dir().join(format!("gemscope-dress-{name}-{}", std::process::id()));
    if root.exists() {
        fs::remove_dir_all(&root).expect("a file of ours");
    }
    let [bare, dist] = ["bare", "dist"].map(|it| root.join(it));
    for it in [
        bare.join(HOSTING),
        dist.join("demo"),
        dist.join(hashed::FOLDER),
    ] {
        fs::create_dir_all(it).expect("a file of ours");
    }
    let ours = place::root();
    for it in [PAGE, HEADERS, WORKER] {
        fs::copy(ours.join("www").join(it), bare.join(it)).expect("a file of ours");
    }
    for it in ["nginx.conf", "Caddyfile"] {
        let name = format!("{HOSTING}/{it}");
        fs::copy(ours.join(&name), bare.join(&name)).expect("a file of ours");
    }
    for (name, text) in [
        ("demo/labels.json", "{}"),
        ("demo/README.md", "for people"),
        ("engine-worker.js", "for tests"),
        ("hashed/engine.0.js", "engine"),
        ("hashed/page.0.js", "page"),
    ] {
        fs::write(dist.join(name), text).expect("a file of ours");
    }
    root
}

fn dressed(name: &str, table: &HostTable) -> PathBuf {
    let root = bare(name);
    dress(
        &root.join("bare"),
        &root.join("dist"),
        table,
        &root.join("dist"),
    )
    .expect("a file of ours");
    root
}

fn text(root: &Path, name: &str) -> String {
    fs::read_to_string(root.join("dist").join(name)).expect("a file of ours")
}

fn table() -> HostTable {
    let mirror = hosts::parse("https://mirror.example,https://*.cdn.example");
    hosts::table(&[mirror.expect("a host")], true)
}

/// What stands in the worker.
fn listed(root: &Path) -> Value {
    let text = text(root, WORKER);
    let line = text.lines().find_map(|it| it.strip_prefix("const SITE = "));
    serde_json::from_str(line.expect("a file of ours").trim_end_matches(';'))
        .expect("a file of ours")
}

#[test]
fn page_frame_headers_and_servers_have_one_policy() {
    let root = dressed("policy", &table());
    let page = text(&root, PAGE);
    let policy = policy(&page).expect("a file of ours");
    assert!(
        policy.starts_with("default-src 'none'; ") && policy.contains("worker-src 'self' blob:")
    );
    for it in table().sources() {
        assert!(policy.contains(&format!(" {it}")), "{it}");
    }
    for it in [EMBED, HEADERS, "hosting/nginx.conf", "hosting/Caddyfile"] {
        let text = text(&root, it);
        assert!(text.contains(policy) && !text.contains(POLICY), "{it}");
    }
    let rules = Rules::parse(&text(&root, HEADERS)).expect("a file of ours");
    let of = |path: &str| -> Vec<String> {
        let named = rules
            .of(path)
            .filter(|it| it.0 == "content-security-policy");
        named
            .map(|it| it.1.to_str().expect("a file of ours").into())
            .collect()
    };
    let alone = format!("{policy}; frame-ancestors 'none'");
    for path in ["/", "/index.html"] {
        assert_eq!(of(path), [policy, &alone], "{path}");
    }
    for path in ["/embed.html", "/embed", "/sw.js", "/hashed/page.0.js"] {
        assert_eq!(of(path), [policy], "{path}");
    }
    fs::remove_dir_all(root).expect("a file of ours");
}

/// What static hosts are told in one form, other servers are told in theirs.
#[test]
fn snippets_send_the_same_headers() {
    let root = dressed("servers", &HostTable::default());
    let rules = Rules::parse(&text(&root, HEADERS)).expect("a file of ours");
    for server in ["nginx.conf", "Caddyfile"] {
        let text = text(&root, &format!("{HOSTING}/{server}"));
        for path in ["/", "/hashed/page.0.js", "/demo/labels.json"] {
            for (name, value) in rules.of(path) {
                let value = format!("\"{}\"", value.to_str().expect("a file of ours"));
                assert!(text.contains(&value), "{server} lacks {name}: {value}");
                let named = text.to_lowercase().contains(name.as_str());
                assert!(named, "{server} lacks {name}");
            }
        }
    }
    fs::remove_dir_all(root).expect("a file of ours");
}

#[test]
fn the_worker_knows_every_file_of_a_visit_by_its_hash() {
    let root = dressed("list", &table());
    let site = listed(&root);
    let files = site["files"].as_object().expect("a file of ours");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "demo/labels.json",
        "embed.html",
        "hashed/engine.0.js",
        "hashed/page.0.js",
        "hosts.json",
        "index.html",
    ];
    assert_eq!(names, expected);
    // `printf '{}' | openssl dgst -sha256 -binary | base64`
    let braces = "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
    assert_eq!(files["demo/labels.json"], braces);
    let index = hashed::sha256(&root.join("dist/index.html")).expect("a file of ours");
    assert_eq!(files["index.html"], base64(&index));
    assert_eq!(site["allowed"], json!(table().sources()));
    fs::remove_dir_all(root).expect("a file of ours");
}

#[test]
fn another_table_is_another_version() {
    let [one, two] = [("one", HostTable::default()), ("two", table())].map(|(name, table)| {
        let root = dressed(name, &table);
        let site = listed(&root);
        fs::remove_dir_all(root).expect("a file of ours");
        site
    });
    assert_ne!(one["build"], two["build"]);
    assert_eq!(
        one["files"]["hashed/page.0.js"],
        two["files"]["hashed/page.0.js"]
    );
    assert_ne!(one["files"]["index.html"], two["files"]["index.html"]);
}

/// The list of the About page is the list of files, and the hosts of the policy.
#[test]
fn the_page_lists_every_request() {
    let root = dressed("requests", &table());
    let page = text(&root, PAGE);
    let (_, rest) = page.split_once("id=\"requests\">").expect("a file of ours");
    let (list, _) = rest.split_once("</script>").expect("a file of ours");
    let list: Vec<Value> = serde_json::from_str(list).expect("a file of ours");
    let (own, others): (Vec<_>, Vec<_>) = list.iter().partition(|it| it["origin"] == "self");
    let site = listed(&root);
    for it in site["files"].as_object().expect("a file of ours").keys() {
        assert!(own.iter().any(|own| own["path"] == **it), "{it}");
    }
    assert_eq!(
        own.len(),
        site["files"].as_object().expect("a file of ours").len() + 1
    );
    let source = |it: &&Value| {
        let origin = it["origin"].as_str().expect("a file of ours");
        format!("{origin}{}", it["path"].as_str().unwrap_or_default())
    };
    let sources: Vec<String> = others.iter().map(source).collect();
    assert_eq!(sources, table().sources());
    assert!(
        list.iter()
            .all(|it| it["why"].as_str().is_some_and(|it| !it.is_empty()))
    );
    assert!(
        text(&root, EMBED).starts_with("<!doctype html>\n<html lang=\"en\" data-entry=\"embed\"")
    );
    fs::remove_dir_all(root).expect("a file of ours");
}

#[test]
fn digits_of_bytes() {
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
    ] {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
}
