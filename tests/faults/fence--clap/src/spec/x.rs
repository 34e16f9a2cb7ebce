//! An argument in the vocabulary.
#[derive(clap::ValueEnum)]
pub enum Precision {
    /// One.
    Reference,
}
