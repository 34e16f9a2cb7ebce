//! The small languages of arguments: byte counts, lists of ids and sites, writes.

use super::report::failure;
use crate::session::protocol::Failure;
use crate::spec::{Positions, Site};
use std::path::PathBuf;

/// Where a tensor goes and where it comes from: `SITE:POSITIONS=FILE.safetensors#NAME`.
#[derive(Debug, PartialEq, Eq)]
pub struct WriteArgument {
    pub site: Site,
    pub positions: Positions,
    pub file: PathBuf,
    pub tensor: String,
}

/// `16384`, `16KiB`, `3GiB`; also with `kB`, `MB`, `GB` of 1000.
pub fn bytes(text: &str) -> Result<u64, String> {
    let end = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => {
            return Err(format!(
                "`{text}` is no number of bytes; write 16384, 16KiB, 128MiB or 3GiB"
            ));
        }
    };
    let number = number.parse::<u64>().ok();
    let bytes = number.and_then(|it| it.checked_mul(factor));
    bytes
        .filter(|it| *it > 0)
        .ok_or_else(|| format!("`{text}` is no number of bytes above 0 that a computer has"))
}

/// Token ids with commas between.
pub fn ids(text: &str) -> Result<Vec<u32>, Failure> {
    let parts = text.split(',').map(str::trim);
    let remedy = "Write numbers with commas between, such as 2,651,4320; 2 is BOS.";
    if text.trim().is_empty() {
        return Err(failure("There are no token ids.", remedy));
    }
    let id = |it: &str| {
        it.parse()
            .map_err(|_| failure(format!("`{it}` is no token id."), remedy))
    };
    parts.map(id).collect()
}

/// Sites with commas between.
pub fn sites(text: &str) -> Result<Vec<Site>, Failure> {
    let mut out = Vec::new();
    for path in text.split(',').map(str::trim) {
        let site = site(path)?;
        if !out.contains(&site) {
            out.push(site);
        }
    }
    Ok(out)
}

/// Positions of a prompt.
pub fn positions(text: &str) -> Result<Positions, Failure> {
    let parsed = text.parse::<Positions>();
    parsed.map_err(|it| failure(format!("{it}."), "Position 0 is BOS; 4-6 holds 6."))
}

/// What is written where.
pub fn write(text: &str) -> Result<WriteArgument, Failure> {
    let parts = text.split_once(':').and_then(|(at, rest)| {
        let (to, from) = rest.split_once('=')?;
        let (file, tensor) = from.rsplit_once('#')?;
        Some((at, to, file, tensor))
    });
    let Some((at, to, file, tensor)) = parts else {
        let remedy = "Write SITE:POSITIONS=FILE.safetensors#NAME, such as blocks.3.hook_resid_post:4-6=change.safetensors#delta.";
        return Err(failure(
            format!("`{text}` does not say what to write where."),
            remedy,
        ));
    };
    Ok(WriteArgument {
        site: site(at)?,
        positions: positions(to)?,
        file: file.into(),
        tensor: tensor.into(),
    })
}

fn site(path: &str) -> Result<Site, Failure> {
    let parsed = path.parse::<Site>();
    parsed.map_err(|_| {
        failure(
            format!("There is no site `{path}`."),
            "`gemscope sites` lists them; write a number for L.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_counts() {
        let good = [
            ("16384", 16384),
            ("16KiB", 16384),
            ("3 GiB", 3 << 30),
            ("2MB", 2_000_000),
        ];
        for (text, n) in good {
            assert_eq!(bytes(text), Ok(n));
        }
        for text in ["", "KiB", "-1", "0", "1.5GiB", "16kib", "99999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists() {
        assert_eq!(ids("2, 5,7"), Ok(vec![2, 5, 7]));
        for text in ["", " ", "2,,3", "a", "-1", "4294967296", "2,"] {
            assert!(ids(text).is_err(), "{text}");
        }
        assert_eq!(sites("logits,hook_embed, logits").map(|it| it.len()), Ok(2));
        let error = sites("logits,hook_q").expect_err("unknown");
        assert!(error.what.contains("hook_q") && error.remedy.contains("gemscope sites"));
    }

    #[test]
    fn writes() {
        let it = write("blocks.3.hook_mlp_out:4-6=a=b#c.safetensors#x.y").expect("valid");
        assert_eq!(
            (it.site, it.positions),
            (Site::MlpOut(3), Positions::Span(4, 6))
        );
        assert_eq!(
            (it.file, it.tensor),
            ("a=b#c.safetensors".into(), "x.y".into())
        );
        for text in [
            "",
            "logits",
            "logits:*",
            "logits:*=file",
            "nowhere:*=f#n",
            "logits:x=f#n",
        ] {
            assert!(write(text).is_err(), "{text}");
        }
    }
}
