//! The native client against a small server of sockets: redirects come back, ranges and tokens are sent, breaks and silence are noticed.

use super::*;
use crate::{
    hub::{HubConfig, HubError, Net, Remote, RemoteFile, Token},
    spec::{HostTable, RepoRef},
    sys::{block_on, system_clock},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    ops::Range,
    rc::Rc,
    sync::{Arc, Mutex},
    thread,
};

type Answer = Box<dyn Fn(&str, usize, &mut TcpStream) + Send + Sync>;

/// A server that answers each connection once, by the request's text and its number; it ends with the test's process.
struct Server {
    origin: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let origin = format!("http://{address}");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (log, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(Box::new(answer)));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || serve(connection, &log, &answer));
            }
        });
        Self { origin, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the log").clone()
    }
}

fn serve(mut connection: TcpStream, log: &Mutex<Vec<String>>, answer: &Answer) {
    let mut request = String::new();
    let mut reader = BufReader::new(connection.try_clone().expect("a second handle"));
    while reader.read_line(&mut request).is_ok_and(|it| it > 2) {}
    let n = {
        let mut log = log.lock().expect("the log");
        log.push(request.to_ascii_lowercase());
        log.len()
    };
    answer(&request, n, &mut connection);
}

fn write(to: &mut TcpStream, head: &str, body: &[u8]) {
    // The other side may have gone.
    let _ = to.write_all(head.as_bytes());
    let _ = to.write_all(b"Connection: close\r\n\r\n");
    let _ = to.write_all(body);
    let _ = to.flush();
}

/// The range that a request names.
fn range(request: &str) -> Range<usize> {
    let request = request.to_ascii_lowercase();
    let line = request
        .lines()
        .find_map(|it| it.strip_prefix("range: bytes="));
    let number = |it: &str| it.parse::<usize>().expect("a number");
    let range = line.and_then(|it| it.split_once('-'));
    let (first, last) = range.expect("a range");
    number(first)..number(last) + 1
}

fn head_206(range: &Range<usize>, size: usize) -> String {
    let (first, last, n) = (range.start, range.end - 1, range.len());
    format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{size}\r\nContent-Length: {n}\r\nETag: \"e\"\r\n"
    )
}

fn data() -> Vec<u8> {
    (0..300_000u32)
        .map(|it| (it * 31 + it / 509) as u8)
        .collect()
}

fn get(url: &str, bearer: Option<Token>) -> Result<(Response, Vec<u8>), HttpError> {
    let http = NativeHttp::new().expect("a client");
    block_on(async {
        let mut response = http
            .get(Request {
                url: url.into(),
                range: Some(5..9),
                bearer,
                accept: Some("application/json"),
            })
            .await?;
        let mut body = Vec::new();
        while let Some(it) = response.body.next().await? {
            body.extend(it.into_vec());
        }
        Ok((response, body))
    })
}

#[test]
fn a_request_says_what_it_should_and_a_redirect_comes_back() {
    let server = Server::new(|_, _, to| {
        let head = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nX-Repo-Commit: c0\r\nContent-Length: 3\r\n";
        write(to, head, b"abc");
    });
    let token = Token::new(server.origin.parse().unwrap(), "hf_x").unwrap();
    let (response, body) = get(&format!("{}/a?b", server.origin), Some(token)).unwrap();
    assert_eq!((response.status, body.as_slice()), (302, &b"abc"[..]));
    assert_eq!(response.headers.get("x-repo-commit"), Some("c0"));
    assert_eq!(response.url, format!("{}/a?b", server.origin));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    for line in [
        "get /a?b http/1.1",
        "range: bytes=5-8",
        "accept: application/json",
        "authorization: bearer hf_x",
    ] {
        assert!(requests[0].contains(line), "{line}: {}", requests[0]);
    }
    assert!(!requests[0].contains("accept-encoding") && !requests[0].contains("referer"));
}

#[test]
fn a_token_of_another_origin_stays_here() {
    let server = Server::new(|_, _, to| write(to, "HTTP/1.1 204 No Content\r\n", b""));
    let token = Token::new("https://huggingface.co".parse().unwrap(), "hf_x").unwrap();
    let (response, _) = get(&server.origin, Some(token)).unwrap();
    assert_eq!(response.status, 204);
    assert!(!server.requests()[0].contains("hf_x"));
}

