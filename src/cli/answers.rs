//! Questions about a run whose answers come in pieces, gathered. Leaves what is shown of them to each command.

use super::report::failure;
use super::session::Session;
use crate::session::protocol::{
    Applied, Array, CommandBody, Distribution, Failure, Partial, RunKey, What,
};
use crate::spec::{DType, Positions};

/// Active features of a layer at the positions asked for.
#[derive(Debug, Default)]
pub struct LayerFeatures {
    pub layer: usize,
    pub active: Vec<Active>,
    /// What interventions set.
    pub applied: Vec<Applied>,
}

/// A feature that is active, in the run or in the clean one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Active {
    pub pos: usize,
    pub index: usize,
    /// 0 if it is active in the clean run only.
    pub activation: f32,
    /// The same as `activation` if the run is a clean one.
    pub clean: f32,
}

/// A feature's effect on a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    pub layer: usize,
    pub pos: usize,
    pub index: usize,
    pub effect: f32,
}

/// What a run is asked: which, at which positions.
#[derive(Clone, Debug)]
pub struct About {
    pub run: RunKey,
    pub positions: Positions,
}

impl About {
    /// The question as a command.
    pub fn ask(&self, what: What) -> CommandBody {
        CommandBody::Ask {
            run: self.run.clone(),
            what,
            positions: self.positions,
        }
    }
}

/// Active features, layer by layer, of the layers asked for or all that are loaded.
pub fn features(
    session: &mut Session,
    about: &About,
    layers: Option<Vec<usize>>,
) -> Result<Vec<LayerFeatures>, Failure> {
    let mut out: Vec<LayerFeatures> = Vec::new();
    session.call_with(about.ask(What::Features { layers }), &mut |it, parts| {
        let Partial::Features {
            layer,
            places,
            activations,
            clean,
            applied,
        } = it
        else {
            return Ok(());
        };
        let activations = f32s(&activations, &parts)?;
        let clean = clean.map(|it| f32s(&it, &parts)).transpose()?;
        let active = join(&pairs(&places, &parts)?, &activations, clean.as_deref())?;
        let at = out.iter().position(|it| it.layer == layer);
        let at = at.unwrap_or_else(|| {
            out.push(LayerFeatures {
                layer,
                ..LayerFeatures::default()
            });
            out.len() - 1
        });
        out[at].active.extend(active);
        out[at].applied.extend(applied);
        Ok(())
    })?;
    out.sort_by_key(|it| it.layer);
    Ok(out)
}

/// Direct effects of active features on a token's logit.
pub fn effects(session: &mut Session, about: &About, token: u32) -> Result<Vec<Effect>, Failure> {
    let mut out = Vec::new();
    let layers = None;
    session.call_with(
        about.ask(What::Effects { token, layers }),
        &mut |it, parts| {
            if let Partial::Effects {
                layer,
                places,
                effects,
            } = it
            {
                let effects = f32s(&effects, &parts)?;
                for it in join(&pairs(&places, &parts)?, &effects, None)? {
                    out.push(Effect {
                        layer,
                        pos: it.pos,
                        index: it.index,
                        effect: it.activation,
                    });
                }
            }
            Ok(())
        },
    )?;
    Ok(out)
}

/// Distributions of the next token, by position.
pub fn probs(
    session: &mut Session,
    about: &About,
    top_k: usize,
    asked: Vec<u32>,
) -> Result<Vec<Distribution>, Failure> {
    let mut out = Vec::new();
    session.call_with(about.ask(What::Probs { top_k, asked }), &mut |it, _| {
        if let Partial::Probs(it) = it {
            out.push(it);
        }
        Ok(())
    })?;
    out.sort_by_key(|it: &Distribution| it.pos);
    Ok(out)
}

/// The numbers of an f32 array.
pub fn f32s(array: &Array, parts: &[Vec<u8>]) -> Result<Vec<f32>, Failure> {
    let words = words(array, parts, DType::F32)?;
    Ok(words.iter().map(|it| f32::from_le_bytes(*it)).collect())
}

fn join(
    places: &[(usize, usize)],
    activations: &[f32],
    clean: Option<&[f32]>,
) -> Result<Vec<Active>, Failure> {
    let clean = clean.unwrap_or(activations);
    if places.len() != activations.len() || places.len() != clean.len() {
        return Err(misfit());
    }
    let numbers = activations.iter().zip(clean);
    let all = places.iter().zip(numbers);
    let active = |(&(pos, index), (&activation, &clean)): (&(usize, usize), (&f32, &f32))| Active {
        pos,
        index,
        activation,
        clean,
    };
    Ok(all.map(active).collect())
}

/// The pairs of an i32 array `[n, 2]`.
fn pairs(array: &Array, parts: &[Vec<u8>]) -> Result<Vec<(usize, usize)>, Failure> {
    let words = words(array, parts, DType::I32)?;
    let numbers: Vec<usize> = words
        .iter()
        .map(|it| i32::from_le_bytes(*it).max(0) as usize)
        .collect();
    let (pairs, _) = numbers.as_chunks::<2>();
    Ok(pairs.iter().map(|[a, b]| (*a, *b)).collect())
}

fn words<'a>(array: &Array, parts: &'a [Vec<u8>], dtype: DType) -> Result<&'a [[u8; 4]], Failure> {
    let bytes = parts.get(array.part).map_or(&[][..], Vec::as_slice);
    let (words, rest) = bytes.as_chunks::<4>();
    let n: usize = array.shape.iter().product();
    if array.dtype == dtype && words.len() == n && rest.is_empty() {
        Ok(words)
    } else {
        Err(misfit())
    }
}

fn misfit() -> Failure {
    failure(
        "The engine told numbers in a form that is none of the protocol.",
        "Please report this.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_do_not_fit_each_other_are_errors() {
        let array = |dtype, shape: &[usize], part| Array {
            dtype,
            shape: shape.to_vec(),
            part,
        };
        let parts = [
            [1i32, 7].map(i32::to_le_bytes).concat(),
            2f32.to_le_bytes().to_vec(),
        ];
        let places = pairs(&array(DType::I32, &[1, 2], 0), &parts).expect("pairs");
        let numbers = f32s(&array(DType::F32, &[1], 1), &parts).expect("numbers");
        assert_eq!((&places[..], &numbers[..]), (&[(1, 7)][..], &[2.0][..]));
        assert!(f32s(&array(DType::F32, &[2], 1), &parts).is_err());
        assert!(f32s(&array(DType::F32, &[1], 2), &parts).is_err());
        assert!(f32s(&array(DType::I32, &[1], 1), &parts).is_err());
        assert!(join(&places, &numbers, Some(&[])).is_err());
        let joined = join(&places, &numbers, Some(&[3.0])).expect("they fit");
        assert_eq!((joined[0].activation, joined[0].clean), (2.0, 3.0));
    }
}
