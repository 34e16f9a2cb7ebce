//! What `gemscope store` says: tables of what is kept, what was found damaged, freed or copied.

use super::report::Report;
use super::table::{bytes, table};
use crate::spec::{
    Copied, Packing, StoredKeeping, StoredList, StoredPart, StoredSource, Trust, Verified,
};
use serde_json::json;

/// What is kept, by source and packing, or part by part.
pub fn list(it: &StoredList, parts: bool) -> Report {
    let mut text = match parts {
        true => {
            let rows = it
                .sources
                .iter()
                .flat_map(|of| of.parts.iter().map(part_row));
            let rows: Vec<Vec<String>> = rows.collect();
            table(
                &["part", "packing", "there", "of", "trust", "", "key"],
                &rows,
            )
        }
        false => {
            let rows: Vec<Vec<String>> = it.sources.iter().flat_map(source_rows).collect();
            table(
                &["source", "packing", "parts", "there", "of", "trust"],
                &rows,
            )
        }
    };
    if it.sources.is_empty() {
        text = "Nothing is kept.\n".into();
    }
    text.push_str(&format!("\nin {}: {}", it.place, bytes(it.total_bytes)));
    for (n, what) in [
        (it.reserved_bytes, "reserved"),
        (it.waiting_bytes, "waiting to be compared"),
        (it.set_aside_bytes, "left by another version"),
    ] {
        if n > 0 {
            text.push_str(&format!(", {} {what}", bytes(n)));
        }
    }
    if let Some(room) = it.room_bytes {
        text.push_str(&format!("; room for {} more", bytes(room)));
    }
    if it.keeping != StoredKeeping::Sure {
        text.push_str("; the system may take it away when it wants room");
    }
    text.push('\n');
    Report {
        text,
        json: json!(it),
    }
}

/// What comparing found.
pub fn verified(it: &Verified) -> Report {
    let mut text = format!("{} parts, {} read\n", it.n_parts, bytes(it.read_bytes));
    for damage in &it.damaged {
        let part = damage
            .part
            .map_or_else(|| damage.key.clone(), |it| it.to_string());
        let forgotten = match damage.forgotten {
            true => "forgotten; `gemscope fetch` brings them again",
            false => "`gemscope store repair` forgets them",
        };
        text.push_str(&format!(
            "{part}: {} damaged pieces, {}: {forgotten}\n",
            damage.n_pieces,
            bytes(damage.size_bytes)
        ));
    }
    if it.damaged.is_empty() {
        text.push_str("nothing is damaged\n");
    }
    Report {
        text,
        json: json!(it),
    }
}

/// What was taken away.
pub fn freed(size_bytes: u64) -> Report {
    Report {
        text: format!("{} are free now\n", bytes(size_bytes)),
        json: json!({ "freed_bytes": size_bytes }),
    }
}

/// What was copied.
pub fn copied(it: &Copied) -> Report {
    let mut text = format!("{} parts, {} copied\n", it.n_parts, bytes(it.size_bytes));
    for (key, why) in &it.left_out {
        text.push_str(&format!("left out: {key}: {why}\n"));
    }
    Report {
        text,
        json: json!(it),
    }
}

fn part_row(it: &StoredPart) -> Vec<String> {
    vec![
        it.part.map_or_else(|| "other".into(), |it| it.to_string()),
        it.packing.map_or("", packing).into(),
        bytes(it.done_bytes),
        bytes(it.size_bytes),
        it.trust.map_or_else(String::new, |it| it.to_string()),
        if it.busy { "being written" } else { "" }.into(),
        it.key.clone(),
    ]
}

/// A row for each packing that a source is kept in, headers and other small things with the first.
fn source_rows(it: &StoredSource) -> Vec<Vec<String>> {
    let mut packings: Vec<Option<Packing>> = it.parts.iter().map(|it| it.packing).collect();
    packings.sort_by_key(|it| it.map_or("", packing));
    packings.dedup();
    let repo = it
        .repo
        .as_ref()
        .map_or_else(|| "unknown".into(), ToString::to_string);
    let name = match &it.file {
        Some(file) => format!("{repo} {file}"),
        None => repo,
    };
    let row = |of: Option<Packing>| {
        let parts = || it.parts.iter().filter(|it| it.packing == of);
        let trust: Option<Trust> = parts().filter_map(|it| it.trust).min();
        vec![
            name.clone(),
            of.map_or("", packing).into(),
            parts().count().to_string(),
            bytes(parts().map(|it| it.done_bytes).sum()),
            bytes(parts().map(|it| it.size_bytes).sum()),
            trust.map_or_else(String::new, |it| it.to_string()),
        ]
    };
    packings.into_iter().map(row).collect()
}

fn packing(it: Packing) -> &'static str {
    match it {
        Packing::F32 => "f32",
        Packing::Bf16 => "bf16",
        Packing::F16 => "f16",
        Packing::Q8 => "q8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Damage, Part};

    fn part(n: usize, packing: Packing, done_bytes: u64) -> StoredPart {
        StoredPart {
            key: format!("k{n}"),
            part: Some(Part::Mlp(n)),
            packing: Some(packing),
            size_bytes: 1024,
            done_bytes,
            whole: done_bytes == 1024,
            trust: Some(Trust::Received),
            busy: false,
        }
    }

    #[test]
    fn a_list_sums_by_source_and_packing() {
        let source = StoredSource {
            repo: Some("a/b".parse().expect("a repository")),
            commit: None,
            file: None,
            parts: vec![
                part(0, Packing::Bf16, 1024),
                part(1, Packing::Bf16, 512),
                part(0, Packing::Q8, 1024),
            ],
        };
        let list = StoredList {
            place: "the folder x".into(),
            sources: vec![source],
            total_bytes: 4096,
            ..StoredList::default()
        };
        let text = super::list(&list, false).text;
        assert!(
            text.contains("a/b     bf16         2  1.50 KiB  2.00 KiB  received"),
            "{text}"
        );
        assert!(text.contains("in the folder x: 4.00 KiB;"), "{text}");
        let text = super::list(&list, true).text;
        assert!(text.contains("mlp.1") && text.contains("k1"), "{text}");
        assert!(
            super::list(&StoredList::default(), false)
                .text
                .starts_with("Nothing is kept.")
        );
    }

    #[test]
    fn damage_is_named_with_what_follows() {
        let mut it = Verified {
            damaged: vec![Damage {
                key: "k".into(),
                part: Some(Part::Encoder(3)),
                n_pieces: 2,
                size_bytes: 2048,
                forgotten: false,
            }],
            ..Verified::default()
        };
        assert!(
            verified(&it)
                .text
                .contains("encoder.3: 2 damaged pieces, 2.00 KiB: `gemscope store repair`")
        );
        it.damaged[0].forgotten = true;
        assert!(verified(&it).text.contains("`gemscope fetch`"));
    }
}
