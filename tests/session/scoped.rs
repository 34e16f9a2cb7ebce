//! What the tests of the scope share: an open model with transcoders, derived runs by short names, pieces of answers taken apart.

use crate::asking::*;
use gemscope::session::protocol::*;
use gemscope::session::{Client, Told};
use gemscope::spec::{FeatureId, Positions, Site};

/// A prompt of 24 tokens, of the goldens; feature 2.176 is active at position 21.
pub const LONGER: [u32; 24] = [
    2, 304, 310, 366, 21, 252, 81, 209, 475, 283, 42, 281, 72, 387, 485, 501, 321, 445, 193, 80,
    265, 231, 341, 509,
];

/// Both halves of the transcoders of every layer.
pub fn transcoders(preset: &str) -> TranscoderRequest {
    TranscoderRequest {
        place: TranscoderRef::Synth {
            preset: preset.into(),
        },
        layers: None,
        halves: vec![Half::Encoder, Half::Decoder],
        average_l0: vec![],
    }
}

/// `nano` with its transcoders.
pub fn scoped() -> OpenRequest {
    OpenRequest {
        transcoders: Some(transcoders("nano")),
        ..nano()
    }
}

/// A client with `nano` and its transcoders open, or none.
pub fn scoped_client(options: gemscope::session::EngineOptions) -> Option<Client> {
    let mut client = client(options)?;
    done(&mut client, open(scoped()));
    Some(client)
}

pub fn plan_of(client: &mut Client) -> Plan {
    described(client).open.expect("a model is open").plan
}

pub fn parse(texts: &[&str]) -> Vec<Intervention> {
    texts.iter().map(|it| it.parse().expect(it)).collect()
}

pub fn id(text: &str) -> FeatureId {
    text.parse().expect("a feature")
}

pub fn derive(run: &RunKey, texts: &[&str], splice: Option<Splice>, mode: Mode) -> CommandBody {
    CommandBody::Derive {
        run: run.clone(),
        interventions: parse(texts),
        splice,
        mode,
        want: vec![],
    }
}

/// A frozen run with these interventions.
pub fn steer(run: &RunKey, texts: &[&str]) -> CommandBody {
    derive(run, texts, None, Mode::Frozen)
}

pub fn splice(run: &RunKey, splice: Splice) -> CommandBody {
    derive(run, &[], Some(splice), Mode::Frozen)
}

/// A prompt with a change at a site.
pub fn written(ids: &[u32], site: Site, positions: Positions, change: Change) -> CommandBody {
    CommandBody::Run {
        input: Input::Ids(ids.into()),
        want: vec![],
        writes: vec![Write {
            site,
            positions,
            change,
        }],
    }
}

pub fn ask(run: &RunKey, what: What) -> CommandBody {
    CommandBody::Ask {
        run: run.clone(),
        what,
        positions: Positions::All,
    }
}

pub fn ask_features(run: &RunKey, layers: Option<&[usize]>) -> CommandBody {
    let layers = layers.map(<[usize]>::to_vec);
    ask(run, What::Features { layers })
}

pub fn ask_dense(run: &RunKey, layers: &[usize], parts: &[DensePart]) -> CommandBody {
    let (layers, parts) = (Some(layers.into()), parts.into());
    ask(run, What::Dense { layers, parts })
}

pub fn ask_lens(run: &RunKey, layers: Option<&[usize]>) -> CommandBody {
    let what = What::Lens {
        layers: layers.map(<[usize]>::to_vec),
        top_k: 3,
        asked: vec![7],
    };
    ask(run, what)
}

pub fn ask_metrics(run: &RunKey, splices: &[Splice]) -> CommandBody {
    let splices = splices.into();
    let pooled_with = Vec::new();
    ask(
        run,
        What::Metrics {
            splices,
            pooled_with,
        },
    )
}

