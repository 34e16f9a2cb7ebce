//! The memory of model and dictionaries together, planned before a byte is loaded.

use crate::{
    model::{ModelError, PlanRequest, plan as plan_model},
    spec::{Config, Dictionary, Half, Layout, Packing, Plan, ScopePlan},
};

/// Entries of features that are listed for a block without being read layer by layer.
const LISTED: usize = 1 << 20;

/// Dictionaries as they are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// One for each layer, in order.
    pub dictionaries: Vec<Dictionary>,
    /// Which halves.
    pub halves: Vec<Half>,
}

impl Wanted {
    /// Whether a half is wanted.
    pub fn has(&self, half: Half) -> bool {
        self.halves.contains(&half)
    }

    /// Features of the widest.
    pub fn d_transcoder(&self) -> usize {
        let widths = self.dictionaries.iter().map(|it| it.d_transcoder);
        widths.max().unwrap_or(0)
    }

    /// The widest site read, and the widest predicted.
    pub(super) fn widths(&self) -> (usize, usize) {
        let most = |of: fn(&Dictionary) -> usize| self.dictionaries.iter().map(of).max();
        (
            most(|it| it.d_in).unwrap_or(0),
            most(|it| it.d_out).unwrap_or(0),
        )
    }

    fn layers(&self, half: Half) -> Vec<usize> {
        match self.has(half) {
            true => self.dictionaries.iter().map(|it| it.layer).collect(),
            false => Vec::new(),
        }
    }
}

/// Bytes of a half: its matrix as packed, and its vectors.
pub(super) fn half_bytes(it: &Dictionary, half: Half, packing: Packing) -> u64 {
    let bytes = match half {
        Half::Encoder => packing.matrix_bytes(Layout::Stripes, it.d_transcoder, it.d_in),
        Half::Decoder => packing.matrix_bytes(Layout::Rows, it.d_transcoder, it.d_out),
    };
    bytes as u64
}

/// Entries that the list of a block holds: all of one layer's at least.
pub(super) fn list_entries(
    (n_block, d_transcoder, n_layers): (usize, usize, usize),
    max_binding_bytes: u64,
) -> usize {
    let of_layer = n_block * d_transcoder;
    let most = (max_binding_bytes / 8) as usize;
    (of_layer * n_layers)
        .min(LISTED)
        .max(of_layer)
        .min(most.max(of_layer))
}

/// Plans model and dictionaries: everything resident if allowed, else decoders are paged first, then encoders, then the
/// model's layers.
///
/// Errors: as [`crate::model::plan`].
pub fn plan(
    config: &Config,
    max_binding_bytes: u64,
    request: PlanRequest,
    wanted: &Wanted,
) -> Result<Plan, ModelError> {
    if wanted.dictionaries.is_empty() {
        return plan_model(config, max_binding_bytes, request);
    }
    let request = PlanRequest {
        d_transcoder: wanted.d_transcoder(),
        ..request
    };
    let allowed = request.max_gpu_bytes;
    let n = wanted.dictionaries.len();
    let stay = |half| if wanted.has(half) { n } else { 0 };
    let (encoders, decoders) = (stay(Half::Encoder), stay(Half::Decoder));
    let with = |n_encoders: usize, n_decoders: usize, all: bool| {
        let unlimited = PlanRequest {
            max_gpu_bytes: None,
            ..request
        };
        let model = plan_model(config, max_binding_bytes, unlimited)?;
        let scope = scope_plan(&model, wanted, (n_encoders, n_decoders));
        let room = allowed.map(|it| it.saturating_sub(scope.total_bytes()));
        let model = plan_model(
            config,
            max_binding_bytes,
            PlanRequest {
                max_gpu_bytes: room,
                ..request
            },
        )?;
        let complete = model.n_resident == config.n_layers;
        Ok((complete || !all).then(|| Plan {
            max_gpu_bytes: allowed,
            total_bytes: model.total_bytes + scope.total_bytes(),
            scope: Some(scope),
            ..model
        }))
    };
    let fewer_decoders = (0..=decoders).rev().map(|it| (encoders, it));
    let fewer_encoders = (0..encoders).rev().map(|it| (it, 0));
    for (n_encoders, n_decoders) in fewer_decoders.chain(fewer_encoders) {
        match with(n_encoders, n_decoders, true) {
            Ok(Some(plan)) => return Ok(plan),
            Ok(None) | Err(ModelError::Memory { .. }) => (),
            Err(it) => return Err(it),
        }
    }
    let least = with(0, 0, false)?;
    least.ok_or(ModelError::NoRun)
}

fn scope_plan(
    model: &Plan,
    wanted: &Wanted,
    (n_encoders, n_decoders): (usize, usize),
) -> ScopePlan {
    let n = wanted.dictionaries.len();
    let packing = model.precision.of_dictionaries();
    let bytes = |half: Half, n_resident: usize| {
        if !wanted.has(half) {
            return 0;
        }
        let of = |it: &Dictionary| half_bytes(it, half, packing);
        let stay: u64 = wanted.dictionaries.iter().take(n_resident).map(of).sum();
        let slot = wanted.dictionaries.iter().skip(n_resident).map(of).max();
        stay + slot.unwrap_or(0)
    };
    ScopePlan {
        encoder_layers: wanted.layers(Half::Encoder),
        decoder_layers: wanted.layers(Half::Decoder),
        n_encoders_resident: if wanted.has(Half::Encoder) {
            n_encoders
        } else {
            0
        },
        n_decoders_resident: if wanted.has(Half::Decoder) {
            n_decoders
        } else {
            0
        },
        encoder_bytes: bytes(Half::Encoder, n_encoders),
        decoder_bytes: bytes(Half::Decoder, n_decoders),
        scratch_bytes: scratch_bytes(model, wanted, n),
    }
}

/// What the lists of features take, and the vectors of all dictionaries.
fn scratch_bytes(model: &Plan, wanted: &Wanted, n_layers: usize) -> u64 {
    let (d_in, d_out) = wanted.widths();
    let d_transcoder = wanted.d_transcoder();
    let n_block = model.n_block;
    let entries = list_entries((n_block, d_transcoder, n_layers), model.max_binding_bytes);
    let vectors: usize = wanted
        .dictionaries
        .iter()
        .map(|it| 2 * it.d_transcoder + it.d_out)
        .sum();
    let floats = n_block * (d_transcoder + 1)
        + header_words(n_layers, n_block)
        + 2 * entries
        + n_layers * n_block * (d_in + 1)
        + n_block * d_out
        + 1
        + d_transcoder;
    4 * (floats + vectors) as u64
}

/// Words of the header of a list: its total, and where the entries of each position of each layer begin and end.
pub(super) fn header_words(n_layers: usize, n_block: usize) -> usize {
    1 + n_layers * (n_block + 1)
}
