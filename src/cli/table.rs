//! Tables of text and numbers in words, for terminals.

/// Rows with aligned columns; numbers to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|it| it.get(column));
        let cells = cells.map(|it| it.chars().count());
        cells
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let head: Vec<String> = head.iter().map(|it| (*it).to_string()).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let space = " ".repeat(width.saturating_sub(cell.chars().count()));
            let is_number = cell.starts_with(|it: char| it.is_ascii_digit() || it == '-');
            let (before, after) = if is_number {
                (&*space, "")
            } else {
                ("", &*space)
            };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A number of any size, to four or more figures.
pub fn number(it: f32) -> String {
    match it.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e5).contains(&size) => format!("{it:.4}"),
        _ => format!("{it:.3e}"),
    }
}

/// `4.87 GiB`.
pub fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (n.max(1).ilog2() / 10).min(4);
    match power {
        0 => format!("{n} B"),
        _ => format!(
            "{:.2} {}",
            n as f64 / (1u64 << (10 * power)) as f64,
            units[power as usize]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["2".into(), "▁a".into()], vec!["10".into(), "b".into()]];
        assert_eq!(table(&["id", "piece"], &rows), "id  piece\n 2  ▁a\n10  b\n");
    }

    #[test]
    fn numbers_of_any_size() {
        assert_eq!(
            [0.0, -1.5, 1e-5, 2e6].map(number),
            ["0", "-1.5000", "1.000e-5", "2.000e6"]
        );
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(16384), "16.00 KiB");
        assert_eq!(bytes(5_228_683_776), "4.87 GiB");
    }
}
