//! Cuts the page's program: what its views mark as a part becomes a program of its own, which the page fetches when it is wanted.

use anyhow::{Context, Result, anyhow, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};
use wasm_split_cli_support::{Options, transform};

/// What fetches the parts and joins them to the page's program.
pub const JOINER: &str = "parts.js";
/// The number of a section that a program runs without. Source: WebAssembly core specification, 5.5.3.
const CUSTOM: u8 = 0;
/// How the page's program asks for it, and it for the page's program.
const FROM_PAGE: &str = "./parts.js";
const FROM_JOINER: &str = "./page.js";
/// The part that comes after the page.
pub const LATER: &str = "later.wasm";

/// Writes the parts of a linked program and what joins them into a folder; the program that is left, for wasm-bindgen.
///
/// Errors: a program without relocations, or without the part that is expected; those of files.
pub fn cut(wasm: &Path, folder_out: &Path) -> Result<PathBuf> {
    let whole = fs::read(wasm).with_context(|| wasm.display().to_string())?;
    let rest = wasm.with_extension("rest.wasm");
    let mut options = Options::new(&whole);
    options.output_dir = folder_out;
    options.main_out_path = &rest;
    options.main_module = FROM_JOINER;
    options.link_name = FROM_PAGE;
    let made = transform(options).map_err(|it| anyhow!("cutting the page's program: {it:#}"))?;
    ensure!(
        made.split_modules.len() == 1,
        "the page's program has {} parts, one is expected",
        made.split_modules.len()
    );
    for it in &made.split_modules {
        let joiner = folder_out.join(JOINER);
        let name = it.file_name().and_then(|it| it.to_str());
        let name = name.context("a part without a name")?;
        let text = fs::read_to_string(&joiner)?.replace(name, LATER);
        fs::write(&joiner, text)?;
        let program = fs::read(it)?;
        fs::write(
            folder_out.join(LATER),
            bare(&program).context("a part that is no program")?,
        )?;
        fs::remove_file(it)?;
    }
    Ok(rest)
}

/// A program without its custom sections, which hold names of functions and nothing that runs; none for what is no program.
fn bare(program: &[u8]) -> Option<Vec<u8>> {
    const HEAD_BYTES: usize = 8;
    let (head, mut rest) = program.split_at_checked(HEAD_BYTES)?;
    let mut out = head.to_vec();
    while let Some(&id) = rest.first() {
        let (n_bytes, at) = leb128(&rest[1..])?;
        let (section, after) = rest.split_at_checked(1 + at + n_bytes)?;
        if id != CUSTOM {
            out.extend(section);
        }
        rest = after;
    }
    Some(out)
}

/// A number and the bytes that it takes. Source: WebAssembly core specification, 5.2.2.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut out = 0;
    for (at, it) in bytes.iter().take(5).enumerate() {
        out |= usize::from(it & 0x7f) << (7 * at);
        if it & 0x80 == 0 {
            return Some((out, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_and_the_rest_stays() {
        let head = b"\0asm\x01\0\0\0";
        let types = [1, 0x84, 0, 1, 0x60, 0, 0];
        let names = [0, 5, 4, b'n', b'a', b'm', b'e'];
        let whole = [&head[..], &names, &types, &names].concat();
        assert_eq!(bare(&whole), Some([&head[..], &types].concat()));
        assert_eq!(bare(&whole[..whole.len() - 1]), None, "cut short");
        assert_eq!(bare(b"\0asm"), None);
    }
}
