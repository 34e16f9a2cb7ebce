//! The Hub over sockets, with a client that sees what is on the wire; and the command.

use crate::{
    client::{LARGE_BYTES, config, large},
    folder::Folder,
};
use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use xtask::hub::{Config, Hub};

/// Head and body of an answer; the body ends where the server ends the connection or nothing comes for half a second.
struct Got {
    head: String,
    body: Vec<u8>,
    /// Whether the server ended it, rather than the client's patience.
    ended: bool,
}

fn ask(address: &str, method: &str, headers: &str) -> Got {
    let (host, path) = address
        .strip_prefix("http://")
        .expect("http")
        .split_once('/')
        .expect("a path");
    let mut stream = TcpStream::connect(host).expect("a server");
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a socket");
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )
    .expect("a server that reads");
    let mut all = Vec::new();
    let mut piece = [0; 65536];
    let ended = loop {
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(n) => all.extend_from_slice(&piece[..n]),
            Err(it) if matches!(it.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break false;
            }
            Err(_) => break true,
        }
    };
    let split = all
        .windows(4)
        .position(|it| it == b"\r\n\r\n")
        .expect("a head")
        + 4;
    Got {
        head: String::from_utf8_lossy(&all[..split]).to_lowercase(),
        body: all[split..].to_vec(),
        ended,
    }
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find_map(|it| it.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

fn serve(rules: &[&str]) -> Hub {
    let rules = rules.iter().map(|it| it.parse().expect("a rule")).collect();
    Hub::serve(Config { rules, ..config() }).expect("two free ports")
}

/// A fresh address; the small client reads heads in lower case, which leaves our addresses as they are.
fn address(hub: &Hub) -> String {
    let got = ask(
        &format!(
            "{}/o/model/resolve/main/model.safetensors",
            hub.hub_origin()
        ),
        "GET",
        "",
    );
    assert!(got.head.starts_with("http/1.1 302"), "{}", got.head);
    got.header("location")
        .replace("expires", "Expires")
        .replace("key-id", "Key-Id")
        .replace("signature", "Signature")
}

#[test]
fn a_redirect_leads_to_the_other_port_and_its_bytes() {
    let hub = serve(&[]);
    let address = address(&hub);
    assert_ne!(hub.hub_origin(), hub.signed_origin());
    assert!(address.starts_with(hub.signed_origin()));
    let got = ask(&address, "GET", "Range: bytes=5-199999\r\nOrigin: null\r\n");
    assert!(got.head.starts_with("http/1.1 206"), "{}", got.head);
    assert_eq!(got.header("content-length"), "199995");
    assert_eq!(got.header("access-control-allow-origin"), "null");
    assert!(got.ended && got.body == large()[5..]);
    let head = ask(&address, "HEAD", "");
    assert_eq!(
        (head.header("content-length"), head.body.len()),
        ("200000", 0)
    );
    let last = hub.log().pop().unwrap();
    assert_eq!((last.method.as_str(), last.bytes_sent), ("HEAD", 0));
}

#[test]
fn faults_show_on_the_wire() {
    let hub = serve(&[
        "cut:100000@/signed/#1",
        "short:1000@/signed/#2",
        "stall:70000@/signed/#3",
        "cut:0@/signed/#4",
    ]);
    let address = address(&hub);
    let cut = ask(&address, "GET", "");
    assert_eq!(cut.header("content-length"), LARGE_BYTES.to_string());
    assert!(cut.ended && cut.body.len() == 100_000, "{}", cut.body.len());
    let short = ask(&address, "GET", "");
    assert!(short.ended && short.body.len() == LARGE_BYTES - 1000);
    let stall = ask(&address, "GET", "");
    assert_eq!((stall.ended, stall.body.len()), (false, 70_000));
    assert!(ask(&address, "GET", "").body.is_empty());
    assert_eq!(ask(&address, "GET", "").body, &large()[..]);
}

#[test]
fn a_client_that_goes_away_is_seen_in_the_log() {
    let hub = serve(&["slow:10000@/signed/"]);
    let address = address(&hub);
    let (host, path) = address
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 600]).unwrap();
    drop(stream);
    let entry = hub.log().pop().unwrap();
    assert!(!entry.finished && entry.bytes_sent < 20_000, "{entry:?}");
}

#[test]
fn a_dropped_hub_is_gone_and_comes_back_on_its_ports() {
    let hub = serve(&["stall:5@/signed/"]);
    let address = address(&hub);
    let port = |it: &str| it.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let ports = [port(hub.hub_origin()), port(hub.signed_origin())];
    let host = format!("127.0.0.1:{}", ports[1]);
    let mut open = TcpStream::connect(&host).unwrap();
    let path = address.split_once(&host).unwrap().1;
    write!(open, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    open.read_exact(&mut [0; 40]).unwrap();
    drop(hub);
    assert!(TcpStream::connect(&host).is_err());
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).ok(); // the connection broke: this ends
    let again = Hub::serve(Config {
        port: ports[0],
        signed_port: ports[1],
        ..config()
    });
    let again = again.expect("the same ports");
    assert!(
        Hub::serve(Config {
            port: ports[0],
            ..config()
        })
        .is_err(),
        "a port that is taken"
    );
    assert_eq!(
        ask(&format!("{}/_log", again.hub_origin()), "GET", "").body,
        b"[]"
    );
}

#[test]
fn the_command_serves_a_folder_writes_its_log_and_ends_when_told() {
    let folder = Folder::new("command");
    folder.write("root/o/n/config.json", b"{}");
    let log = folder.0.join("log.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args([
            "hub",
            "--fault",
            "status:500@/api/#1",
            "--throttle",
            "1000000",
            "--root",
        ])
        .arg(folder.0.join("root"))
        .arg("--log")
        .arg(&log)
        .args(["--gated", "o/n", "--token", "hf_x"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Kept open to the end: the command goes on to print.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let origin = lines
        .by_ref()
        .find_map(|it| it.unwrap().strip_prefix("Hub     ").map(str::to_string));
    let origin = origin.expect("an address");
    let status = |path: &str| ask(&format!("{origin}{path}"), "GET", "").head[9..12].to_string();
    assert_eq!(status("/api/models/o/n"), "500");
    assert_eq!(status("/api/models/o/n"), "401");
    let right = ask(
        &format!("{origin}/o/n/resolve/main/config.json"),
        "GET",
        "Authorization: Bearer hf_x\r\n",
    );
    assert_eq!(right.body, b"{}");
    ask(&format!("{origin}/_stop"), "POST", "Content-Length: 0\r\n");
    let began = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5));
    let text = fs::read_to_string(log).unwrap();
    let entries: Vec<xtask::hub::Entry> = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let statuses: Vec<u16> = entries.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [500, 401, 200]);
    assert!(!text.contains("hf_x"), "no token in the log");
}

#[test]
fn wrong_arguments_are_said() {
    let said = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("hub")
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&[]).contains("--root"));
    assert!(said(&["--root", ".", "--fault", "boom@/"]).contains("`boom` is no fault"));
    assert!(said(&["--root", ".", "--gated", "o/n"]).contains("--token"));
    assert!(said(&["--root", "no/such/folder"]).contains("reading the folder no/such/folder"));
}
