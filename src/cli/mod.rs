//! Arguments -> Commands -> tables, JSON, progress bars. Knows the protocol only: nothing goes around it.

mod args;
mod describe;
mod dump;
mod generate;
mod grammar;
mod measure;
mod open;
mod probs;
mod progress;
mod report;
mod run;
mod session;
mod sites;
mod table;
mod tensor_in;
mod tensor_out;
mod tokens;

pub use run::run;