pub fn ask_effects(run: &RunKey, token: u32, layers: Option<&[usize]>) -> CommandBody {
    let layers = layers.map(<[usize]>::to_vec);
    ask(run, What::Effects { token, layers })
}

pub fn card(feature: &str, nearest_in: &[usize]) -> CommandBody {
    CommandBody::Feature {
        feature: id(feature),
        question: FeatureQuestion {
            n_tokens: 10,
            de_embedding: true,
            nearest_in: nearest_in.into(),
            n_nearest: 3,
            n_examples: 5,
        },
    }
}

/// The same question at some positions only.
pub fn at(body: CommandBody, of: Positions) -> CommandBody {
    match body {
        CommandBody::Ask { run, what, .. } => CommandBody::Ask {
            run,
            what,
            positions: of,
        },
        other => panic!("{other:?}"),
    }
}

/// A piece of an answer with the bytes beside it.
pub type Piece = (Partial, Vec<Vec<u8>>);

/// The pieces of an answer, in order.
pub fn pieces(client: &mut Client, body: CommandBody) -> Vec<Piece> {
    let what = format!("{body:?}");
    let mut out = Vec::new();
    let mut on = |it: Told| {
        if let Told::Partial(it, parts) = it {
            out.push((it, parts));
        }
    };
    let outcome = client.call(body, &mut on);
    assert_eq!(outcome, Ok(Outcome::Nothing), "{what}");
    out
}

/// Features of a layer, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OfLayer {
    pub layer: usize,
    pub places: Vec<[i32; 2]>,
    pub activations: Vec<f32>,
    pub clean: Option<Vec<f32>>,
    pub applied: Vec<Applied>,
}

impl OfLayer {
    /// (place, activation, clean activation) of each; of a clean run both are the same.
    pub fn rows(&self) -> Vec<([i32; 2], f32, f32)> {
        let clean = self.clean.as_ref().unwrap_or(&self.activations);
        let both = self.activations.iter().zip(clean);
        let rows = self.places.iter().zip(both);
        rows.map(|(place, (now, clean))| (*place, *now, *clean))
            .collect()
    }
}

fn numbers<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
    array: &Array,
    parts: &[Vec<u8>],
) -> Vec<T> {
    let out: Vec<T> = bytemuck::pod_collect_to_vec(&parts[array.part]);
    let per_row = std::mem::size_of::<T>() / 4;
    let n_numbers: usize = array.shape.iter().product();
    assert_eq!(out.len() * per_row, n_numbers);
    out
}

pub fn features(client: &mut Client, body: CommandBody) -> Vec<OfLayer> {
    let mut out = Vec::new();
    for (partial, parts) in pieces(client, body) {
        let Partial::Features {
            layer,
            places,
            activations,
            clean,
            applied,
        } = partial
        else {
            panic!("{partial:?}")
        };
        out.push(OfLayer {
            layer,
            places: numbers(&places, &parts),
            activations: numbers(&activations, &parts),
            clean: clean.map(|it| numbers(&it, &parts)),
            applied,
        });
    }
    out
}

/// Features of all layers.
pub fn all_features(client: &mut Client, run: &RunKey) -> Vec<OfLayer> {
    features(client, ask_features(run, None))
}

/// A dense array of a layer as (first position, width, numbers), pieces joined.
pub fn dense(client: &mut Client, run: &RunKey, layer: usize, of: DensePart) -> (usize, Vec<f32>) {
    let (mut width, mut out) = (0, Vec::new());
    for (partial, parts) in pieces(client, ask_dense(run, &[layer], &[of])) {
        let Partial::Dense {
            layer: told,
            dense,
            first,
            array,
        } = partial
        else {
            panic!("{partial:?}")
        };
        assert_eq!((told, dense), (layer, of));
        width = array.shape[1];
        assert_eq!(
            first * width,
            out.len(),
            "pieces come in the order of positions"
        );
        out.extend(numbers::<f32>(&array, &parts));
    }
    (width, out)
}
