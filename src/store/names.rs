//! Names of files: which of them belong to what is kept, and which keys are safe as a part of one.

use super::StoreError;

const MAX_KEY_BYTES: usize = 100;
const DATA: &str = ".data";
const JOURNAL: &str = ".journal";
const RECORD: &str = ".record";
const SCRATCH: &str = ".scratch";

/// Whether a key may be part of a file's name on every system.
///
/// Errors: [`StoreError::Key`].
pub(super) fn check(key: &str) -> Result<(), StoreError> {
    let plain = |it: u8| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let fine =
        (1..=MAX_KEY_BYTES).contains(&key.len()) && !key.starts_with('.') && key.bytes().all(plain);
    fine.then_some(())
        .ok_or_else(|| StoreError::Key { key: key.into() })
}

/// The bytes themselves; also the name of the lock.
pub(super) fn data(key: &str) -> String {
    format!("{key}{DATA}")
}

/// Which pieces are there.
pub(super) fn journal(key: &str) -> String {
    format!("{key}{JOURNAL}")
}

/// That all of it is there.
pub(super) fn record(key: &str) -> String {
    format!("{key}{RECORD}")
}

/// Bytes that wait; also the name of their lock.
pub(super) fn scratch(name: &str) -> String {
    format!("{name}{SCRATCH}")
}

/// The key that a file belongs to.
pub(super) fn key_of(file: &str) -> Option<&str> {
    let key = [DATA, JOURNAL, RECORD]
        .iter()
        .find_map(|it| file.strip_suffix(it))?;
    check(key).ok().map(|()| key)
}

/// Whether a file holds bytes that wait.
pub(super) fn is_scratch(file: &str) -> bool {
    file.strip_suffix(SCRATCH)
        .is_some_and(|it| check(it).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_keys_pass() {
        let long = "k".repeat(101);
        for good in [
            "a",
            "gemma-2-2b.layer_07.f16",
            "a..b",
            "a.data",
            &long[..100],
        ] {
            assert!(check(good).is_ok(), "{good}");
            assert_eq!(key_of(&data(good)), Some(good));
            assert_eq!(key_of(&journal(good)), Some(good));
            assert_eq!(key_of(&record(good)), Some(good));
            assert!(is_scratch(&scratch(good)));
        }
        for bad in [
            "", ".", "..", ".a", "../x", "a/b", "a\\b", "A", "ä", "a b", "a\0", "a:b", &long,
        ] {
            assert!(matches!(check(bad), Err(StoreError::Key { .. })), "{bad:?}");
            assert_eq!(key_of(&data(bad)), None, "{bad:?}");
            assert!(!is_scratch(&scratch(bad)), "{bad:?}");
        }
        assert_eq!(key_of("VERSION"), None);
    }
}
