//! A test that any panic satisfies.
#[cfg(test)]
mod tests {
    #[test]
    #[should_panic]
    fn x() {}
}
