//! The context grows between runs, never in one.

use super::{
    Model, ModelError, PlanRequest,
    buffers::{Context, Scratch},
    load::State,
    plan,
    sizes::Sizes,
};
use crate::spec::{Plan, ScopePlan};

/// A context that is grown is grown to a multiple of this.
const STEP: usize = 256;

impl Model {
    /// Sees to it that `n_pos` positions fit, under the budget the model was planned with.
    ///
    /// Errors: [`ModelError::TooLong`] beyond the model's own context, [`ModelError::Memory`] beyond the budget; the
    /// context is then what it was.
    pub async fn make_room(&mut self, n_pos: usize) -> Result<(), ModelError> {
        if n_pos <= self.context.n_ctx {
            return Ok(());
        }
        let n_ctx_max = self.config().n_ctx_max;
        if n_pos > n_ctx_max {
            return Err(ModelError::TooLong {
                n_pos,
                n_ctx: n_ctx_max,
            });
        }
        let n_ctx = n_pos.next_multiple_of(STEP).min(n_ctx_max);
        let scope_bytes = self.plan.scope.as_ref().map_or(0, ScopePlan::total_bytes);
        let request = PlanRequest {
            precision: self.plan.precision,
            n_ctx: Some(n_ctx),
            max_gpu_bytes: self
                .plan
                .max_gpu_bytes
                .map(|it| it.saturating_sub(scope_bytes)),
            n_kept: self.plan.n_kept,
            d_transcoder: self.plan.d_transcoder,
        };
        let plan = plan(self.config(), self.plan.max_binding_bytes, request)?;
        let total_bytes =
            plan.total_bytes + scope_bytes + self.plan.weight_bytes - plan.weight_bytes;
        if plan.n_resident < self.plan.n_resident {
            // Layers stay where they are; a longer prompt would push some out.
            return Err(ModelError::Memory {
                needed: total_bytes,
                allowed: self.plan.max_gpu_bytes.unwrap_or(u64::MAX),
            });
        }
        self.replace_context(n_ctx).await?;
        self.plan = Plan {
            n_resident: self.plan.n_resident,
            weight_bytes: self.plan.weight_bytes,
            max_gpu_bytes: self.plan.max_gpu_bytes,
            scope: self.plan.scope.clone(),
            total_bytes,
            ..plan
        };
        Ok(())
    }

    /// Lets go of the old cache first, so that both are never there; on failure the old size comes back.
    async fn replace_context(&mut self, n_ctx: usize) -> Result<(), ModelError> {
        let old = self.context.n_ctx;
        self.state = State::default();
        self.gpu.forget_groups();
        let (gpu, config) = (self.gpu.clone(), self.config().clone());
        let mut failed = None;
        for n in [n_ctx, old] {
            (self.scratch, self.context) = (Scratch::detached(), Context::detached());
            let sizes = Sizes::new(
                &config,
                n,
                self.plan.max_binding_bytes,
                self.plan.d_transcoder,
            )?;
            let scratch = Scratch::new(&gpu, &config, &sizes).await;
            let context = Context::new(&gpu, &config, &sizes, n).await;
            match (scratch, context) {
                (Ok(scratch), Ok(context)) => {
                    (self.scratch, self.context, self.sizes) = (scratch, context, sizes);
                    return failed.map_or(Ok(()), Err);
                }
                (Err(error), _) => failed = failed.or(Some(error.into())),
                (_, Err(error)) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or(ModelError::NoRun))
    }
}
