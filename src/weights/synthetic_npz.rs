//! Synthetic transcoders as the very files that synth.py writes by way of `numpy.savez`. Leaves their weights to `synth`.

use super::{
    dictionary_set::width_name,
    synth::{Preset, Uniform},
    synthetic_file::{Checksum, Element, File},
};
use crate::spec::DictionaryArray;

/// The arrays in the order in which synth.py writes them.
const ORDER: [DictionaryArray; 5] = [
    DictionaryArray::WDec,
    DictionaryArray::WEnc,
    DictionaryArray::BDec,
    DictionaryArray::BEnc,
    DictionaryArray::Threshold,
];

/// Version 4.5 of the format, which zip64 fields need; in the directory also the system that wrote it, 3 for Unix.
const VERSION: [u8; 2] = [45, 0];
const WRITTEN_BY: [u8; 2] = [45, 3];
/// 1 January 1980 at midnight, which numpy writes. Source: numpy `savez`, `zipfile.ZipInfo`.
const TIME_AND_DATE: [u8; 4] = [0, 0, 0x21, 0];
/// Read and write for the owner. Source: `zipfile.ZipFile.open`.
const ATTRIBUTES: u32 = 0o600 << 16;
/// Where the checksum stands in an entry's own header and in the directory's line.
const CHECKSUM_AT: [u64; 2] = [14, 16];

/// The name of a layer's file. Source: `write_transcoder` of synth.py.
pub(super) fn file_name(preset: Preset, layer: usize) -> String {
    let (width, l0) = (width_name(preset.d_transcoder()), preset.average_l0());
    format!("layer_{layer}/width_{width}/average_l0_{l0}/params.npz")
}

/// A layer's file; its checksums are 0 until it is written.
pub(super) fn file(preset: Preset, layer: usize) -> File {
    let (mut file, mut directory) = (File::default(), Vec::new());
    for array in ORDER {
        let shape = shape(preset, array);
        let n_weights: u64 = shape.iter().map(|it| *it as u64).product();
        let npy = npy_header(&shape);
        let size_bytes = npy.len() as u64 + n_weights * Element::F32.size_bytes();
        let name = format!("{array}.npy");
        let header_at = file.size_bytes();
        file.keep(local_header(&name, size_bytes));
        let start = file.size_bytes();
        file.keep(npy);
        let uniform = Uniform::of_dictionary(preset, layer, array);
        file.make(uniform, Element::F32, n_weights);
        file.checksums.push(Checksum {
            of: start..file.size_bytes(),
            at: [
                header_at + CHECKSUM_AT[0],
                directory.len() as u64 + CHECKSUM_AT[1],
            ],
        });
        directory.extend(directory_line(&name, size_bytes, header_at));
    }
    let at = file.size_bytes();
    file.checksums.iter_mut().for_each(|it| it.at[1] += at);
    let end = end_record(ORDER.len() as u16, at, directory.len());
    directory.extend(end);
    file.keep(directory);
    file
}

fn shape(preset: Preset, array: DictionaryArray) -> Vec<usize> {
    let (d_model, d_transcoder) = (preset.config().d_model, preset.d_transcoder());
    match array {
        DictionaryArray::WEnc => vec![d_model, d_transcoder],
        DictionaryArray::WDec => vec![d_transcoder, d_model],
        DictionaryArray::BEnc | DictionaryArray::Threshold => vec![d_transcoder],
        DictionaryArray::BDec => vec![d_model],
    }
}

/// Version 1.0, padded to a multiple of 64 behind room for a longer first dimension. Source: numpy `lib.format`,
/// `_write_array_header`, `GROWTH_AXIS_MAX_DIGITS`.
fn npy_header(shape: &[usize]) -> Vec<u8> {
    const GROWTH_DIGITS: usize = 21;
    const BEFORE_TEXT: usize = 10;
    let tuple = match shape {
        [it] => format!("({it},)"),
        _ => {
            let items: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({})", items.join(", "))
        }
    };
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple}, }}");
    let n_digits = shape.first().map_or(0, |it| it.to_string().len());
    text += &" ".repeat(GROWTH_DIGITS.saturating_sub(n_digits));
    let n_bytes = (BEFORE_TEXT + text.len() + 1).next_multiple_of(64) - BEFORE_TEXT;
    text += &" ".repeat(n_bytes - 1 - text.len());
    text.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((n_bytes as u16).to_le_bytes());
    out.extend(text.into_bytes());
    out
}

/// Both sizes stand in a zip64 field of 20 bytes, as `force_zip64` has them.
fn local_header(name: &str, size_bytes: u64) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    out.extend(VERSION);
    out.extend([0; 4]); // flags, method: stored
    out.extend(TIME_AND_DATE);
    out.extend([0; 4]); // the checksum
    out.extend([0xff; 8]);
    out.extend((name.len() as u16).to_le_bytes());
    out.extend(20u16.to_le_bytes());
    out.extend(name.as_bytes());
    out.extend([1, 0, 16, 0]);
    out.extend(size_bytes.to_le_bytes());
    out.extend(size_bytes.to_le_bytes());
    out
}

/// Sizes and places of these files are below 4 GiB, so that this line needs no zip64 field.
fn directory_line(name: &str, size_bytes: u64, header_at: u64) -> Vec<u8> {
    let mut out = b"PK\x01\x02".to_vec();
    out.extend(WRITTEN_BY);
    out.extend(VERSION);
    out.extend([0; 4]);
    out.extend(TIME_AND_DATE);
    out.extend([0; 4]);
    out.extend((size_bytes as u32).to_le_bytes());
    out.extend((size_bytes as u32).to_le_bytes());
    out.extend((name.len() as u16).to_le_bytes());
    out.extend([0; 8]); // extra fields, comment, disk, internal attributes
    out.extend(ATTRIBUTES.to_le_bytes());
    out.extend((header_at as u32).to_le_bytes());
    out.extend(name.as_bytes());
    out
}

fn end_record(n_entries: u16, at: u64, n_bytes: usize) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(n_entries.to_le_bytes());
    out.extend(n_entries.to_le_bytes());
    out.extend((n_bytes as u32).to_le_bytes());
    out.extend((at as u32).to_le_bytes());
    out.extend([0; 2]);
    out
}
