//! `gemscope measure`: how fast the adapter runs the engine's kernels.

use super::args::{Global, Measure};
use super::report::Report;
use super::session::Session;
use super::table::table;
use crate::session::protocol::{CommandBody, Failure, Partial, Speed};
use serde_json::json;

/// `gemscope measure`.
pub fn run(args: &Measure, global: &Global) -> Result<Report, Failure> {
    let mut session = Session::start(global)?;
    let mut told: Vec<Speed> = Vec::new();
    let body = CommandBody::Measure {
        seconds: args.seconds,
        only: args.only.clone(),
    };
    session.call_with(body, &mut |it, _| {
        if let Partial::Speed(it) = it {
            told.push(it);
        }
        Ok(())
    })?;
    let rows: Vec<Vec<String>> = told.iter().map(row).collect();
    let head = ["kernel", "ms", "GB/s", "of copy", "GFLOP/s", "of peak"];
    Ok(Report {
        text: table(&head, &rows),
        json: json!({ "speeds": told }),
    })
}

fn row(it: &Speed) -> Vec<String> {
    vec![
        it.kernel.clone(),
        format!("{:.3}", it.millis),
        format!("{:.2}", it.gigabytes_per_second),
        format!("{:.2}", it.share_of_copy),
        format!("{:.2}", it.gigaflops),
        format!("{:.2}", it.share_of_peak),
    ]
}
