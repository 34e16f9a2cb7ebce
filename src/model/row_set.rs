//! Rows of a table as runs of them: which are there, and which of some are not.

use std::ops::Range;

/// Some rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RowSet {
    /// In order, none touching the next.
    runs: Vec<Range<usize>>,
}

impl RowSet {
    /// Adds rows.
    pub fn add(&mut self, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let first = self.runs.partition_point(|it| it.end < rows.start);
        let end = self.runs.partition_point(|it| it.start <= rows.end);
        let touched = &self.runs[first..end];
        let start = touched
            .first()
            .map_or(rows.start, |it| it.start.min(rows.start));
        let last = touched.last().map_or(rows.end, |it| it.end.max(rows.end));
        self.runs.splice(first..end, std::iter::once(start..last));
    }

    /// Whether a row is there.
    pub fn has(&self, row: usize) -> bool {
        let at = self.runs.partition_point(|it| it.end <= row);
        self.runs.get(at).is_some_and(|it| it.contains(&row))
    }

    /// Those of `rows` that are not there, in order.
    pub fn gaps(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut at = rows.start;
        for run in &self.runs {
            let start = run.start.clamp(at, rows.end.max(at));
            if start > at {
                out.push(at..start);
            }
            at = at.max(run.end);
        }
        if at < rows.end {
            out.push(at..rows.end);
        }
        out
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "rows are compared as lists of ranges"
)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_and_gaps_are_what_is_left() {
        let mut set = RowSet::default();
        for rows in [5..7, 20..21, 7..9, 2..3, 12..12] {
            set.add(rows);
        }
        assert_eq!(set.runs, [2..3, 5..9, 20..21]);
        assert_eq!(set.gaps(0..10), [0..2, 3..5, 9..10]);
        assert!(set.gaps(5..9).is_empty());
        assert_eq!(set.gaps(6..25), [9..20, 21..25]);
        assert!(set.has(8) && !set.has(9) && !set.has(30) && set.has(20));
        set.add(0..20);
        assert_eq!(set.runs, [0..21]);
        assert_eq!(set.gaps(21..23), [21..23]);
    }
}
