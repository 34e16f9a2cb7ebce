//! The dense arrays of transcoders in a dump: which, under which names. Leaves writing them to `dump`.

use super::open::Opened;
use super::report::failure;
use super::tensor_out::Entry;
use crate::session::protocol::{DensePart, Failure, Half, OpenRequest, What};
use crate::spec::DType;

/// Dense arrays to dump.
#[derive(Clone, Debug)]
pub struct Dense {
    layers: Vec<usize>,
    parts: Vec<DensePart>,
    d_transcoder: usize,
    d_model: usize,
}

/// The parts that the halves asked for make; a model must be open before their layers are known.
///
/// Errors: decoders without encoders, which say nothing of a prompt.
pub fn wanted(request: &OpenRequest) -> Result<Dense, Failure> {
    let halves = request.transcoders.as_ref().map(|it| &it.halves[..]);
    let parts = match halves {
        None => vec![],
        Some([Half::Encoder]) => vec![DensePart::Pre, DensePart::Acts],
        Some([Half::Decoder]) => {
            let what = "Decoders without encoders have nothing to dump.";
            return Err(failure(what, "Leave --halves away, or give --halves both."));
        }
        Some(_) => vec![DensePart::Pre, DensePart::Acts, DensePart::Out],
    };
    Ok(Dense {
        layers: vec![],
        parts,
        d_transcoder: 0,
        d_model: 0,
    })
}

/// Name of an array in the file.
pub fn name(layer: usize, part: DensePart) -> String {
    format!("blocks.{layer}.transcoder.{part}")
}

impl Dense {
    /// With the layers that are loaded and their sizes.
    pub fn within(self, model: &Opened) -> Self {
        Self {
            layers: model.loaded_layers(),
            d_transcoder: model.plan.d_transcoder,
            d_model: model.config.d_model,
            ..self
        }
    }

    /// What the file will hold of them.
    pub fn entries(&self, n_pos: usize) -> Vec<Entry> {
        let entry = |layer: usize, part: DensePart| Entry {
            name: name(layer, part),
            dtype: DType::F32,
            shape: match part {
                DensePart::Pre | DensePart::Acts => vec![n_pos, self.d_transcoder],
                DensePart::Out => vec![n_pos, self.d_model],
            },
        };
        let of_layer = |layer: &usize| self.parts.iter().map(|it| entry(*layer, *it)).collect();
        self.layers
            .iter()
            .flat_map::<Vec<Entry>, _>(of_layer)
            .collect()
    }

    /// The question for them, if there are any.
    pub fn question(&self) -> Option<What> {
        let is_any = !self.layers.is_empty() && !self.parts.is_empty();
        is_any.then(|| What::Dense {
            layers: Some(self.layers.clone()),
            parts: self.parts.clone(),
        })
    }
}
