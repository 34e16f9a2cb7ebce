//! The faults by name, and where each can strike: as text for a command line, as data for a test.
//!
//! Which request is struck is left to `rule`, what happens then to `answer`, `data` and `flow`.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range, str::FromStr};

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// `cut:N`: the connection breaks after N bytes of the body.
    Cut {
        /// N.
        after_bytes: u64,
    },
    /// `stall:N`: after N bytes of the body nothing comes any more, and the connection stays.
    Stall {
        /// N.
        after_bytes: u64,
    },
    /// `slow:N`: the body comes at N bytes per second.
    Slow {
        /// N, at least 1.
        bytes_per_second: u64,
    },
    /// `status:CODE[:SECONDS]`: another status; the seconds stand in `Retry-After` and `RateLimit`.
    Status {
        /// From 400 on.
        code: u16,
        /// When to come again.
        retry_after_seconds: Option<u64>,
    },
    /// `expired`: the signed address is no longer valid, now and later; a fresh one is.
    Expired,
    /// `forbidden`: the signed origin refuses for a reason that a fresh address does not cure.
    Forbidden,
    /// `wrong-length[:N]`: the file is said to be N bytes (1,000 unless told) longer than listed.
    WrongLength {
        /// N.
        by_bytes: u64,
    },
    /// `short:N`: the body ends N bytes before what it promised, as if that were all.
    Short {
        /// N.
        by_bytes: u64,
    },
    /// `long:N`: N more bytes than the range that was asked for.
    Long {
        /// N.
        by_bytes: u64,
    },
    /// `shifted:N`: a range that begins N bytes after the one that was asked for.
    Shifted {
        /// N.
        by_bytes: u64,
    },
    /// `no-range`: the range is ignored, the whole file comes with 200.
    NoRange,
    /// `flip:N`: the byte at offset N of the file is another one; nothing else tells.
    Flip {
        /// N.
        offset_bytes: u64,
    },
    /// `changed`: from this request on the file has other content of the same size, under every revision.
    Changed,
    /// `html`: 200 and a page to log in at, as captive portals do.
    Html,
    /// `redirect-loop`: a redirect to a redirect, for ever.
    RedirectLoop,
    /// `garbage-json`: 200 and half an answer of the API.
    GarbageJson,
    /// `another`: what is said of another feature.
    Another,
    /// `padded:N`: what is said of a feature, and N blanks.
    Padded {
        /// N.
        by_bytes: u64,
    },
}

/// How each is written; unknown names are answered with this.
const FORMS: &[&str] = &[
    "cut:BYTES",
    "stall:BYTES",
    "slow:BYTES_PER_SECOND",
    "status:CODE[:RETRY_AFTER_SECONDS]",
    "expired",
    "forbidden",
    "wrong-length[:BYTES]",
    "short:BYTES",
    "long:BYTES",
    "shifted:BYTES",
    "no-range",
    "flip:OFFSET",
    "changed",
    "html",
    "redirect-loop",
    "garbage-json",
    "another",
    "padded:BYTES",
];

/// What kind of request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `/api/…` at the Hub.
    Api,
    /// `/resolve/…` at the Hub.
    Resolve,
    /// An address at the signed origin.
    Signed,
    /// `/api/feature/…` at the Hub.
    Feature,
}

/// The body that a request without faults would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Bytes of the file.
    pub span: Range<u64>,
    /// Whether a range was asked for.
    pub ranged: bool,
    /// Whether it is a file's, not the API's.
    pub file: bool,
}

impl Fault {
    /// Whether it takes the place of the whole answer there.
    pub fn replaces(&self, place: Place) -> bool {
        match self {
            Self::Status { .. } | Self::Html => true,
            Self::Expired | Self::Forbidden => place == Place::Signed,
            Self::RedirectLoop => matches!(place, Place::Resolve | Place::Feature),
            Self::GarbageJson => matches!(place, Place::Api | Place::Feature),
            Self::Another | Self::Padded { .. } => place == Place::Feature,
            _ => false,
        }
    }

    /// Whether it makes a difference to that body; one that would not is kept for another request.
    pub fn bends(&self, due: &Due) -> bool {
        let n_bytes = due.span.end - due.span.start;
        match self {
            Self::Cut { after_bytes } | Self::Stall { after_bytes } => *after_bytes < n_bytes,
            Self::Slow { .. } => n_bytes > 0,
            Self::Flip { offset_bytes } => due.file && due.span.contains(offset_bytes),
            Self::Short { .. } => due.file && n_bytes > 0,
            Self::WrongLength { .. } => due.file,
            Self::Long { .. } | Self::Shifted { .. } | Self::NoRange => due.file && due.ranged,
            _ => false,
        }
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let numbers: Vec<&str> = parts.collect();
        let form = FORMS
            .iter()
            .find(|it| it.split([':', '[']).next() == Some(name))
            .with_context(|| format!("`{name}` is no fault; there are {}", FORMS.join(", ")))?;
        let numbers: Vec<u64> = numbers
            .iter()
            .map(|it| it.parse())
            .collect::<Result<_, _>>()
            .with_context(|| format!("`{text}`: numbers are digits alone, as in {form}"))?;
        build(name, &numbers).with_context(|| format!("`{text}` is not of the form {form}"))
    }
}

