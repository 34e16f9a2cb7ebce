//! Who looks at activations, or changes them, on the GPU while a pass goes by. Leaves what is made of them to the rooms above.

use super::ModelError;
use crate::{
    gpu::{Buffer, Gpu, Recording},
    spec::Site,
    sys::Stop,
};
use futures_util::future::LocalBoxFuture;

/// Somebody who is called at sites of a pass.
pub trait Tap {
    /// Whether it wants to be called at a site.
    fn touches(&self, site: Site) -> bool;

    /// Called when the rows of a block stand at a site; may record more, and play what is recorded.
    fn visit<'a>(&'a mut self, at: At<'a>) -> LocalBoxFuture<'a, Result<(), ModelError>>;

    /// Called when all that was recorded for a block has been submitted.
    fn end_of_block<'a>(
        &'a mut self,
        gpu: &'a Gpu,
        stop: &'a Stop,
    ) -> LocalBoxFuture<'a, Result<(), ModelError>>;
}

/// Where a pass is.
pub struct At<'a> {
    /// The site.
    pub site: Site,
    /// Its activations: `[n_pos, width]` f32, to be read or changed.
    pub rows: &'a Buffer,
    /// Width of a row.
    pub width: usize,
    /// The first position of the block, and how many it has.
    pub block: (usize, usize),
    /// Positions of the whole prompt.
    pub n_total: usize,
    /// What has been recorded and not played.
    pub recording: &'a mut Recording,
    /// The device.
    pub gpu: &'a Gpu,
    /// Set to stop.
    pub stop: &'a Stop,
}

impl At<'_> {
    /// Plays what is recorded so far.
    ///
    /// Errors: [`ModelError::Stopped`], [`ModelError::Gpu`].
    pub async fn play(&mut self) -> Result<(), ModelError> {
        let recording = std::mem::take(self.recording);
        Ok(self.gpu.play(&recording, self.stop).await?)
    }
}
