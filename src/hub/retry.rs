//! How often and how long to wait before a request is made again.

use super::{HubConfig, HubError, Net, WaitReason, Waiting};
use std::{future::poll_fn, rc::Rc};

/// What went wrong in a way that may pass.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// No connection, or it broke.
    Network { detail: String },
    /// Not a byte for too long.
    Stalled,
    /// The server asks to wait, perhaps for so long.
    Asked { millis: Option<f64> },
    /// The server has a fault of its own.
    Busy { status: u16 },
}

/// Why a request did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may succeed later.
    Again(Trouble),
    /// It won't.
    Fatal(HubError),
}

impl From<HubError> for Failure {
    fn from(it: HubError) -> Self {
        Self::Fatal(it)
    }
}

impl From<Trouble> for Failure {
    fn from(it: Trouble) -> Self {
        Self::Again(it)
    }
}

/// Failures in a row of one file or one question.
pub(super) struct Retry {
    net: Rc<Net>,
    what: String,
    attempts: u32,
    n_failed: u32,
}

impl Retry {
    pub fn new(net: Rc<Net>, what: &str, attempts: u32) -> Self {
        Self {
            net,
            what: what.into(),
            attempts,
            n_failed: 0,
        }
    }

    /// Something came: what failed before no longer counts.
    pub fn progress(&mut self) {
        self.n_failed = 0;
    }

    /// How often in a row it failed.
    pub fn n_failed(&self) -> u32 {
        self.n_failed
    }

    /// Waits before the next try, or says that there is none.
    ///
    /// Errors: [`HubError::GaveUp`], [`HubError::RateLimited`].
    pub async fn again(&mut self, failure: Failure) -> Result<(), HubError> {
        let trouble = match failure {
            Failure::Again(it) => it,
            Failure::Fatal(it) => return Err(it),
        };
        self.n_failed += 1;
        self.net.count(|it| {
            it.n_retries += 1;
            it.n_stalls += u64::from(trouble == Trouble::Stalled);
            it.n_asked += u64::from(matches!(trouble, Trouble::Asked { .. }));
        });
        let network = matches!(trouble, Trouble::Network { .. } | Trouble::Stalled);
        if network && self.wait_online().await {
            self.n_failed = 0;
            return Ok(());
        }
        if self.n_failed >= self.attempts {
            return Err(self.gave_up(trouble));
        }
        let wait_millis = self.wait_millis(&trouble)?;
        let _note = self.net.note(Waiting {
            what: self.what.clone(),
            reason: reason(&trouble),
            until_millis: Some(self.net.clock.now_millis() + wait_millis),
        });
        self.net.clock.sleep(wait_millis).await;
        Ok(())
    }

    /// The failure, where nothing is tried again.
    pub fn end(mut self, failure: Failure) -> HubError {
        match failure {
            Failure::Fatal(it) => it,
            Failure::Again(trouble) => {
                self.n_failed += 1;
                self.gave_up(trouble)
            }
        }
    }

    /// Waits for the network where there is none; says whether it had to.
    async fn wait_online(&self) -> bool {
        let mut online = self.net.http.online();
        let mut note = None;
        let waiting = || Waiting {
            what: self.what.clone(),
            reason: WaitReason::Offline,
            until_millis: None,
        };
        poll_fn(|context| {
            let polled = online.as_mut().poll(context);
            if polled.is_pending() && note.is_none() {
                note = Some(self.net.note(waiting()));
            }
            polled.map(|()| note.is_some())
        })
        .await
    }

    fn wait_millis(&self, trouble: &Trouble) -> Result<f64, HubError> {
        let config = &self.net.config;
        match trouble {
            Trouble::Asked {
                millis: Some(asked),
            } if *asked > config.most_asked_wait_millis => Err(self.rate_limited(Some(*asked))),
            // A little later than asked, and not all at the same moment.
            Trouble::Asked { millis: Some(it) } => Ok(it + 1000.0 * self.net.chance()),
            _ => Ok(back_off_millis(config, self.n_failed, self.net.chance())),
        }
    }

    fn gave_up(&self, trouble: Trouble) -> HubError {
        let detail = match trouble {
            Trouble::Network { detail } => self.net.cleaned(&detail),
            Trouble::Stalled => "nothing came for too long".into(),
            Trouble::Busy { status } => format!("the server answered {status}"),
            Trouble::Asked { millis } => return self.rate_limited(millis),
        };
        HubError::GaveUp {
            file: self.what.clone(),
            attempts: self.n_failed,
            detail,
        }
    }

    fn rate_limited(&self, millis: Option<f64>) -> HubError {
        HubError::RateLimited {
            file: self.what.clone(),
            // The cast saturates.
            seconds: millis.map(|it| (it / 1e3).ceil() as u64),
        }
    }
}

/// From the first wait on twice as long each time, up to the longest, spread by a quarter to both sides by `chance`.
pub(super) fn back_off_millis(config: &HubConfig, n_failed: u32, chance: f64) -> f64 {
    let doubled = 2f64.powi(n_failed.clamp(1, 30) as i32 - 1);
    let spread = 0.75 + 0.5 * chance;
    (config.first_wait_millis * doubled * spread)
        .clamp(config.first_wait_millis, config.most_wait_millis)
}

fn reason(trouble: &Trouble) -> WaitReason {
    match trouble {
        Trouble::Network { .. } | Trouble::Stalled => WaitReason::Network,
        Trouble::Asked { .. } => WaitReason::Asked,
        Trouble::Busy { .. } => WaitReason::Busy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_between_their_bounds() {
        let config = HubConfig::default();
        let middle = |n| back_off_millis(&config, n, 0.5);
        assert_eq!([1, 2, 3, 4].map(middle), [5e3, 10e3, 20e3, 40e3]);
        for n in 0..100 {
            for chance in [0.0, 0.3, 1.0] {
                let got = back_off_millis(&config, n, chance);
                assert!((5e3..=60e3).contains(&got), "{n}: {got}");
            }
        }
        assert!(back_off_millis(&config, 2, 0.0) < back_off_millis(&config, 2, 1.0));
    }
}