fn build(name: &str, numbers: &[u64]) -> Result<Fault> {
    Ok(match (name, numbers) {
        ("slow", [0]) => bail!("nothing comes at 0 bytes per second; that is stall:0"),
        ("wrong-length" | "short" | "long" | "shifted" | "padded", [0]) => {
            bail!("0 would change nothing")
        }
        ("cut", &[after_bytes]) => Fault::Cut { after_bytes },
        ("stall", &[after_bytes]) => Fault::Stall { after_bytes },
        ("slow", &[bytes_per_second]) => Fault::Slow { bytes_per_second },
        ("status", &[code @ 400..=599]) => status(code, None),
        ("status", &[code @ 400..=599, seconds]) => status(code, Some(seconds)),
        ("status", [..]) => bail!("a status of 400 to 599, then perhaps seconds"),
        ("expired", []) => Fault::Expired,
        ("forbidden", []) => Fault::Forbidden,
        ("wrong-length", []) => Fault::WrongLength { by_bytes: 1000 },
        ("wrong-length", &[by_bytes]) => Fault::WrongLength { by_bytes },
        ("short", &[by_bytes]) => Fault::Short { by_bytes },
        ("long", &[by_bytes]) => Fault::Long { by_bytes },
        ("shifted", &[by_bytes]) => Fault::Shifted { by_bytes },
        ("no-range", []) => Fault::NoRange,
        ("flip", &[offset_bytes]) => Fault::Flip { offset_bytes },
        ("changed", []) => Fault::Changed,
        ("html", []) => Fault::Html,
        ("redirect-loop", []) => Fault::RedirectLoop,
        ("garbage-json", []) => Fault::GarbageJson,
        ("another", []) => Fault::Another,
        ("padded", &[by_bytes]) => Fault::Padded { by_bytes },
        _ => bail!("too many numbers or too few"),
    })
}

fn status(code: u64, retry_after_seconds: Option<u64>) -> Fault {
    Fault::Status {
        code: code as u16,
        retry_after_seconds,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { after_bytes } => write!(f, "cut:{after_bytes}"),
            Self::Stall { after_bytes } => write!(f, "stall:{after_bytes}"),
            Self::Slow { bytes_per_second } => write!(f, "slow:{bytes_per_second}"),
            Self::Status {
                code,
                retry_after_seconds,
            } => {
                write!(f, "status:{code}")?;
                retry_after_seconds.map_or(Ok(()), |it| write!(f, ":{it}"))
            }
            Self::Expired => f.write_str("expired"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::WrongLength { by_bytes } => write!(f, "wrong-length:{by_bytes}"),
            Self::Short { by_bytes } => write!(f, "short:{by_bytes}"),
            Self::Long { by_bytes } => write!(f, "long:{by_bytes}"),
            Self::Shifted { by_bytes } => write!(f, "shifted:{by_bytes}"),
            Self::NoRange => f.write_str("no-range"),
            Self::Flip { offset_bytes } => write!(f, "flip:{offset_bytes}"),
            Self::Changed => f.write_str("changed"),
            Self::Html => f.write_str("html"),
            Self::RedirectLoop => f.write_str("redirect-loop"),
            Self::GarbageJson => f.write_str("garbage-json"),
            Self::Another => f.write_str("another"),
            Self::Padded { by_bytes } => write!(f, "padded:{by_bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_as_it_is_written() {
        let texts = [
            "cut:0",
            "stall:7",
            "slow:1",
            "status:429",
            "status:429:30",
            "status:500",
            "status:503",
            "expired",
            "forbidden",
            "wrong-length:5",
            "short:1",
            "long:2",
            "shifted:3",
            "no-range",
            "flip:0",
            "changed",
            "html",
            "redirect-loop",
            "garbage-json",
            "another",
            "padded:9",
        ];
        for text in texts {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(
                serde_json::from_str::<Fault>(&json).unwrap(),
                fault,
                "{json}"
            );
        }
        let plain: Fault = "wrong-length".parse().unwrap();
        assert_eq!(plain, Fault::WrongLength { by_bytes: 1000 });
    }

    #[test]
    fn every_form_that_is_offered_is_known() {
        for form in FORMS {
            let name = form.split([':', '[']).next().unwrap();
            let known = ["", ":5", ":500"]
                .iter()
                .any(|it| format!("{name}{it}").parse::<Fault>().is_ok());
            assert!(known, "{form}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_form() {
        let cases = [
            ("cuts:5", "`cuts` is no fault; there are cut:BYTES, "),
            ("", "`` is no fault"),
            ("cut", "`cut` is not of the form cut:BYTES"),
            ("cut:5:6", "`cut:5:6` is not of the form cut:BYTES"),
            (
                "cut:5k",
                "`cut:5k`: numbers are digits alone, as in cut:BYTES",
            ),
            ("cut:-1", "`cut:-1`: numbers are digits alone"),
            ("slow:0", "that is stall:0"),
            ("status:200", "a status of 400 to 599"),
            ("status:65936", "a status of 400 to 599"),
            ("expired:1", "`expired:1` is not of the form expired"),
            ("short:0", "0 would change nothing"),
        ];
        for (text, said) in cases {
            let err = text.parse::<Fault>().expect_err(text);
            assert!(format!("{err:#}").contains(said), "{text}: {err:#}");
        }
    }
}
