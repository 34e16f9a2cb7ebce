//! A protocol with a value of no type.
pub struct Command {
    body: serde_json::Value,
}
