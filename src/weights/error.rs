//! Why a checkpoint or a transcoder can't be used. Every variant names the tensor or the file. Leaves what to do about it to `remedy`.

use super::library::LibraryError;
use crate::{
    hub::HubError,
    spec::{ConfigError, DType, Packing, TranscoderSetError},
    store::StoreError,
};
use std::ops::Range;

/// Why a checkpoint or a transcoder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file could not be had.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// What is kept could not be had, or nothing could be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept could not be used, copied or taken away.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// What a repository says of its transcoders can't be used.
    #[error("{repo}: {source}")]
    Set {
        /// The repository.
        repo: String,
        /// What is wrong.
        source: TranscoderSetError,
    },
    /// It has not been fetched, or not as far as that.
    #[error("{what} is not kept yet")]
    NotKept {
        /// What was looked for.
        what: String,
    },
    /// A manifest that is none.
    #[error("this is no manifest of pieces: {detail}")]
    Manifest {
        /// What is wrong.
        detail: String,
    },
    /// Asked to stop; what has arrived is kept.
    #[error("stopped")]
    Stopped,
    /// The config is not one of Gemma 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Neither one file of weights nor an index of several.
    #[error("{place} holds neither model.safetensors nor model.safetensors.index.json")]
    NoWeights {
        /// Where they were looked for.
        place: String,
    },
    /// A file that is read whole is larger than any of its kind.
    #[error("`{file}` has {size_bytes} bytes; files of its kind have at most {most_bytes}")]
    TooBig {
        /// The file.
        file: String,
        /// Its bytes.
        size_bytes: u64,
        /// What is read at most.
        most_bytes: u64,
    },
    /// The length at the head of a file can't be that of its header.
    #[error(
        "`{file}` is not a safetensors file: its header would have {header_bytes} bytes, the file has {file_bytes}"
    )]
    HeaderLength {
        /// The file.
        file: String,
        /// What its first 8 bytes say.
        header_bytes: u64,
        /// Bytes of the file.
        file_bytes: u64,
    },
    /// The header is not what safetensors has there.
    #[error("the header of `{file}` can't be read: {detail}")]
    HeaderJson {
        /// The file.
        file: String,
        /// What is wrong and where.
        detail: String,
    },
    /// A tensor of the same name twice.
    #[error("`{file}` holds `{tensor}`, which has been there before")]
    Duplicate {
        /// The file with the second one.
        file: String,
        /// The tensor.
        tensor: String,
    },
    /// An element type that no checkpoint of ours holds.
    #[error(
        "`{tensor}` in `{file}` is of the unknown type `{dtype}`; bf16, f16 and f32 can be read"
    )]
    UnknownDType {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What the header says.
        dtype: String,
    },
    /// Weights in 8-bit blocks, from which nothing finer can be made.
    #[error("`{tensor}` is kept in 8 bit; {packing:?} can't be made from it")]
    Coarse {
        /// The tensor.
        tensor: String,
        /// What was asked for.
        packing: Packing,
    },
    /// An element type that is known, but not one of weights.
    #[error("`{tensor}` is of type {dtype:?}; weights are BF16, F16 or F32")]
    DType {
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: DType,
    },
    /// A tensor's bytes are not shape times type.
    #[error("`{tensor}` in `{file}` has {got_bytes} bytes, which is not {dtype:?} times {shape:?}")]
    Size {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: DType,
        /// Its shape.
        shape: Vec<u64>,
        /// Bytes between its offsets.
        got_bytes: u64,
    },
    /// A tensor does not begin where the one before it ends.
    #[error(
        "`{tensor}` in `{file}` lies at {begin} to {end}, but the tensor before it ends at {expected}"
    )]
    Offsets {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its first byte, counted from the end of the header.
        begin: u64,
        /// One after its last.
        end: u64,
        /// Where it should begin.
        expected: u64,
    },
    /// The file is shorter or longer than its header says.
    #[error("`{file}` should have {expected_bytes} bytes and has {got_bytes}")]
    Extent {
        /// The file.
        file: String,
        /// Header and tensors.
        expected_bytes: u64,
        /// Bytes of the file.
        got_bytes: u64,
    },
    /// The index is not what it should be.
    #[error("`{file}` can't be read: {detail}")]
    IndexJson {
        /// The file.
        file: String,
        /// What is wrong and where.
        detail: String,
    },
    /// The index names a file that is not simply beside it.
    #[error("the index puts `{tensor}` into `{shard}`, which is not the name of a file beside it")]
    ShardName {
        /// The tensor.
        tensor: String,
        /// The name given.
        shard: String,
    },
    /// The index names a file that is not there.
    #[error("the index names `{shard}`, which is not in {place}")]
    MissingShard {
        /// The file.
        shard: String,
        /// Where it was looked for.
        place: String,
    },
    /// The index puts a tensor into a file that does not hold it.
    #[error("the index puts `{tensor}` into `{shard}`, which does not hold it")]
    NotInShard {
        /// The tensor.
        tensor: String,
        /// The file.
        shard: String,
    },
    /// A file holds a tensor that the index does not put there.
    #[error("`{shard}` holds `{tensor}`, which the index does not put there")]
    NotInIndex {
        /// The tensor.
        tensor: String,
        /// The file.
        shard: String,
    },
    /// A tensor that the config asks for is not there.
    #[error("`{tensor}` is missing")]
    Missing {
        /// The tensor.
        tensor: String,
    },
    /// A tensor that no Gemma 2 of this config has.
    #[error("`{tensor}` in `{file}` is not a tensor of Gemma 2 with this config")]
    Extra {
        /// The tensor.
        tensor: String,
        /// The file that holds it.
        file: String,
    },
    /// A tensor of another shape than the config says.
    #[error("`{tensor}` has shape {got:?}; the config says {expected:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// By the config.
        expected: Vec<usize>,
        /// In the file.
        got: Vec<u64>,
    },
    /// A weight that is not a number, or infinite.
    #[error("`{tensor}`: the weight at {index} is not a finite number")]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// Its place, flat and row-major.
        index: u64,
    },
    /// A finite weight that the packing has no number for.
    #[error("`{tensor}`: a weight near {index} is too large for {packing:?}")]
    TooLarge {
        /// The tensor.
        tensor: String,
        /// Its place, or the place of its block, flat and row-major.
        index: u64,
        /// What it was to be packed as.
        packing: Packing,
    },
    /// Rows that the tensor does not have, or a row that can't be packed in blocks of 32.
    #[error("`{tensor}` of shape {shape:?} has no rows {} to {} to pack as {packing:?}", rows.start, rows.end)]
    Rows {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What was asked for.
        rows: Range<usize>,
        /// As what.
        packing: Packing,
    },
    /// The end of a zip file is not where it should be.
    #[error("`{file}` is not an npz file, or its end is missing: no zip directory ends it")]
    NotZip {
        /// The file.
        file: String,
    },
    /// The list of a zip file's entries makes no sense.
    #[error("the directory of `{file}` can't be read: {detail}")]
    ZipDirectory {
        /// The file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// An entry of a zip file is not where or what the directory says.
    #[error("`{entry}` in `{file}` can't be read: {detail}")]
    ZipEntry {
        /// The file.
        file: String,
        /// The entry.
        entry: String,
        /// What is wrong.
        detail: String,
    },
    /// An entry that can't be read by ranges.
    #[error(
        "`{entry}` in `{file}` is compressed (zip method {method}); only stored arrays can be read by ranges"
    )]
    Compressed {
        /// The file.
        file: String,
        /// The entry.
        entry: String,
        /// The zip method.
        method: u16,
    },
    /// An entry that asks for a password.
    #[error("`{entry}` in `{file}` is encrypted")]
    Encrypted {
        /// The file.
        file: String,
        /// The entry.
        entry: String,
    },
    /// An array does not begin as numpy's do.
    #[error("`{entry}` in `{file}` is not an array of numpy: {detail}")]
    Npy {
        /// The file.
        file: String,
        /// The entry.
        entry: String,
        /// What is wrong.
        detail: String,
    },
    /// An array whose columns stand in the file one by one.
    #[error("`{entry}` in `{file}` is in Fortran order; arrays must be in C order")]
    FortranOrder {
        /// The file.
        file: String,
        /// The entry.
        entry: String,
    },
    /// Neither of the two kinds of files that hold transcoders.
    #[error("`{file}` is neither an npz nor a safetensors file")]
    NotDictionary {
        /// The file.
        file: String,
    },
    /// One of the five arrays of a transcoder is not there.
    #[error("`{array}` is missing in `{file}`")]
    MissingArray {
        /// The file.
        file: String,
        /// The array, as this kind of file calls it.
        array: String,
    },
    /// An array that no transcoder of ours has.
    #[error("`{array}` in `{file}` is not an array of a Gemma Scope transcoder")]
    ExtraArray {
        /// The file.
        file: String,
        /// The array.
        array: String,
    },
    /// An array whose shape fits neither the model nor the other arrays.
    #[error(
        "`{array}` in `{file}` has shape {got:?}; this model and the other arrays say {expected:?}"
    )]
    ArrayShape {
        /// The file.
        file: String,
        /// The array.
        array: String,
        /// By the model's width and the number of features.
        expected: Vec<u64>,
        /// In the file.
        got: Vec<u64>,
    },
    /// A place without transcoders.
    #[error("{place} holds no transcoders")]
    NoDictionaries {
        /// Where they were looked for.
        place: String,
    },
    /// No transcoder of a layer.
    #[error("{place} holds no transcoder of layer {layer}; there are layers {there}")]
    NoLayer {
        /// Where it was looked for.
        place: String,
        /// The layer.
        layer: usize,
        /// The layers that are there.
        there: String,
    },
    /// No transcoder of a layer is the one that was chosen.
    #[error("{place} holds no transcoder of layer {layer} with {wanted}; there are {there}")]
    NoVariant {
        /// Where it was looked for.
        place: String,
        /// The layer.
        layer: usize,
        /// What was asked for.
        wanted: String,
        /// What is there.
        there: String,
    },
    /// There is no such synthetic checkpoint.
    #[error("there is no synthetic checkpoint `{preset}`; there are: nano, wide, full")]
    Preset {
        /// What was given.
        preset: String,
    },
    /// A file could not be written.
    #[error("`{file}` can't be written")]
    Write {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
}
