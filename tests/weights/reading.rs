//! What is read is the same whatever the files look like: one or several, bf16, f16 or f32, memory or disk, whole or in pieces.

use crate::checkpoints::{changed, in_memory, open, tiny};
use gemscope::{
    hub::{Folder, HubError, Source},
    spec::{Config, DType, Matrix, Norm, Packing, TensorName, registry},
    sys::block_on,
    weights::{
        Checkpoint,
        synth::{Preset, Stored, Synthetic, Uniform, write},
    },
};
use half::{bf16, f16};

const PACKINGS: [Packing; 3] = [Packing::F32, Packing::Bf16, Packing::Q8];

fn rows(it: &Checkpoint, name: TensorName, packing: Packing) -> Vec<u8> {
    let n_rows = match *name.shape(it.config()) {
        [n_rows, _] => n_rows,
        _ => 1,
    };
    block_on(it.packed_rows(name, 0..n_rows, packing))
        .unwrap()
        .into_vec()
}

#[test]
fn one_file_or_several_of_either_type_hold_the_same() {
    let config = Preset::Nano.config();
    let one = open(Synthetic::new(Preset::Nano)).unwrap();
    assert_eq!(one.config(), &config);
    for (stored, n_shards) in [(Stored::F32, 1), (Stored::Bf16, 3), (Stored::F32, 3)] {
        let other = open(Synthetic::with(&config, stored, n_shards)).unwrap();
        assert_ne!(one.fingerprint(), other.fingerprint());
        for spec in registry(&config) {
            for packing in PACKINGS {
                assert_eq!(
                    rows(&one, spec.name, packing),
                    rows(&other, spec.name, packing),
                    "{}",
                    spec.name
                );
            }
        }
    }
}

#[test]
fn f16_files_are_read_by_way_of_f32() {
    let checkpoint = open(changed(|tensors| {
        for it in tensors {
            it.dtype = "F16".into();
            for weight in it.bytes.chunks_exact_mut(2) {
                let value = bf16::from_le_bytes([weight[0], weight[1]]).to_f32();
                weight.copy_from_slice(&f16::from_f32(value).to_le_bytes());
            }
        }
    }));
    let checkpoint = checkpoint.unwrap();
    assert_eq!(
        checkpoint.dtype(TensorName::Embed).unwrap(),
        Some(DType::F16)
    );
    let uniform = Uniform::of(TensorName::Embed, &tiny());
    let packed = rows(&checkpoint, TensorName::Embed, Packing::Bf16);
    for (index, got) in packed.chunks_exact(2).enumerate() {
        let stored = bf16::from_bits(uniform.bf16_bits_at(index as u64)).to_f32();
        let expected = bf16::from_f32(f16::from_f32(stored).to_f32());
        assert_eq!(bf16::from_le_bytes([got[0], got[1]]), expected);
    }
}

#[test]
fn pieces_make_the_whole() {
    let checkpoint = open(Synthetic::new(Preset::Nano)).unwrap();
    let name = TensorName::Matrix(2, Matrix::Down);
    for packing in PACKINGS {
        let pieces = [0..1, 1..1, 1..40, 40..64].map(|it| {
            block_on(checkpoint.packed_rows(name, it, packing))
                .unwrap()
                .into_vec()
        });
        let whole = rows(&checkpoint, name, packing);
        assert_eq!(pieces.concat(), whole);
        assert_eq!(whole.len(), 64 * packing.row_bytes(160));
    }
}

#[test]
fn vectors_are_the_formula_rounded() {
    let checkpoint = open(Synthetic::new(Preset::Nano)).unwrap();
    let name = TensorName::Norm(3, Norm::PostFeedforward);
    let uniform = Uniform::of(name, checkpoint.config());
    let expected: Vec<f32> = (0..64)
        .map(|it| bf16::from_f32(uniform.at(it)).to_f32())
        .collect();
    assert_eq!(block_on(checkpoint.vector(name)).unwrap(), expected);
    let raw = rows(&checkpoint, name, Packing::F32);
    assert_eq!(bytemuck::pod_collect_to_vec::<u8, f32>(&raw), expected);
}

#[test]
fn places_above_4_gib_are_read() {
    // The whole of Gemma 2 2B in one file of f32, 10 GB that are never made.
    let checkpoint = open(Synthetic::with(&Config::gemma_2_2b(), Stored::F32, 1)).unwrap();
    assert_eq!(checkpoint.size_bytes(), 4 * 2_614_341_888);
    let places = [
        (TensorName::Embed, 255_999),
        (TensorName::Matrix(9, Matrix::V), 1023),
        (TensorName::FinalNorm, 0),
    ];
    for (name, row) in places {
        let got = block_on(checkpoint.packed_rows(name, row..row + 1, Packing::Bf16)).unwrap();
        let uniform = Uniform::of(name, checkpoint.config());
        let first = row as u64 * 2304;
        let expected = (first..first + 2304).flat_map(|it| uniform.bf16_bits_at(it).to_le_bytes());
        assert!(expected.eq(got.into_vec()), "{name}");
    }
}

#[test]
fn a_folder_of_the_disk_is_the_same_checkpoint() {
    let folder = std::env::temp_dir().join(format!("gemscope-weights-{}", std::process::id()));
    let synthetic = Synthetic::with(&tiny(), Stored::Bf16, 2);
    let mut told = 0;
    write(&synthetic, &folder, |done, total| told = total - done).unwrap();
    assert_eq!(told, 0);
    let files = Folder::new(&folder);
    for name in synthetic.files() {
        let size = block_on(synthetic.size(name)).unwrap();
        assert_eq!(block_on(files.size(name)).unwrap(), size);
        let (from, to) = (size / 3, size - 1);
        let [ours, theirs] = [&synthetic as &dyn Source, &files]
            .map(|it| block_on(it.read(name, from..to)).unwrap().into_vec());
        assert_eq!(ours, theirs);
        let beyond = block_on(files.read(name, from..size + 1));
        assert!(matches!(beyond, Err(HubError::Range { size_bytes, .. }) if size_bytes == size));
    }
    let (disk, memory) = (open(files).unwrap(), open(synthetic).unwrap());
    assert_eq!(disk.fingerprint(), memory.fingerprint());
    assert_eq!(disk.fingerprint().len(), 64);
    for spec in registry(&tiny()) {
        assert_eq!(
            rows(&disk, spec.name, Packing::Q8),
            rows(&memory, spec.name, Packing::Q8)
        );
    }
    assert!(block_on(disk.tokenizer_json()).unwrap().is_none());
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    assert_eq!(block_on(disk.tokenizer_json()).unwrap().unwrap(), b"{}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_fingerprint_follows_config_and_headers() {
    let first = open(in_memory(&tiny(), Stored::Bf16, 1)).unwrap();
    let again = open(in_memory(&tiny(), Stored::Bf16, 1)).unwrap();
    assert_eq!(first.fingerprint(), again.fingerprint());
    let mut other = in_memory(&tiny(), Stored::Bf16, 1);
    other.get_mut("config.json").unwrap().push(b' ');
    assert_ne!(first.fingerprint(), open(other).unwrap().fingerprint());
}
