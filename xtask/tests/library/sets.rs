//! The sets that tests fetch: synthetic models and transcoders a few hundred kB large, each made once.

use gemscope::{
    hub::Source,
    spec::{
        Config, DictionaryArray, FetchFrom, FetchRequest, Half, ModelRef, OpenRequest, Precision,
        RepoRef, TranscoderRef, TranscoderRequest,
    },
    sys::block_on,
    weights::synth::{Preset, Stored, Synthetic, Uniform},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};
use xtask::hub::Repo;

pub const MODEL: &str = "o/model";
pub const SHARDED: &str = "o/sharded";
pub const TRANSCODERS: &str = "o/transcoders";
pub const TRACED: &str = "o/traced";
pub const LISTED: &str = "o/listed";
/// Of the model and its transcoders.
pub const N_LAYERS: usize = 2;
/// Tokens of the opening set.
pub const OPENING: [u32; 6] = [2, 3, 9, 130, 300, 511];

pub type Files = BTreeMap<String, Arc<[u8]>>;

static FILES: LazyLock<BTreeMap<&str, Files>> = LazyLock::new(|| {
    let with_tokenizer = |mut files: Files| {
        let text: Vec<u8> = (0..20_000u32).map(|it| (it % 251) as u8).collect();
        files.insert("tokenizer.json".into(), text.into());
        files.insert("README.md".into(), b"# A model".as_slice().into());
        files
    };
    let one = Synthetic::with(&config(), Stored::Bf16, 1);
    let several = Synthetic::with(&config(), Stored::F32, 3);
    let npz = Synthetic::transcoders(Preset::Nano, N_LAYERS);
    let layers = 0..N_LAYERS;
    let traced = layers
        .clone()
        .map(|it| (format!("layer_{it}.safetensors"), traced(it)));
    BTreeMap::from([
        (MODEL, with_tokenizer(read(&one))),
        (SHARDED, with_tokenizer(read(&several))),
        (TRANSCODERS, read(&npz)),
        (TRACED, traced.collect()),
        (
            LISTED,
            Files::from([("config.yaml".into(), list().into_bytes().into())]),
        ),
    ])
});

/// The model: nano with fewer layers and a smaller MLP.
pub fn config() -> Config {
    Config {
        n_layers: N_LAYERS,
        ..Preset::Nano.config()
    }
}

/// The files of a repository.
pub fn files(repo: &str) -> Files {
    FILES[repo].clone()
}

/// All repositories.
pub fn repos() -> Vec<Repo> {
    let repo = |(name, files): (&&str, &Files)| Repo::in_memory(name, files.clone());
    FILES.iter().map(repo).collect()
}

/// A model with its transcoders, both halves.
pub fn set(model: &str, transcoders: &str, precision: Precision, origin: &str) -> OpenRequest {
    OpenRequest {
        model: ModelRef::Hub {
            repo: repo(origin, model),
        },
        transcoders: Some(TranscoderRequest {
            place: TranscoderRef::Hub {
                repo: repo(origin, transcoders),
            },
            layers: None,
            halves: vec![Half::Encoder, Half::Decoder],
            average_l0: Vec::new(),
        }),
        precision,
        n_ctx: None,
        n_kept: None,
        max_gpu_bytes: None,
    }
}

/// A set to be fetched from the Hub.
pub fn request(set: OpenRequest) -> FetchRequest {
    FetchRequest {
        set,
        from: FetchFrom::Hub,
        manifest: None,
        update: false,
    }
}

pub fn repo(origin: &str, name: &str) -> RepoRef {
    format!("{origin}/{name}").parse().expect("an address")
}

fn read(source: &Synthetic) -> Files {
    let names: Vec<String> = source.files().map(str::to_string).collect();
    let file = |name: String| {
        let bytes = block_on(async {
            let size_bytes = source.size(&name).await?;
            source.read(&name, 0..size_bytes).await
        });
        (name, bytes.expect("a file").into_vec().into())
    };
    names.into_iter().map(file).collect()
}

/// A transcoder as circuit-tracer keeps it: the same weights, the encoder with a row per feature.
fn traced(layer: usize) -> Arc<[u8]> {
    let (d_in, n_features) = (config().d_model, Preset::Nano.d_transcoder());
    let weights = |array, n: usize| -> Vec<f32> {
        let uniform = Uniform::of_dictionary(Preset::Nano, layer, array);
        (0..n as u64).map(|it| uniform.at(it)).collect()
    };
    let w_enc = weights(DictionaryArray::WEnc, d_in * n_features);
    let turned = (0..n_features * d_in).map(|it| w_enc[it % d_in * n_features + it / d_in]);
    let arrays: Vec<(&str, Vec<usize>, Vec<f32>)> = vec![
        (
            "W_dec",
            vec![n_features, d_in],
            weights(DictionaryArray::WDec, d_in * n_features),
        ),
        ("W_enc", vec![n_features, d_in], turned.collect()),
        (
            "activation_function.threshold",
            vec![n_features],
            weights(DictionaryArray::Threshold, n_features),
        ),
        ("b_dec", vec![d_in], weights(DictionaryArray::BDec, d_in)),
        (
            "b_enc",
            vec![n_features],
            weights(DictionaryArray::BEnc, n_features),
        ),
    ];
    let bytes = |it: &[f32]| -> Vec<u8> { it.iter().flat_map(|it| it.to_le_bytes()).collect() };
    let arrays: Vec<_> = (arrays.into_iter())
        .map(|(name, shape, it)| (name, shape, bytes(&it)))
        .collect();
    let views = arrays.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F32;
        let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes);
        (name.to_string(), view.expect("a tensor"))
    });
    safetensors::serialize(views, None).expect("a file").into()
}

fn list() -> String {
    let head = "model_name: \"google/gemma-2-2b\"\nmodel_kind: transcoder_set\n\
                feature_input_hook: ln2.hook_normalized\nfeature_output_hook: hook_mlp_out\ntranscoders:\n";
    let l0 = Preset::Nano.average_l0();
    let line =
        |it| format!("- \"hf://{TRANSCODERS}/layer_{it}/width_256/average_l0_{l0}/params.npz\"\n");
    let lines: Vec<String> = (0..N_LAYERS).map(line).collect();
    format!("{head}{}", lines.concat())
}
