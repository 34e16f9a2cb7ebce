//! Amounts as one reads them: bytes, and how long something takes.

/// Bytes in words: `1.5 GB`.
pub(super) fn bytes(n: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        // What rounds to the next unit is told in it.
        if n >= unit - unit / 2_000 {
            let tenths = (n + unit / 20) / (unit / 10);
            return match tenths {
                0..1_000 => format!("{}.{} {name}", tenths / 10, tenths % 10),
                _ => format!("{} {name}", (n + unit / 2) / unit),
            };
        }
    }
    format!("{n} bytes")
}

/// How long it may still take: rounded, and never more exact than it can be known.
pub(super) fn eta(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil() as u64;
    match minutes {
        0 | 1 => "less than a minute left".into(),
        2..100 => format!("about {minutes} min left"),
        _ => format!("about {} h left", minutes.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_rounded() {
        assert_eq!(bytes(12), "12 bytes");
        assert_eq!(bytes(123_456_789), "123 MB");
        assert_eq!(bytes(999_960_000), "1.0 GB");
        assert_eq!(bytes(9_160_000_000), "9.2 GB");
        assert_eq!(eta(20.0), "less than a minute left");
        assert_eq!(eta(200.0), "about 4 min left");
        assert_eq!(eta(3.0 * 3600.0), "about 3 h left");
    }
}
