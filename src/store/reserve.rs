//! How much room there is, found by trying: what browsers say is free is not what can be had.

/// How finely room is measured.
const STEP_BYTES: u64 = 1 << 20;

/// The most that fits, up to a step less, when `too_many_bytes` do not.
///
/// Errors: those of trying.
pub(super) fn most_that_fits<E>(
    too_many_bytes: u64,
    mut fits: impl FnMut(u64) -> Result<bool, E>,
) -> Result<u64, E> {
    let (mut least, mut most) = (0, too_many_bytes);
    while most - least > STEP_BYTES {
        let middle = least + (most - least) / 2;
        match fits(middle)? {
            true => least = middle,
            false => most = middle,
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_found_to_a_step() {
        for (room, asked) in [
            (0, 1),
            (0, 5 << 30),
            (3 << 30, 13 << 30),
            ((13 << 30) - 1, 13 << 30),
        ] {
            let mut tries = 0;
            let found = most_that_fits(asked, |it| {
                tries += 1;
                Ok::<bool, ()>(it <= room)
            });
            let found = found.unwrap();
            assert!(
                found <= room && room - found <= STEP_BYTES,
                "{found} of {room}"
            );
            assert!(tries < 20, "{tries} tries");
        }
        assert_eq!(most_that_fits(4 << 20, |_| Err("broken")), Err("broken"));
    }
}
