//! An `unwrap` where the visitor meets it; the one in the test is fine.
pub fn first(of: &[u32]) -> u32 {
    *of.first().unwrap()
}

#[cfg(test)]
mod tests {
    #[test]
    fn first() {
        assert_eq!(Some(1).unwrap(), 1);
    }
}
