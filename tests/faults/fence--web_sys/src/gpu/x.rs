//! The page below the engine.
pub fn title() -> Option<web_sys::Document> {
    None
}
