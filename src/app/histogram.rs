//! Bars of a histogram, and where a value lies in it. Leaves drawing them to the card.

/// Heights from 0 to 1, over a range.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// Logarithmic, the tallest 1.
    pub heights: Vec<f32>,
    /// Where the first bar begins.
    pub low: f32,
    /// Where the last one ends.
    pub high: f32,
    /// Where the value lies, from 0 to 1.
    pub marker: Option<f32>,
}

/// Bars of counts.
pub fn of_counts(counts: &[u32], low: f32, high: f32, value: Option<f32>) -> Bars {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |it: &u32| (1.0 + *it as f32).ln() / (1.0 + most as f32).ln();
    let width = (high - low).max(f32::MIN_POSITIVE);
    Bars {
        heights: counts.iter().map(height).collect(),
        low,
        high,
        marker: value.map(|it| ((it - low) / width).clamp(0.0, 1.0)),
    }
}

/// Bars of values from 0 on.
pub fn of_values(values: &[f32], n_bars: usize, value: Option<f32>) -> Bars {
    let finite = || {
        values
            .iter()
            .copied()
            .filter(|it| it.is_finite() && *it >= 0.0)
    };
    let high = finite().fold(f32::MIN_POSITIVE, f32::max);
    let mut counts = vec![0; n_bars];
    for it in finite() {
        let at = (it / high * n_bars as f32) as usize;
        if let Some(count) = counts.get_mut(at.min(n_bars.saturating_sub(1))) {
            *count += 1;
        }
    }
    of_counts(&counts, 0.0, high, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_is_in_the_last_bar_and_the_marker_at_its_place() {
        let it = of_values(&[1.0, 1.0, 4.0, f32::NAN], 4, Some(2.0));
        assert_eq!(it.heights.iter().filter(|it| **it > 0.0).count(), 2);
        assert_eq!((it.heights[1], it.high, it.marker), (1.0, 4.0, Some(0.5)));
        assert!(it.heights[3] > 0.0 && it.heights[3] < 1.0);
        assert_eq!(of_values(&[], 4, None).heights, [0.0; 4]);
        assert!(of_values(&[1.0], 0, None).heights.is_empty());
    }
}
