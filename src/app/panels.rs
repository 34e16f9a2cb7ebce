//! How wide the panels of Explore are: shares of the page, dragged or moved by keys, remembered. Leaves dragging to the frame.

/// No panel becomes narrower than this, in percent of the page; and how wide one may be then.
pub(super) const LEAST_PERCENT: f32 = 15.0;
pub(super) const MOST_PERCENT: f32 = 100.0 - 2.0 * LEAST_PERCENT;
/// Settings keep whole steps of this many to a percent.
const STEPS: f32 = 10.0;

/// Widths of map and list in percent; the card has the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widths {
    /// Of the map.
    pub map: f32,
    /// Of the list.
    pub list: f32,
}

impl Default for Widths {
    fn default() -> Self {
        Self {
            map: 36.0,
            list: 35.0,
        }
    }
}

impl Widths {
    /// Moves a border to the right: the first is between map and list, the second between list and card. Its neighbours alone change.
    pub fn moved(self, border: usize, percent: f32) -> Self {
        let card = 100.0 - self.map - self.list;
        let (left, right) = if border == 0 {
            (self.map, self.list)
        } else {
            (self.list, card)
        };
        if !percent.is_finite() {
            return self;
        }
        let by = percent.clamp(
            (LEAST_PERCENT - left).min(0.0),
            (right - LEAST_PERCENT).max(0.0),
        );
        if border == 0 {
            Self {
                map: self.map + by,
                list: self.list - by,
            }
        } else {
            Self {
                list: self.list + by,
                ..self
            }
        }
    }

    /// As settings keep it.
    pub fn text(self) -> String {
        let steps = |it: f32| (it * STEPS).round() as u32;
        format!("{}/{}", steps(self.map), steps(self.list))
    }

    /// Reads it; what makes no sense is the default.
    pub fn of(text: &str) -> Self {
        let read = || {
            let (map, list) = text.split_once('/')?;
            let percent = |it: &str| it.parse::<u32>().map(|it| it as f32 / STEPS).ok();
            let (map, list) = (percent(map)?, percent(list)?);
            let all = [map, list, 100.0 - map - list];
            let fits = all.iter().all(|it| *it >= LEAST_PERCENT - 0.1);
            fits.then_some(Self { map, list })
        };
        read().unwrap_or_default()
    }

    /// For the style sheet: three shares with a border between each.
    pub fn columns(self) -> String {
        let card = 100.0 - self.map - self.list;
        format!(
            "minmax(0,{:.1}fr) 0.6rem minmax(0,{:.1}fr) 0.6rem minmax(0,{card:.1}fr)",
            self.map, self.list
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_moves_its_neighbours_and_stops_before_they_vanish() {
        let it = Widths::default();
        let moved = it.moved(0, 10.0);
        assert_eq!((moved.map, moved.list), (46.0, 25.0));
        assert_eq!(it.moved(0, 90.0).list, LEAST_PERCENT);
        assert_eq!(it.moved(0, -90.0).map, LEAST_PERCENT);
        let moved = it.moved(1, 90.0);
        assert_eq!(moved.map, it.map);
        assert!((100.0 - moved.map - moved.list - LEAST_PERCENT).abs() < 1e-4);
        assert_eq!(it.moved(1, f32::NAN), it);
    }

    #[test]
    fn widths_come_back_and_nonsense_is_the_default() {
        let it = Widths::default().moved(0, 7.0);
        assert_eq!(Widths::of(&it.text()), it);
        for text in ["", "1/2", "x/y", "NaN/300", "800/800", "500"] {
            assert_eq!(Widths::of(text), Widths::default(), "{text}");
        }
    }
}