#[test]
fn what_can_t_be_reached_or_breaks_is_an_error_without_the_address() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x?sig=secret", closed.local_addr().unwrap());
    drop(closed);
    let error = get(&address, None).err().unwrap();
    assert!(matches!(error, HttpError::Network { .. }), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let cut = Server::new(|_, _, to| {
        write(
            to,
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 100\r\n",
            b"abc",
        );
    });
    let error = get(&format!("{}/x?sig=secret", cut.origin), None)
        .err()
        .unwrap();
    assert!(matches!(error, HttpError::Network { .. }), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = get("no address", None).err().unwrap();
    assert!(matches!(error, HttpError::Request { .. }), "{error:?}");
}

#[test]
fn nothing_is_read_that_nobody_takes() {
    let taken = Arc::new(Mutex::new(0usize));
    let counter = taken.clone();
    let server = Server::new(move |_, _, to| {
        let counter = counter.clone();
        write(to, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n", b"");
        while to.write_all(&[7; 65_536]).is_ok() {
            *counter.lock().unwrap() += 65_536;
        }
    });
    let http = NativeHttp::new().unwrap();
    let request = Request {
        url: server.origin.clone(),
        range: None,
        bearer: None,
        accept: None,
    };
    let mut response = block_on(http.get(request)).unwrap();
    block_on(response.body.next()).unwrap().unwrap();
    // Until the buffers on the way are full.
    let mut before = usize::MAX;
    while before != *taken.lock().unwrap() {
        before = *taken.lock().unwrap();
        block_on(crate::sys::sleep_millis(300));
    }
    assert!(before < 100_000_000, "{before} bytes were read ahead");
    drop(response);
    // The connection is closed: its writer ends, and lets go of the counter.
    for _ in 0..250 {
        if Arc::strong_count(&taken) == 2 {
            return;
        }
        block_on(crate::sys::sleep_millis(20));
    }
    panic!("the server was still being read from");
}

#[test]
fn a_request_that_is_dropped_in_the_silence_closes_its_connection() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = Server::new(move |_, _, to| {
        let n_read = to.read(&mut [0; 1]);
        tell.send(n_read.is_ok_and(|it| it > 0)).unwrap();
    });
    let http = NativeHttp::new().unwrap();
    let asked = http.get(Request {
        url: server.origin.clone(),
        range: None,
        bearer: None,
        accept: None,
    });
    let silence = Box::pin(crate::sys::sleep_millis(300));
    let raced = block_on(futures_util::future::select(asked, silence));
    assert!(matches!(raced, futures_util::future::Either::Right(_)));
    assert!(told.try_recv().is_err(), "it ended too early");
    drop(raced);
    let more_came = told.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(!more_came);
}

/// A hub on one port that sends on to its storage on another, which cuts the first answer and falls silent in the second.
#[test]
fn a_stream_survives_a_cut_and_a_silence_over_sockets() {
    let all = data();
    let size = all.len();
    let storage = Server::new(move |request, n, to| {
        let range = range(request);
        let body = &all[range.clone()];
        let end = if n < 3 {
            body.len().min(50_000)
        } else {
            body.len()
        };
        write(to, &head_206(&range, size), &body[..end]);
        if n == 2 {
            thread::sleep(Duration::from_secs(3));
        }
    });
    let location = format!("{}/blob?sig=1", storage.origin);
    let hub = Server::new(move |_, _, to| {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n");
        write(to, &head, b"");
    });
    let config = HubConfig {
        stall_millis: 500.0,
        first_wait_millis: 10.0,
        most_wait_millis: 50.0,
        ..HubConfig::default()
    };
    let http = Rc::new(NativeHttp::new().unwrap());
    let net = Net::new(http, system_clock(), config, HostTable::default());
    let repo: RepoRef = format!("{}/owner/name", hub.origin).parse().unwrap();
    net.set_token(&repo.endpoint, Some("hf_x")).unwrap();
    let file = RemoteFile {
        size_bytes: size as u64,
        sha256: None,
        oid: String::new(),
    };
    let files = BTreeMap::from([("a/b".to_string(), file)]);
    let remote = Remote::pinned(net.clone(), repo, "c".repeat(40), files);
    let read = async {
        let mut stream = remote.stream("a/b", 10..size as u64)?;
        let first = stream.next(100_000).await?.into_vec();
        let n_left = stream.n_left() as usize;
        Ok::<_, HubError>([first, stream.next(n_left).await?.into_vec()].concat())
    };
    assert_eq!(block_on(read).unwrap(), data()[10..]);
    assert_eq!(net.counts().n_stalls, 1);
    let ranges: Vec<_> = storage.requests().iter().map(|it| range(it)).collect();
    assert_eq!(ranges, [10..size, 50_010..size, 100_010..size]);
    assert!(hub.requests().iter().all(|it| it.contains("hf_x")));
    assert!(!storage.requests().iter().any(|it| it.contains("hf_x")));
}
