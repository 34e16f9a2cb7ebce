//! Signed addresses: made for a path, valid for a time, and not after they were revoked.
//!
//! What stands behind them is left to `signed`.

use super::content::sha256_of;
use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Not a secret of anybody: it makes signatures that a test can't guess by accident.
const SECRET: &str = "the test Hub's own";

/// Why an address is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its time is over, or it was revoked.
    Expired,
    /// No signature, or that of another address.
    Unsigned,
}

/// The addresses that were given out.
#[derive(Default)]
pub struct Addresses {
    given: AtomicU64,
    revoked: Mutex<BTreeSet<u64>>,
}

impl Addresses {
    /// The query of a new address for a path (decoded). No two are the same, so revoking one leaves the others.
    pub fn sign(&self, path: &str, expires_seconds: u64) -> String {
        let key = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        let signature = signature(path, expires_seconds, key);
        format!("Expires={expires_seconds}&Key-Id={key}&Signature={signature}")
    }

    /// The number of the address.
    ///
    /// Errors: why it is not valid.
    pub fn check(&self, path: &str, query: &str, now_seconds: u64) -> Result<u64, Refused> {
        let number = |name| parameter(query, name).and_then(|it| it.parse::<u64>().ok());
        let (Some(expires_seconds), Some(key)) = (number("Expires"), number("Key-Id")) else {
            return Err(Refused::Unsigned);
        };
        if parameter(query, "Signature") != Some(&signature(path, expires_seconds, key)) {
            return Err(Refused::Unsigned);
        }
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if now_seconds >= expires_seconds || revoked.contains(&key) {
            return Err(Refused::Expired);
        }
        Ok(key)
    }

    /// Makes the address invalid before its time.
    pub fn revoke(&self, key: u64) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.insert(key);
    }
}

/// A parameter of a query, as it stands.
pub fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|it| {
        let (key, value) = it.split_once('=')?;
        (key == name).then_some(value)
    })
}

fn signature(path: &str, expires_seconds: u64, key: u64) -> String {
    sha256_of(&format!("{SECRET}\0{path}\0{expires_seconds}\0{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_valid_for_its_path_and_its_time() {
        let addresses = Addresses::default();
        let query = addresses.sign("/a", 100);
        assert_eq!(addresses.check("/a", &query, 99), Ok(1));
        assert_eq!(addresses.check("/a", &query, 100), Err(Refused::Expired));
        assert_eq!(addresses.check("/b", &query, 0), Err(Refused::Unsigned));
        assert_eq!(addresses.check("/a", "", 0), Err(Refused::Unsigned));
        let longer = query.replace("Expires=100", "Expires=999");
        assert_eq!(addresses.check("/a", &longer, 0), Err(Refused::Unsigned));
    }

    #[test]
    fn a_revoked_address_leaves_a_fresh_one_of_the_same_second() {
        let addresses = Addresses::default();
        let (old, new) = (addresses.sign("/a", 9), addresses.sign("/a", 9));
        addresses.revoke(addresses.check("/a", &old, 0).unwrap());
        assert_eq!(addresses.check("/a", &old, 0), Err(Refused::Expired));
        assert_eq!(addresses.check("/a", &new, 0), Ok(2));
    }
}
