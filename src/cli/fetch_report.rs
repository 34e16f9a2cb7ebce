//! What `gemscope fetch` says in the end: a plan, what came, what was there when it was stopped, which transcoders there are.

use super::report::{Report, failure};
use super::table::{bytes, table};
use crate::session::protocol::{Failure, FetchTold, Fetched, TranscoderVariant};
use crate::spec::{FetchFile, FetchPlan, FetchProgress};
use serde_json::json;

/// What was told until the end.
#[derive(Debug, Default)]
pub struct Ended {
    plan: FetchPlan,
    progress: FetchProgress,
    n_parts: usize,
}

impl Ended {
    /// Takes what is told.
    pub fn tell(&mut self, told: FetchTold) {
        match told {
            FetchTold::Plan(it) => self.plan = it,
            FetchTold::Progress(it) => self.progress = it,
            FetchTold::Part { .. } => self.n_parts += 1,
        }
    }
}

/// The set is there.
pub fn fetched(ended: &Ended, it: &Fetched) -> Report {
    let mut text = String::new();
    for pinned in &it.repos {
        text.push_str(&format!("{}  commit {}\n", pinned.repo, pinned.commit));
    }
    text.push_str(&format!(
        "{} came in {:.1} s; the set takes {} in the store\n",
        bytes(it.received_bytes),
        it.seconds,
        bytes(it.disk_bytes)
    ));
    text.push_str(&format!("compared with what was published: {}\n", it.trust));
    Report {
        text,
        json: json!({ "plan": ended.plan, "fetched": it, "n_parts": ended.n_parts }),
    }
}

/// What would be fetched.
pub fn plan(it: &FetchPlan) -> Report {
    let mut text = String::new();
    for pinned in &it.repos {
        text.push_str(&format!("{}  commit {}\n", pinned.repo, pinned.commit));
    }
    let missing = match it.missing_bytes {
        None => "not known before it is tried".into(),
        Some(0) => "nothing".into(),
        Some(it) => bytes(it),
    };
    for (name, value) in [
        ("to download", bytes(it.download_bytes)),
        ("in the store", bytes(it.disk_bytes)),
        ("of which there", bytes(it.kept_bytes)),
        ("waiting at most", bytes(it.waiting_bytes)),
        ("no room for", missing),
    ] {
        text.push_str(&format!("{name:<18} {value}\n"));
    }
    if !it.certain {
        text.push_str(
            "sizes of layers are taken to be those of the first until all headers have been read\n",
        );
    }
    let rows: Vec<Vec<String>> = it.files.iter().map(row).collect();
    text.push_str(&format!(
        "\n{}",
        table(&["needed", "there", "trust", "file"], &rows)
    ));
    Report {
        text,
        json: json!(it),
    }
}

/// It was stopped.
pub fn stopped(ended: &Ended) -> Failure {
    let it = &ended.progress;
    let (done, total) = match it.total_bytes {
        0 => (ended.plan.kept_bytes, ended.plan.disk_bytes),
        total => (it.done_bytes, total),
    };
    let what = match total {
        0 => "Stopped before anything was known.".to_string(),
        _ => {
            let (done, total) = (bytes(done), bytes(total));
            format!("Stopped: {done} of {total} are there, and stay.")
        }
    };
    failure(what, "Run the same command again: it goes on from there.")
}

/// The transcoders of a repository.
pub fn variants(list: &[TranscoderVariant]) -> Report {
    let number = |it: Option<usize>| it.map_or_else(String::new, |it| it.to_string());
    let row = |it: &TranscoderVariant| {
        vec![
            it.layer.to_string(),
            number(it.width),
            number(it.average_l0),
            it.size_bytes.map_or_else(String::new, bytes),
            it.file.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = list.iter().map(row).collect();
    Report {
        text: table(&["layer", "features", "L0", "size", "file"], &rows),
        json: json!(list),
    }
}

fn row(it: &FetchFile) -> Vec<String> {
    let trust = it.trust.map_or_else(String::new, |it| it.to_string());
    vec![
        bytes(it.size_bytes),
        bytes(it.done_bytes),
        trust,
        it.file.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_says_what_is_kept_and_how_to_go_on() {
        let mut ended = Ended::default();
        assert!(stopped(&ended).what.contains("before anything"));
        ended.tell(FetchTold::Progress(FetchProgress {
            done_bytes: 1 << 20,
            total_bytes: 4 << 20,
            ..FetchProgress::default()
        }));
        let it = stopped(&ended);
        assert_eq!(
            it.what,
            "Stopped: 1.00 MiB of 4.00 MiB are there, and stay."
        );
        assert!(it.remedy.contains("again"));
    }
}
