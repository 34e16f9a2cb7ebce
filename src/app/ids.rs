//! Token ids as they are typed.

/// Reads ids separated by commas or spaces.
///
/// Errors: a sentence that names what is no id.
pub fn parse_ids(text: &str) -> Result<Vec<u32>, String> {
    text.split([',', ' ', '\n', '\t', ';'])
        .filter(|it| !it.is_empty())
        .map(|it| it.parse().map_err(|_| format!("`{it}` is not a token id.")))
        .collect()
}

/// Ids as text, separated by commas.
pub fn write_ids(ids: &[u32]) -> String {
    ids.iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back() {
        assert_eq!(parse_ids(" 2,74 ,\n71  "), Ok(vec![2, 74, 71]));
        assert_eq!(parse_ids(&write_ids(&[2, 74])), Ok(vec![2, 74]));
        assert_eq!(parse_ids(""), Ok(vec![]));
        assert!(parse_ids("2, -1").is_err_and(|it| it.contains("-1")));
    }
}
