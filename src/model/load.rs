//! From a checkpoint and a plan to a model that runs.

use super::{
    ModelError, Stage,
    arrive::{Arrived, Halves, Slot, Told},
    buffers::{Context, Scratch},
    kept::{Kept, Rows},
    layers::{Ends, Layer},
    plan::{largest_readback, upload_window},
    sizes::Sizes,
};
use crate::{
    gpu::{Gpu, Kernel, Recording},
    ops::Heads,
    spec::{Config, Plan, Sampling, Write},
    sys::Stop,
    weights::Checkpoint,
};
use std::rc::Rc;

/// A model on a device.
pub struct Model {
    pub(super) gpu: Rc<Gpu>,
    pub(super) checkpoint: Rc<Checkpoint>,
    pub(super) plan: Plan,
    pub(super) sizes: Sizes,
    pub(super) heads: Heads,
    pub(super) ends: Ends,
    /// Layers that stay.
    pub(super) layers: Vec<Layer>,
    /// The slot of those that don't.
    pub(super) slot: Option<Slot>,
    /// What of all this has arrived.
    pub(super) arrived: Arrived,
    pub(super) scratch: Scratch,
    pub(super) context: Context,
    /// Runs that others are derived from.
    pub(super) kept: Kept,
    /// What the cache and the final rows are of.
    pub(super) state: State,
}

/// A prompt that has been run, with the writes made on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub ids: Vec<u32>,
    pub writes: Vec<Write>,
    /// What the caller calls a derived run; 0 for the clean one.
    pub label: u64,
    /// How far it came; only a whole run can be asked and continued.
    pub stage: Stage,
    /// Kept rows of the run whose final norm's scales count, where they were frozen.
    pub final_scales: Option<Rows>,
}

impl Model {
    /// Takes the planned memory, compiles and tries every kernel, then streams in the weights that are there;
    /// [`Model::arrive`] takes up those that come later.
    ///
    /// Errors: [`ModelError`]; nothing stays on the device.
    pub async fn load(
        gpu: Rc<Gpu>,
        checkpoint: Rc<Checkpoint>,
        plan: &Plan,
        told: &mut dyn FnMut(Told),
        stop: &Stop,
    ) -> Result<Self, ModelError> {
        let mut model = Self::allocate(gpu.clone(), checkpoint, plan).await?;
        let kernels = model.kernels();
        let mut of_kernels = |done, total| {
            told(Told {
                phase: "compiling",
                done,
                total,
                unit: "kernels",
            })
        };
        gpu.prepare(&kernels, &mut of_kernels).await?;
        model.arrive(told, stop).await?;
        Ok(model)
    }

    async fn allocate(
        gpu: Rc<Gpu>,
        checkpoint: Rc<Checkpoint>,
        plan: &Plan,
    ) -> Result<Self, ModelError> {
        let config = checkpoint.config().clone();
        let sizes = Sizes::new(
            &config,
            plan.n_ctx,
            plan.max_binding_bytes,
            plan.d_transcoder,
        )?;
        let packing = plan.precision.of_model();
        let window_bytes = upload_window(plan.weight_bytes);
        gpu.reserve(largest_readback(&config, &sizes), window_bytes)
            .await?;
        let scratch = Scratch::new(&gpu, &config, &sizes).await?;
        let context = Context::new(&gpu, &config, &sizes, plan.n_ctx).await?;
        let kept = Kept::new(&gpu, &config, plan.n_kept).await?;
        let ends = Ends::new(&gpu, &config, &sizes, packing).await?;
        let mut layers = Vec::new();
        for layer in 0..plan.n_resident {
            layers
                .push(Layer::new(&gpu, &config, &sizes, packing, &format!("layer {layer}")).await?);
        }
        let slot = match plan.n_resident < config.n_layers {
            true => Some(Slot {
                layer: Layer::new(&gpu, &config, &sizes, packing, "the layer paged in").await?,
                holds: None,
                halves: Halves::default(),
            }),
            false => None,
        };
        gpu.finish_uploads().await?;
        let heads = heads(&config);
        let plan = plan.clone();
        let arrived = Arrived {
            layers: vec![Halves::default(); layers.len()],
            ..Arrived::default()
        };
        Ok(Self {
            gpu,
            checkpoint,
            plan,
            sizes,
            heads,
            ends,
            layers,
            slot,
            arrived,
            scratch,
            context,
            kept,
            state: State::default(),
        })
    }

    /// Every kernel that a pass or a question may play, each once.
    fn kernels(&self) -> Vec<Kernel> {
        let mut recording = Recording::default();
        let layer = self
            .layers
            .first()
            .or(self.slot.as_ref().map(|it| &it.layer));
        let Some(layer) = layer else {
            return Vec::new();
        };
        for n_pos in [1, self.sizes.n_block] {
            let scales = || self.own_scales();
            self.record_embed(&mut recording, 0, n_pos);
            self.record_norm(&mut recording, n_pos, scales());
            self.record_qkv(&mut recording, layer, n_pos);
            self.record_cache(&mut recording, 0, (0, n_pos));
            self.record_sums(&mut recording, 0, (0, n_pos));
            self.record_attention_output(&mut recording, layer, n_pos);
            self.record_mlp(&mut recording, layer, n_pos);
            self.record_branch(&mut recording, &layer.post_attention, n_pos, scales());
            let n_logits = n_pos.min(self.sizes.n_logits);
            self.record_logits(&mut recording, n_logits, scales());
            self.record_told(&mut recording, n_logits, (1, 1));
        }
        self.record_pattern(&mut recording, 0, (0, 1), 0);
        self.record_pattern_applied(&mut recording, 0, (0, 1), 0);
        self.record_token(&mut recording, layer, 0, 0);
        self.record_choice(&mut recording, &Sampling::GREEDY, 0, 0);
        self.record_choice(
            &mut recording,
            &Sampling {
                temperature: 1.0,
                ..Sampling::GREEDY
            },
            0,
            0,
        );
        let mut kernels: Vec<Kernel> = Vec::new();
        for it in recording.dispatches() {
            if !kernels.contains(&it.kernel) {
                kernels.push(it.kernel.clone());
            }
        }
        kernels
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        self.checkpoint.config()
    }

    /// The plan that it was loaded by.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether the last run was of exactly this prompt with these writes and this label, and whole, so that it can be asked and
    /// continued.
    pub fn holds(&self, ids: &[u32], writes: &[Write], label: u64) -> bool {
        let it = &self.state;
        self.whole_ids() == ids && !ids.is_empty() && it.writes == writes && it.label == label
    }

    /// The prompt of the last run; empty if it did not come to the end.
    pub(super) fn whole_ids(&self) -> &[u32] {
        match self.state.stage == self.end() {
            true => &self.state.ids,
            false => &[],
        }
    }
}

fn heads(config: &Config) -> Heads {
    Heads {
        n_heads: config.n_heads,
        n_kv_heads: config.n_kv_heads,
        d_head: config.d_head,
        scale: config.query_pre_attn_scalar.powf(-0.5),
        cap: config.attn_softcap,
    }
}
