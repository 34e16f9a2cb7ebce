//! The plan of memory: a pure function, computed before a byte is loaded.

use super::{
    ModelError,
    kept::kept_bytes,
    probs::{MAX_ASKED, MAX_TOP_K},
    sizes::Sizes,
};
use crate::{
    gpu::{MAX_DISPATCHES_PER_SUBMIT, SLOT_BYTES, UPLOAD_WINDOW_BYTES},
    ops::argmax_slices,
    spec::{Config, Packing, Plan, Precision, gemma},
};

/// Bytes that one readback takes at most; longer ones come in pieces.
pub(super) const READBACK_BYTES: u64 = 4 << 20;

/// What is asked of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanRequest {
    /// How weights are kept.
    pub precision: Precision,
    /// Positions, or none for the default.
    pub n_ctx: Option<usize>,
    /// Bytes of GPU memory at most, or none for no limit.
    pub max_gpu_bytes: Option<u64>,
    /// Positions of runs that others are derived from; 0 keeps none.
    pub n_kept: usize,
    /// Features of the widest dictionary that will look on; 0 without.
    pub d_transcoder: usize,
}

/// Plans the memory of a model: all weights resident if allowed, else as many layers as fit and one slot for the others.
///
/// Errors: [`ModelError::TooLong`] for a context beyond the model's, [`ModelError::Memory`] if no layer fits,
/// [`ModelError::Binding`] if a row does not fit a binding.
pub fn plan(
    config: &Config,
    max_binding_bytes: u64,
    request: PlanRequest,
) -> Result<Plan, ModelError> {
    config.check()?;
    let n_ctx = request
        .n_ctx
        .unwrap_or(gemma::DEFAULT_N_CTX.min(config.n_ctx_max));
    if n_ctx > config.n_ctx_max {
        return Err(ModelError::TooLong {
            n_pos: n_ctx,
            n_ctx: config.n_ctx_max,
        });
    }
    let n_ctx = n_ctx.max(1);
    let sizes = Sizes::new(config, n_ctx, max_binding_bytes, request.d_transcoder)?;
    let packing = request.precision.of_model();
    for (n_in, _) in matrices(config) {
        sizes.tile_rows(packing, n_in)?;
    }
    let layer_bytes = layer_bytes(config, packing);
    let plan_with = |n_resident: usize| {
        let slots = u64::from(n_resident < config.n_layers);
        let weight_bytes = ends_bytes(config, packing) + (n_resident as u64 + slots) * layer_bytes;
        let kv_bytes = kv_bytes(config, n_ctx);
        let scratch_bytes = scratch_bytes(config, &sizes, n_ctx);
        let kept_bytes = kept_bytes(config, request.n_kept);
        let staging_bytes = upload_window(weight_bytes) + largest_readback(config, &sizes);
        Plan {
            precision: request.precision,
            n_ctx,
            n_block: sizes.n_block,
            max_binding_bytes,
            max_gpu_bytes: request.max_gpu_bytes,
            n_resident,
            weight_bytes,
            n_kept: request.n_kept,
            d_transcoder: request.d_transcoder,
            kv_bytes,
            kept_bytes,
            scratch_bytes,
            staging_bytes,
            scope: None,
            total_bytes: weight_bytes + kv_bytes + kept_bytes + scratch_bytes + staging_bytes,
        }
    };
    let allowed = request.max_gpu_bytes.unwrap_or(u64::MAX);
    (0..=config.n_layers)
        .rev()
        .map(plan_with)
        .find(|it| it.total_bytes <= allowed)
        .ok_or_else(|| ModelError::Memory {
            needed: plan_with(0).total_bytes,
            allowed,
        })
}

/// Width and rows of every matrix of a layer.
fn matrices(config: &Config) -> [(usize, usize); 5] {
    let (d, q, m) = (config.d_model, config.d_q(), config.d_mlp);
    [(d, q + 2 * config.d_kv()), (q, d), (d, m), (d, m), (m, d)]
}

fn layer_bytes(config: &Config, packing: Packing) -> u64 {
    let matrices: u64 = matrices(config)
        .iter()
        .map(|(n_in, n_out)| (packing.row_bytes(*n_in) * n_out) as u64)
        .sum();
    matrices + 4 * row_bytes(config.d_model)
}

