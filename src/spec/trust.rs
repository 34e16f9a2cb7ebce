//! How far kept bytes are known to be the published ones.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a piece of a file has been compared with, from the least to the most.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Its length, its place and the pinned commit; our own hash finds damage from then on.
    Received,
    /// Its hash stands in a manifest.
    Manifest,
    /// The hash of the whole file equals the publisher's.
    File,
}

impl Trust {
    /// Every level, in order.
    pub const ALL: [Self; 3] = [Self::Received, Self::Manifest, Self::File];
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Manifest => "manifest",
            Self::File => "file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Trust;

    #[test]
    fn levels_are_ordered_and_written_as_they_are_shown() {
        assert!(Trust::ALL.is_sorted());
        for it in Trust::ALL {
            let json = serde_json::to_string(&it).unwrap();
            assert_eq!(json, format!("\"{it}\""));
            assert_eq!(serde_json::from_str::<Trust>(&json).unwrap(), it);
        }
        assert!(serde_json::from_str::<Trust>("\"sure\"").is_err());
    }
}
