//! Arguments -> Commands -> tables, JSON, progress bars. Knows the protocol only: nothing goes around it.

mod answers;
mod args;
mod check;

mod describe;
mod dump;
mod dump_dense;
mod effects;
mod export;
mod export_args;
mod feature;
mod features;
mod fetch;
mod fetch_bars;
mod fetch_report;
mod generate;
mod grammar;
mod interrupt;
mod intervene;
mod label_args;
mod label_files;
mod labels;
mod lens;
mod measure;
mod metrics;
mod open;
mod probs;
mod progress;
mod report;
mod run;
mod scope;
mod scope_args;
mod scope_grammar;
mod session;
mod sites;
mod store;
mod store_args;
mod store_report;
mod table;
mod tensor_in;
mod tensor_out;
mod tokens;

pub use run::run;
