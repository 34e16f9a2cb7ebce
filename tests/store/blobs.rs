//! Small blobs with scattered pieces of random bytes, and the steps that every test takes with them.

use gemscope::{
    spec::{Bytes, Trust},
    store::{
        Begin, BlobPlan, Disk, Mark, PieceSpan, Reader, Store, StoreConfig, StoreError, Writer,
        sha256_of,
    },
    sys::block_on,
};
use std::rc::Rc;

/// Pieces of every test blob.
pub const N_PIECES: u32 = 6;

/// A blob of about 40 kB whose even pieces are scattered, with gaps that belong to none; the content differs by `meta`.
pub fn plan(meta: &str) -> BlobPlan {
    let piece = |n: u64| -> PieceSpan {
        let start = 100 + n * 7000;
        match n % 2 {
            0 => vec![start..start + 3000, start + 6000..start + 6900],
            _ => vec![start..start + 5000],
        }
    };
    BlobPlan {
        meta: serde_json::json!({ "source": meta }),
        size_bytes: 43_210,
        pieces: (0..u64::from(N_PIECES)).map(piece).collect(),
    }
}

/// The bytes of a span, different for each generation of a piece.
pub fn bytes(at: u64, n_bytes: u64, generation: u64) -> Bytes {
    let mut state = at.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (generation + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    let bytes: Vec<u8> = (0..n_bytes).map(|_| next()).collect();
    bytes.into()
}

/// A store of a disk that is journalled when asked or when `journal_every_bytes` are marked.
pub fn open(
    disk: &(impl Disk + Clone + 'static),
    journal_every_bytes: u64,
) -> Result<Store, StoreError> {
    let config = StoreConfig {
        journal_every_bytes,
    };
    block_on(Store::open(Rc::new(disk.clone()), config))
}

/// A store that journals only when asked.
pub fn store(disk: &(impl Disk + Clone + 'static)) -> Store {
    open(disk, u64::MAX).unwrap()
}

/// The writer of a blob that no one else writes and that is not whole.
pub fn writer(store: &Store, key: &str, plan: &BlobPlan) -> Writer {
    match block_on(store.begin(key, plan.clone())).unwrap() {
        Begin::Writer(it) => it,
        Begin::Whole(_) => panic!("{key} is whole"),
        Begin::Busy => panic!("{key} is busy"),
    }
}

/// Writes a piece and marks it.
pub fn put(writer: &Writer, piece: u32, generation: u64) -> Result<Mark, StoreError> {
    let spans = writer.plan().pieces[piece as usize].clone();
    let parts: Vec<Bytes> = (spans.iter())
        .map(|it| bytes(it.start, it.end - it.start, generation))
        .collect();
    for (span, part) in spans.iter().zip(&parts) {
        block_on(writer.write(span.start, part))?;
    }
    let packed = block_on(sha256_of(&parts));
    let mark = Mark {
        source: [generation as u8; 32],
        packed,
        trust: Trust::Received,
    };
    block_on(writer.mark(piece, mark)).map(|()| mark)
}

/// Writes every piece that is missing, and the record.
pub fn finish(writer: Writer) -> Reader {
    for piece in 0..N_PIECES {
        if !writer.marks().contains_key(&piece) {
            put(&writer, piece, 0).unwrap();
        }
    }
    block_on(writer.commit()).unwrap()
}

/// A whole blob.
pub fn whole(store: &Store, key: &str, meta: &str) -> Reader {
    finish(writer(store, key, &plan(meta)))
}

/// What is there of a blob.
pub fn reader(store: &Store, key: &str) -> Reader {
    block_on(store.reader(key))
        .unwrap()
        .expect("something is kept")
}

/// Marked pieces that are not what they were.
pub fn damaged(reader: &Reader) -> Vec<u32> {
    block_on(reader.damaged(|_| ())).unwrap()
}
