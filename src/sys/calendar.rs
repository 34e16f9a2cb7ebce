//! The day by this machine's clock, which may be wrong: for what is told of when something was had, never for measuring.

const DAY_SECONDS: f64 = 86_400.0;

/// Today in UTC: `2026-08-20`.
pub fn today() -> String {
    date((since_epoch_seconds() / DAY_SECONDS).floor() as i64)
}

#[cfg(not(target_arch = "wasm32"))]
fn since_epoch_seconds() -> f64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

#[cfg(target_arch = "wasm32")]
fn since_epoch_seconds() -> f64 {
    js_sys::Date::now() / 1e3
}

/// A day counted from 1970-01-01, in the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`.
fn date(day: i64) -> String {
    const DAYS_OF_ERA: i64 = 146_097;
    // Years begin in March, so that the day that comes and goes is their last.
    let day = day + 719_468;
    let era = day.div_euclid(DAYS_OF_ERA);
    let day_of_era = day.rem_euclid(DAYS_OF_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + 400 * era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (19_782, "2024-02-29"),
            (20_685, "2026-08-20"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day), expected);
        }
    }

    #[test]
    fn today_is_a_date() {
        let today = today();
        let parts: Vec<usize> = today.split('-').map(str::len).collect();
        assert_eq!(parts, [4, 2, 2], "{today}");
    }
}
