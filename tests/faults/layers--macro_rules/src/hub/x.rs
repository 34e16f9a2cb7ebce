//! Within a macro's definition.
macro_rules! count {
    () => {
        $crate::weights::count()
    };
}
