//! Small transcoders in memory, as npz files put together byte by byte so that a test can put them together wrongly.

use gemscope::{
    hub::Memory,
    spec::DictionaryArray,
    sys::block_on,
    weights::{
        DictionaryFile, WeightsError,
        synth::{Preset, Uniform},
    },
};
use std::rc::Rc;

pub const NPZ: &str = "layer_1/width_96/average_l0_4/params.npz";
pub const SAFETENSORS: &str = "layer_1.safetensors";
/// Width of the model.
pub const D_MODEL: usize = 64;
/// Features: no multiple of 64, and another number than the width.
pub const N_FEATURES: usize = 96;

/// An entry of an npz, before it is one.
#[derive(Clone)]
pub struct Array {
    pub name: String,
    pub descr: String,
    pub fortran_order: &'static str,
    pub shape: Vec<usize>,
    pub data: Vec<u8>,
    /// Version of the header.
    pub version: u8,
}

/// How a zip file is put together.
#[derive(Clone, Default)]
pub struct Form {
    /// Sizes, places and the end as zip64 fields.
    pub zip64: bool,
    /// Bytes of an extra field in each entry's own header, so that payloads begin anywhere.
    pub padding: usize,
    pub comment: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    /// The sizes in the entries' own headers are 0 and follow the data, as of writers that can't seek.
    pub streamed: bool,
    /// Bytes that stand before all this; they count in every place.
    pub base: u64,
}

/// The five arrays of the formula, for the tests' own sizes.
pub fn arrays() -> Vec<Array> {
    DictionaryArray::ALL.into_iter().map(array).collect()
}

fn array(it: DictionaryArray) -> Array {
    let shape = match it {
        DictionaryArray::WEnc => vec![D_MODEL, N_FEATURES],
        DictionaryArray::WDec => vec![N_FEATURES, D_MODEL],
        DictionaryArray::BEnc | DictionaryArray::Threshold => vec![N_FEATURES],
        DictionaryArray::BDec => vec![D_MODEL],
    };
    Array {
        name: it.to_string(),
        descr: "<f4".into(),
        fortran_order: "False",
        data: f32_bytes(&values(it)),
        shape,
        version: 1,
    }
}

/// The weights of an array, flat, as the npz has them.
pub fn values(array: DictionaryArray) -> Vec<f32> {
    let n = match array {
        DictionaryArray::WEnc | DictionaryArray::WDec => D_MODEL * N_FEATURES,
        DictionaryArray::BEnc | DictionaryArray::Threshold => N_FEATURES,
        DictionaryArray::BDec => D_MODEL,
    };
    let uniform = Uniform::of_dictionary(Preset::Nano, 1, array);
    (0..n as u64).map(|it| uniform.at(it)).collect()
}

pub fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

pub fn find<'a>(arrays: &'a mut [Array], name: &str) -> &'a mut Array {
    arrays.iter_mut().find(|it| it.name == name).unwrap()
}

impl Array {
    fn npy(&self) -> Vec<u8> {
        let items: String = self.shape.iter().map(|it| format!("{it},")).collect();
        let (descr, order) = (&self.descr, self.fortran_order);
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({items}), }}\n");
        let mut out = b"\x93NUMPY".to_vec();
        out.extend([self.version, 0]);
        match self.version {
            1 => out.extend((text.len() as u16).to_le_bytes()),
            _ => out.extend((text.len() as u32).to_le_bytes()),
        }
        out.extend(text.as_bytes());
        out.extend(&self.data);
        out
    }
}

/// A zip file of these arrays. Nobody compares checksums: they are sums here, so that they follow the bytes.
pub fn npz(arrays: &[Array], form: &Form) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::<u8>::new(), Vec::<u8>::new());
    for it in arrays {
        let (name, npy) = (format!("{}.npy", it.name), it.npy());
        let at = form.base + out.len() as u64;
        let n_bytes = npy.len() as u64;
        let sum = npy.iter().fold(0_u32, |sum, it| {
            sum.wrapping_mul(31).wrapping_add((*it).into())
        });
        let size = |huge: bool| if huge { u32::MAX } else { n_bytes as u32 };
        let mut extra = vec![0; form.padding];
        if form.padding >= 4 {
            extra[..4].copy_from_slice(&[0xfe, 0xca, form.padding as u8 - 4, 0]);
        }
        let flags = form.flags | if form.streamed { 8 } else { 0 };
        let common = |kind: &[u8], n_extra: usize, size: u32| {
            let mut head = kind.to_vec();
            head.extend([45, 0]);
            head.extend(flags.to_le_bytes());
            head.extend(form.method.to_le_bytes());
            head.extend([0; 4]);
            head.extend(sum.to_le_bytes());
            head.extend(size.to_le_bytes());
            head.extend(size.to_le_bytes());
            head.extend((name.len() as u16).to_le_bytes());
            head.extend((n_extra as u16).to_le_bytes());
            head
        };
        let own_size = if form.streamed { 0 } else { size(form.zip64) };
        out.extend(common(b"PK\x03\x04", extra.len(), own_size));
        out.extend(name.as_bytes());
        out.extend(extra);
        out.extend(&npy);
        if form.streamed {
            out.extend([0; 16]);
        }
        let mut field = Vec::new();
        if form.zip64 {
            // Another field first, which must be passed over.
            field.extend([0xfe, 0xca, 2, 0, 9, 9, 1, 0, 24, 0]);
            field.extend(
                [n_bytes, n_bytes, at]
                    .iter()
                    .flat_map(|it| it.to_le_bytes()),
            );
        }
        directory.extend(common(b"PK\x01\x02\x2d\x03", field.len(), size(form.zip64)));
        directory.extend([0; 10]);
        let place = if form.zip64 { u32::MAX } else { at as u32 };
        directory.extend(place.to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(field);
    }
    let (at, n_bytes) = (form.base + out.len() as u64, directory.len() as u64);
    out.extend(directory);
    end(&mut out, form, arrays.len(), at, n_bytes);
    out
}

fn end(out: &mut Vec<u8>, form: &Form, n_entries: usize, at: u64, n_bytes: u64) {
    let place = form.base + out.len() as u64;
    if form.zip64 {
        out.extend(b"PK\x06\x06");
        out.extend(44u64.to_le_bytes());
        out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let numbers = [n_entries as u64, n_entries as u64, n_bytes, at];
        out.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(place.to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    out.extend(b"PK\x05\x06\0\0\0\0");
    let n_entries = if form.zip64 {
        u16::MAX
    } else {
        n_entries as u16
    };
    let (n_bytes, at) = match form.zip64 {
        true => (u32::MAX, u32::MAX),
        false => (n_bytes as u32, at as u32),
    };
    out.extend(
        [n_entries, n_entries]
            .iter()
            .flat_map(|it| it.to_le_bytes()),
    );
    out.extend(n_bytes.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend((form.comment.len() as u16).to_le_bytes());
    out.extend(&form.comment);
}

/// Opens bytes as a file of layer 1.
pub fn open_as(name: &str, bytes: Vec<u8>) -> Result<DictionaryFile, WeightsError> {
    let mut memory = Memory::default();
    memory.insert(name, bytes);
    block_on(DictionaryFile::open(Rc::new(memory), name, 1, D_MODEL))
}

pub fn open(arrays: &[Array], form: &Form) -> Result<DictionaryFile, WeightsError> {
    open_as(NPZ, npz(arrays, form))
}