/// The table of tokens and the last gain.
fn ends_bytes(config: &Config, packing: Packing) -> u64 {
    packing.row_bytes(config.d_model) as u64 * config.d_vocab as u64 + row_bytes(config.d_model)
}

fn kv_bytes(config: &Config, n_ctx: usize) -> u64 {
    let angles = row_bytes(config.d_head);
    n_ctx as u64 * (2 * config.n_layers as u64 * row_bytes(config.d_kv()) + angles)
}

fn scratch_bytes(config: &Config, sizes: &Sizes, n_ctx: usize) -> u64 {
    let of_block = 3 * config.d_model
        + 1
        + 2 * config.d_q()
        + 2 * config.d_kv()
        + 2 * config.d_mlp
        + 2 * config.n_heads;
    let pattern = config.n_heads * sizes.n_part;
    let of_logits = config.d_vocab + 2 + MAX_ASKED + 2 * MAX_TOP_K;
    let of_context = config.d_model + 1;
    let slices = 2 * argmax_slices::n_slices(config.d_vocab) + MAX_ASKED;
    let uniforms = MAX_DISPATCHES_PER_SUBMIT as u64 * SLOT_BYTES;
    uniforms
        + row_bytes(of_block + pattern) * sizes.n_block as u64
        + row_bytes(of_logits) * sizes.n_logits as u64
        + row_bytes(of_context) * n_ctx as u64
        + row_bytes(slices)
}

/// Bytes that may be under way upwards; never more than there is to load.
pub(super) fn upload_window(weight_bytes: u64) -> u64 {
    weight_bytes.min(UPLOAD_WINDOW_BYTES)
}

/// The largest thing that is read back at once.
pub(super) fn largest_readback(config: &Config, sizes: &Sizes) -> u64 {
    let of_block =
        row_bytes(config.d_model.max(config.n_heads * sizes.n_part)) * sizes.n_block as u64;
    let of_logits = row_bytes(config.d_vocab.max(2 * MAX_TOP_K)) * sizes.n_logits as u64;
    of_block.max(of_logits).min(READBACK_BYTES)
}

fn row_bytes(width: usize) -> u64 {
    4 * width as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(precision: Precision) -> PlanRequest {
        PlanRequest {
            precision,
            ..PlanRequest::default()
        }
    }

    #[test]
    fn gemma_2_2b_fits_where_its_weights_do() {
        let config = Config::gemma_2_2b();
        let reference = plan(
            &config,
            gemma::DEFAULT_MAX_BINDING_BYTES,
            request(Precision::Reference),
        )
        .expect("plan");
        // 2 bytes a weight, 4 for the 105 gains instead of 2.
        assert_eq!(reference.weight_bytes, 5_228_683_776 + 2 * 105 * 2304);
        assert_eq!(
            (reference.n_ctx, reference.n_block, reference.n_resident),
            (1024, 64, 26)
        );
        let compact = plan(
            &config,
            gemma::DEFAULT_MAX_BINDING_BYTES,
            request(Precision::Compact),
        )
        .expect("plan");
        assert!(compact.weight_bytes < reference.weight_bytes * 54 / 100);
    }

    #[test]
    fn a_budget_pages_layers_and_a_small_one_is_refused() {
        let config = Config::gemma_2_2b();
        let budget = |bytes| PlanRequest {
            max_gpu_bytes: Some(bytes),
            ..PlanRequest::default()
        };
        let plan_with = |bytes| plan(&config, gemma::DEFAULT_MAX_BINDING_BYTES, budget(bytes));
        let paged = plan_with(3 << 30).expect("plan");
        assert!(paged.n_resident > 0 && paged.n_resident < 26 && paged.total_bytes <= 3 << 30);
        assert!(matches!(plan_with(1 << 30), Err(ModelError::Memory { .. })));
    }

    #[test]
    fn small_bindings_cut_blocks() {
        let config = Config::gemma_2_2b();
        let small = plan(&config, 1 << 20, PlanRequest::default()).expect("plan");
        assert!(small.n_block < 64);
        let tiny = plan(&config, 4 << 10, PlanRequest::default());
        assert!(matches!(tiny, Err(ModelError::Binding { .. })));
    }
}
