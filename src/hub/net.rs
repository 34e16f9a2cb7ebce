//! The network as this program may use it: a back end, a clock, the hosts that may be asked, and the visitor's tokens.

use super::{
    Http, HubConfig, HubError, Token, Waiting,
    wait::{Note, Notes},
};
use crate::{
    spec::{Endpoint, HostTable},
    sys::{Clock, system_clock},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

/// Everything that requests share. Tokens live here, in memory, and go with it.
pub struct Net {
    pub(super) http: Rc<dyn Http>,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) config: HubConfig,
    hosts: RefCell<HostTable>,
    reach: Reach,
    tokens: RefCell<BTreeMap<Endpoint, Token>>,
    notes: Notes,
    counts: Cell<NetCounts>,
    random: Cell<u64>,
}

/// How far requests may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the servers of the host table and where it lets them send on to: the page's own policy allows no others.
    Table,
    /// To any server; redirects only to encrypted origins, or from an unencrypted server to itself.
    Anywhere,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetCounts {
    /// Requests made, each hop of a redirect that we follow ourselves included.
    pub n_requests: u64,
    /// Bytes of files that came.
    pub n_bytes: u64,
    /// Times that a request was made again after a failure.
    pub n_retries: u64,
    /// Requests that went silent.
    pub n_stalls: u64,
    /// Times that a server asked to wait.
    pub n_asked: u64,
    /// Answers that held more than they promised; what was too much was dropped.
    pub n_lies: u64,
}

impl Net {
    /// A network over a back end: the browser reaches the host table alone, other programs everything.
    pub fn new(
        http: Rc<dyn Http>,
        clock: Rc<dyn Clock>,
        config: HubConfig,
        hosts: HostTable,
    ) -> Rc<Self> {
        let reach = match cfg!(target_arch = "wasm32") {
            true => Reach::Table,
            false => Reach::Anywhere,
        };
        Self::with_reach(http, clock, config, hosts, reach)
    }

    /// The network of this machine: reqwest natively, `fetch` on the web, and the clock of the wall.
    ///
    /// Errors: [`HubError::NoNetwork`] where the system gives no thread.
    pub fn system(mut config: HubConfig, hosts: HostTable) -> Result<Rc<Self>, HubError> {
        config.seed ^= seed();
        Ok(Self::new(system_http()?, system_clock(), config, hosts))
    }

    /// The same with another reach.
    pub fn with_reach(
        http: Rc<dyn Http>,
        clock: Rc<dyn Clock>,
        config: HubConfig,
        hosts: HostTable,
        reach: Reach,
    ) -> Rc<Self> {
        Rc::new(Self {
            http,
            clock,
            hosts: RefCell::new(hosts),
            reach,
            tokens: RefCell::default(),
            notes: Notes::default(),
            counts: Cell::default(),
            random: Cell::new(config.seed),
            config,
        })
    }

    /// All sizes and times.
    pub fn config(&self) -> &HubConfig {
        &self.config
    }

    /// The clock that [`Waiting::until_millis`] goes by.
    pub fn clock(&self) -> &Rc<dyn Clock> {
        &self.clock
    }

    /// Takes another host table, as the site tells it.
    pub fn set_hosts(&self, hosts: HostTable) {
        *self.hosts.borrow_mut() = hosts;
    }

    /// Keeps a token for a server in memory, or forgets it.
    ///
    /// Errors: [`HubError::Token`] for what can't be one; [`HubError::OffTable`] for a server that is not asked anyway.
    pub fn set_token(&self, endpoint: &Endpoint, secret: Option<&str>) -> Result<(), HubError> {
        self.check_endpoint(endpoint)?;
        let mut tokens = self.tokens.borrow_mut();
        match secret {
            Some(it) => {
                let token = Token::new(endpoint.clone(), it)?;
                tokens.insert(endpoint.clone(), token);
            }
            None => drop(tokens.remove(endpoint)),
        }
        Ok(())
    }

    /// Whether there is a token for a server.
    pub fn has_token(&self, endpoint: &Endpoint) -> bool {
        self.tokens.borrow().contains_key(endpoint)
    }

    /// Who waits for what at this moment, the oldest first.
    pub fn waits(&self) -> Vec<Waiting> {
        self.notes.all()
    }

    /// What has happened so far.
    pub fn counts(&self) -> NetCounts {
        self.counts.get()
    }

