//! A Hub: on two sockets, or in process without any.
//!
//! How it answers is left to `answer`; both ways use the same routers.

use super::{
    answer::respond,
    clock::{Clock, SystemClock},
    config::Config,
    control,
    log::{Door, Entry},
    rule::{Rule, Rules},
    shared::Shared,
};
use anyhow::{Context, Result, bail};
use axum::{Router, extract::Request, response::Response, serve::ListenerExt};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// The origins of a Hub without sockets.
const IN_PROCESS: [&str; 2] = ["http://hub.test", "http://signed.test"];
/// How long open connections may take to end.
const ENDING: Duration = Duration::from_secs(1);
/// See [`Shared::linger_millis`].
const LINGER_MILLIS: f64 = 20.0;
/// What `/_stop` leaves for its own answer.
const FAREWELL: Duration = Duration::from_millis(100);

/// A Hub; dropped, it ends, and its connections break.
pub struct Hub {
    shared: Arc<Shared>,
    routers: [Router; 2],
    runtime: Option<Runtime>,
}

impl Hub {
    /// Without sockets: requests go in by [`call`](Self::call), every wait goes through the clock.
    ///
    /// Errors: a repository that can't be served.
    pub fn in_process(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self::new(Shared::new(
            config,
            IN_PROCESS.map(Into::into),
            clock,
        )?))
    }

    /// On two sockets of this machine, with its own threads and the machine's clock.
    ///
    /// Errors: a repository that can't be served, a port that is taken.
    pub fn serve(config: Config) -> Result<Self> {
        let [hub, signed] = [listen(config.port)?, listen(config.signed_port)?];
        let address = |it: &TcpListener| it.local_addr().map(|it| format!("http://{it}"));
        let origins = [address(&hub)?, address(&signed)?];
        let mut shared = Shared::new(config, origins, Arc::new(SystemClock::default()))?;
        shared.linger_millis = LINGER_MILLIS;
        let mut out = Self::new(shared);
        let runtime = Runtime::new()?;
        for (listener, router) in [hub, signed].into_iter().zip(out.routers.clone()) {
            runtime.spawn(serve(listener, router, Arc::clone(&out.shared)));
        }
        out.runtime = Some(runtime);
        Ok(out)
    }

    fn new(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let hub = control::router(Arc::clone(&shared));
        let routers = [
            hub.fallback_service(router(&shared, Door::Hub)),
            router(&shared, Door::Signed),
        ];
        Self {
            shared,
            routers,
            runtime: None,
        }
    }

    /// The first origin, without a slash at the end.
    pub fn hub_origin(&self) -> &str {
        &self.shared.hub_origin
    }

    /// Where redirects lead.
    pub fn signed_origin(&self) -> &str {
        &self.shared.signed_origin
    }

    /// Answers a request, whose address is absolute. The body is a stream: it is read as it is taken, and a break in it is an error of the stream.
    ///
    /// Errors: what a client without a connection has: another host, a Hub that was stopped or is away.
    pub async fn call(&self, request: Request) -> Result<Response> {
        let address = request.uri().to_string();
        let at = [self.hub_origin(), self.signed_origin()]
            .iter()
            .position(|it| {
                address
                    .strip_prefix(it)
                    .is_some_and(|it| it.starts_with('/'))
            })
            .with_context(|| format!("no host answers at {address}"))?;
        if self.shared.is_away() || *self.shared.stopped.borrow() {
            bail!("no connection to {address}");
        }
        Ok(self.routers[at].clone().oneshot(request).await?)
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.log.entries()
    }

    /// Begins a new log; the numbers go on.
    pub fn clear_log(&self) {
        self.shared.log.clear();
    }

    /// Takes the place of all rules in force; counting begins anew.
    pub fn set_faults(&self, rules: Vec<Rule>) {
        *self.shared.rules() = Rules::new(rules);
    }

    /// From the next chunk on; none is as fast as it goes.
    pub fn set_throttle(&self, bytes_per_second: Option<u64>) {
        self.shared.pace.set(bytes_per_second);
    }

    /// The network goes, or comes back: until then bodies break at their next chunk, and in process no request is answered.
    ///
    /// Over sockets a Hub goes by being dropped and comes back by [`serve`](Self::serve) with the same ports.
    pub fn set_away(&self, away: bool) {
        self.shared.set_away(away);
    }

    /// A new commit in which a file has other content of the same size; its id. Older commits stay as they are.
    ///
    /// Errors: no such repository or file.
    pub fn touch(&self, repo: &str, path: &str) -> Result<String> {
        self.shared.change(repo, |it| {
            it.touch(path)?;
            Ok(it.newest().id.clone())
        })
    }

    /// As [`touch`](Self::touch), but older commits answer with the new content too.
    ///
    /// Errors: as there.
    pub fn rewrite(&self, repo: &str, path: &str) -> Result<String> {
        self.shared.change(repo, |it| {
            it.rewrite(path)?;
            Ok(it.newest().id.clone())
        })
    }

    /// The id of `main`.
    ///
    /// Errors: no such repository.
    pub fn commit(&self, repo: &str) -> Result<String> {
        self.shared.change(repo, |it| Ok(it.newest().id.clone()))
    }

    /// Over sockets: waits until the program is interrupted or `/_stop` is asked for.
    ///
    /// Errors: signals that can't be waited for.
    pub fn wait(&self) -> Result<()> {
        let Some(runtime) = &self.runtime else {
            return Ok(());
        };
        runtime.block_on(async {
            tokio::select! {
                () = stopped(&self.shared) => {
                    tokio::time::sleep(FAREWELL).await;
                    Ok(())
                }
                signal = tokio::signal::ctrl_c() => Ok(signal?),
            }
        })
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A thread of its own: where a Hub is dropped within another runtime, waiting is forbidden.
            let ending = std::thread::spawn(move || runtime.shutdown_timeout(ENDING));
            ending.join().ok();
        }
    }
}

fn router(shared: &Arc<Shared>, door: Door) -> Router {
    let shared = Arc::clone(shared);
    Router::new().fallback(move |request: Request| {
        let shared = Arc::clone(&shared);
        async move { respond(&shared, door, request) }
    })
}

fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("listening on port {port}; 0 takes a free one"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(listener: TcpListener, router: Router, shared: Arc<Shared>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    // Small answers go out at once.
    let listener = listener.tap_io(|it| drop(it.set_nodelay(true)));
    let ended = async move { stopped(&shared).await };
    Ok(axum::serve(listener, router)
        .with_graceful_shutdown(ended)
        .await?)
}

async fn stopped(shared: &Shared) {
    let mut stopped = shared.stopped.subscribe();
    // The sender lives in the same place, so it is not gone before this.
    stopped.wait_for(|it| *it).await.ok();
}
