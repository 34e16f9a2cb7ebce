//! Heads of files -> the parts that they consist of. Leaves cutting to `pieces`.

use super::{
    CheckpointHead, DictionaryHead, PackedTensor, PartPlan, WeightsError, checkpoint::n_out_n_in,
    dictionary_file::VECTORS, dictionary_head::label, pieces::SourceTensor, stripes::Order,
};
use crate::spec::{
    Config, DictionaryArray, Half, Layout, Matrix, Norm, Packing, Part, TensorName, TensorSpec,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Tiles of the table of tokens have about so many bytes in bf16.
const TILE_BYTES: usize = 64 << 20;
/// And a multiple of so many rows.
const TILE_ROWS: usize = 64;

/// How parts are cut.
#[derive(Clone, Debug)]
pub struct Cut {
    /// How the model's matrices, or a dictionary's, are packed.
    pub packing: Packing,
    /// Bytes of a piece at most.
    pub piece_bytes: u64,
}

impl CheckpointHead {
    /// All parts of the model; `opening` are the tokens of the opening set.
    ///
    /// Errors: the head is not one of Gemma 2.
    pub fn parts(&self, cut: &Cut, opening: &[u32]) -> Result<Vec<PartPlan>, WeightsError> {
        let config = self.config()?;
        let gaps = self.gaps();
        let source = |name: TensorName| self.source_tensor(name.spec(&config), cut, &gaps);
        let plan = |part, tensors| PartPlan::new(part, tensors, cut.piece_bytes);
        let embed = source(TensorName::Embed)?;
        let mut first = self.opening(&embed, &config, opening);
        first.push(source(TensorName::FinalNorm)?);
        let mut out = vec![plan(Part::Opening, first)];
        for (n, it) in tiles(&embed, &config).into_iter().enumerate() {
            out.push(plan(Part::Embedding(n), vec![it]));
        }
        for layer in 0..config.n_layers {
            let norm = |it| source(TensorName::Norm(layer, it));
            let matrix = |it| source(TensorName::Matrix(layer, it));
            let attention = vec![
                matrix(Matrix::Q)?,
                matrix(Matrix::K)?,
                matrix(Matrix::V)?,
                matrix(Matrix::O)?,
                norm(Norm::Input)?,
                norm(Norm::PostAttention)?,
            ];
            out.push(plan(Part::Attention(layer), attention));
            let mlp = vec![
                matrix(Matrix::Gate)?,
                matrix(Matrix::Up)?,
                matrix(Matrix::Down)?,
                norm(Norm::PreFeedforward)?,
                norm(Norm::PostFeedforward)?,
            ];
            out.push(plan(Part::Mlp(layer), mlp));
        }
        Ok(out)
    }

    fn opening(&self, embed: &SourceTensor, config: &Config, ids: &[u32]) -> Vec<SourceTensor> {
        let ids: BTreeSet<usize> = ids.iter().map(|it| *it as usize).collect();
        let mut runs: Vec<Range<usize>> = Vec::new();
        for id in ids.into_iter().filter(|it| *it < config.d_vocab) {
            match runs.last_mut() {
                Some(run) if run.end == id => run.end += 1,
                _ => runs.push(id..id + 1),
            }
        }
        let run = |rows: Range<usize>| SourceTensor {
            lead_bytes: 0,
            tail_bytes: 0,
            ..embed.of_rows(rows)
        };
        runs.into_iter().map(run).collect()
    }

    fn source_tensor(
        &self,
        spec: TensorSpec,
        cut: &Cut,
        gaps: &Gaps,
    ) -> Result<SourceTensor, WeightsError> {
        let (file, entry) = self.entry(&spec)?;
        let (n_out, n_in) = n_out_n_in(&spec);
        let (lead_bytes, tail_bytes) = gaps.of(file, entry.range.start);
        let packing = match spec.shape.len() {
            1 => Packing::F32,
            _ => cut.packing,
        };
        Ok(SourceTensor {
            label: spec.file_name.clone(),
            file: file.clone(),
            at: entry.range.start,
            dtype: entry.dtype,
            order: None,
            lead_bytes,
            tail_bytes,
            packed: PackedTensor {
                name: spec.file_name,
                rows: 0..n_out,
                n_in,
                packing,
                layout: Layout::Rows,
                at: 0,
            },
        })
    }

    fn gaps(&self) -> Gaps {
        let mut gaps = Gaps::default();
        for (file, file_bytes) in &self.layout.file_bytes {
            let tensors = self.layout.tensors.values();
            let tensors = tensors.filter(|it| it.0 == *file);
            gaps.add(file, *file_bytes, tensors.map(|it| it.1.range.clone()));
        }
        gaps
    }
}

impl DictionaryHead {
    /// The vectors, and the halves asked for.
    ///
    /// Errors: [`WeightsError::MissingArray`].
    pub fn parts(&self, cut: &Cut, halves: &[Half]) -> Result<Vec<PartPlan>, WeightsError> {
        let layer = self.dictionary.layer;
        let mut gaps = Gaps::default();
        let mut ranges = Vec::new();
        for array in DictionaryArray::ALL {
            ranges.push(self.entry(array)?.range.clone());
        }
        gaps.add(&self.file, self.file_bytes, ranges.into_iter());
        let source = |array| self.source_tensor(array, cut, &gaps);
        let vectors = VECTORS.into_iter().map(source);
        let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
        let plan = |part, tensors| PartPlan::new(part, tensors, cut.piece_bytes);
        let mut out = vec![plan(Part::Vectors(layer), vectors)];
        for half in [Half::Encoder, Half::Decoder] {
            let array = match half {
                Half::Encoder => DictionaryArray::WEnc,
                Half::Decoder => DictionaryArray::WDec,
            };
            if halves.contains(&half) {
                out.push(plan(Part::half(layer, half), vec![source(array)?]));
            }
        }
        Ok(out)
    }

    fn source_tensor(
        &self,
        array: DictionaryArray,
        cut: &Cut,
        gaps: &Gaps,
    ) -> Result<SourceTensor, WeightsError> {
        let entry = self.entry(array)?;
        let (lead_bytes, tail_bytes) = gaps.of(&self.file, entry.range.start);
        let it = &self.dictionary;
        let (rows, n_in) = match array {
            DictionaryArray::WEnc => (it.d_transcoder, it.d_in),
            DictionaryArray::WDec => (it.d_transcoder, it.d_out),
            DictionaryArray::BEnc | DictionaryArray::Threshold => (1, it.d_transcoder),
            DictionaryArray::BDec => (1, it.d_out),
        };
        let is_matrix = matches!(array, DictionaryArray::WEnc | DictionaryArray::WDec);
        let is_encoder = array == DictionaryArray::WEnc;
        Ok(SourceTensor {
            label: label(&self.file, array),
            file: self.file.clone(),
            at: entry.range.start,
            dtype: entry.dtype,
            order: match is_encoder {
                true => Some(self.order()?),
                false => None::<Order>,
            },
            lead_bytes,
            tail_bytes,
            packed: PackedTensor {
                name: array.name().into(),
                rows: 0..rows,
                n_in,
                packing: if is_matrix { cut.packing } else { Packing::F32 },
                layout: if is_encoder {
                    Layout::Stripes
                } else {
                    Layout::Rows
                },
                at: 0,
            },
        })
    }
}

impl SourceTensor {
    /// Some rows of a matrix that is kept row by row.
    fn of_rows(&self, rows: Range<usize>) -> Self {
        let mut it = self.clone();
        it.at += rows.start as u64 * self.row_bytes();
        it.packed.rows = rows;
        it
    }
}

/// The rows of each tile of the table of tokens.
pub fn embedding_tiles(config: &Config) -> impl Iterator<Item = Range<usize>> {
    let rows = TILE_BYTES / (2 * config.d_model) / TILE_ROWS;
    let rows = rows.max(1) * TILE_ROWS;
    let d_vocab = config.d_vocab;
    (0..d_vocab)
        .step_by(rows)
        .map(move |start| start..d_vocab.min(start + rows))
}

/// The table of tokens in tiles.
fn tiles(embed: &SourceTensor, config: &Config) -> Vec<SourceTensor> {
    let tile = |rows: Range<usize>| SourceTensor {
        lead_bytes: if rows.start == 0 { embed.lead_bytes } else { 0 },
        tail_bytes: if rows.end == config.d_vocab {
            embed.tail_bytes
        } else {
            0
        },
        ..embed.of_rows(rows)
    };
    embedding_tiles(config).map(tile).collect()
}

/// Bytes of files that belong to no tensor: headers, directories, padding. They go with the tensor behind them, the last with the one before.
#[derive(Default)]
struct Gaps(BTreeMap<(String, u64), (u64, u64)>);

impl Gaps {
    fn add(&mut self, file: &str, file_bytes: u64, tensors: impl Iterator<Item = Range<u64>>) {
        let mut tensors: Vec<_> = tensors.collect();
        tensors.sort_by_key(|it| (it.start, it.end));
        let mut end = 0;
        for (n, it) in tensors.iter().enumerate() {
            let lead = it.start.saturating_sub(end);
            end = end.max(it.end);
            let is_last = n + 1 == tensors.len();
            let tail = if is_last {
                file_bytes.saturating_sub(end)
            } else {
                0
            };
            self.0.insert((file.into(), it.start), (lead, tail));
        }
    }

    /// Bytes before the tensor that begins at `at`, and behind it.
    fn of(&self, file: &str, at: u64) -> (u64, u64) {
        let found = self.0.get(&(file.to_string(), at));
        found.copied().unwrap_or((0, 0))
    }
}