    /// Errors: [`HubError::OffTable`] for a server that may not be asked.
    pub(super) fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), HubError> {
        match self.reach == Reach::Anywhere || self.hosts.borrow().has_endpoint(endpoint) {
            true => Ok(()),
            false => Err(off_table(endpoint.to_string())),
        }
    }

    /// Whom the host table names for questions about single features.
    pub(super) fn of_features(&self) -> Option<Endpoint> {
        self.hosts.borrow().of_features().cloned()
    }

    /// Whether `endpoint` may send a request on to `address`, or have it there.
    ///
    /// Errors: [`HubError::OffTable`], which names the origin alone, since the rest may be signed.
    pub(super) fn check_hop(&self, endpoint: &Endpoint, address: &str) -> Result<(), HubError> {
        let origin =
            Endpoint::of(address).ok_or_else(|| off_table("an unreadable address".into()))?;
        let fine = match self.reach {
            Reach::Table => self.hosts.borrow().may_send_on(endpoint, &origin),
            Reach::Anywhere => {
                let local = origin.is_loopback() && endpoint.is_loopback();
                let same = origin.host() == endpoint.host() || local;
                origin.is_secure() || (!endpoint.is_secure() && same)
            }
        };
        fine.then_some(())
            .ok_or_else(|| off_table(origin.to_string()))
    }

    /// The token of a server.
    pub(super) fn token(&self, endpoint: &Endpoint) -> Option<Token> {
        self.tokens.borrow().get(endpoint).cloned()
    }

    /// A text of a server, without any token, in one short line.
    pub(super) fn cleaned(&self, text: &str) -> String {
        let tokens = self.tokens.borrow();
        let struck = tokens
            .values()
            .fold(text.to_string(), |text, it| it.strike_out(&text));
        super::text::one_line(&struck)
    }

    pub(super) fn note(&self, waiting: Waiting) -> Note {
        self.notes.add(waiting)
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut NetCounts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }

    /// A number from 0 to 1, by a counter and a hash. Source: splitmix64.
    pub(super) fn chance(&self) -> f64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mut it = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((it ^ (it >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn system_http() -> Result<Rc<dyn Http>, HubError> {
    let made = super::NativeHttp::new();
    let made = made.map_err(|it| HubError::NoNetwork {
        detail: it.to_string(),
    })?;
    Ok(Rc::new(made))
}

#[cfg(target_arch = "wasm32")]
fn system_http() -> Result<Rc<dyn Http>, HubError> {
    Ok(Rc::new(super::WebHttp))
}

/// Another number for each program, so that those who failed together don't come back together.
fn seed() -> u64 {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(0)
    }
    #[cfg(target_arch = "wasm32")]
    js_sys::Math::random().to_bits()
}

fn off_table(address: String) -> HubError {
    HubError::OffTable { address }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::double::{Double, HUB, STORAGE};

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn in_the_browser_only_the_table_is_reached() {
        let net = Double::new(&[], true).net();
        let hub = endpoint(HUB);
        assert!(net.check_hop(&hub, &format!("{STORAGE}/x?y")).is_ok());
        for address in [
            "https://evil.example/x?X-Sig=1",
            "http://cdn.storage.example/x",
            "http://127.0.0.1:1/x",
            "nonsense",
        ] {
            let error = net.check_hop(&hub, address).unwrap_err();
            assert!(matches!(error, HubError::OffTable { .. }), "{address}");
            assert!(!error.to_string().contains("X-Sig"), "{error}");
        }
        assert!(
            net.check_endpoint(&endpoint("https://huggingface.co"))
                .is_err()
        );
    }

    #[test]
    fn elsewhere_redirects_stay_encrypted_or_at_home() {
        let double = Double::new(&[], true);
        let clock = Rc::new(double.clock.clone());
        let (config, hosts) = (HubConfig::default(), HostTable::default());
        let net = Net::new(Rc::new(double), clock, config, hosts);
        for (from, to, fine) in [
            ("https://a.example", "https://b.example/x", true),
            ("https://a.example", "http://a.example/x", false),
            ("https://a.example", "http://127.0.0.1/x", false),
            ("http://a.example", "http://a.example:81/x", true),
            ("http://a.example", "http://b.example/x", false),
            ("http://127.0.0.1:1", "http://127.0.0.1:2/x", true),
            ("http://127.0.0.1:1", "http://localhost:2/x", true),
            ("http://a.example", "http://127.0.0.1/x", false),
        ] {
            let got = net.check_hop(&endpoint(from), to).is_ok();
            assert_eq!(got, fine, "{from} -> {to}");
        }
    }

    #[test]
    fn chances_are_spread_and_come_again() {
        let draw = || {
            let net = Double::new(&[], true).net();
            (0..1000).map(|_| net.chance()).collect::<Vec<_>>()
        };
        let chances = draw();
        assert!(chances.iter().all(|it| (0.0..1.0).contains(it)));
        let mean = chances.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert_eq!(chances, draw());
    }

    #[test]
    fn what_a_server_says_never_holds_a_token() {
        let net = Double::new(&[], true).net();
        net.set_token(&endpoint(HUB), Some("hf_abc")).unwrap();
        assert_eq!(
            net.cleaned("your token hf_abc\n is bad"),
            "your token [token] is bad"
        );
        assert!(net.has_token(&endpoint(HUB)));
        net.set_token(&endpoint(HUB), None).unwrap();
        assert!(!net.has_token(&endpoint(HUB)));
    }
}
