//! Which transcoders a place holds, told by the names of its files. Leaves what is in them to `dictionary_file`.
//!
//! Names are those of Gemma Scope (`layer_3/width_16k/average_l0_54/params.npz`) and of circuit-tracer (`layer_3.safetensors`); other
//! files are passed over.

use super::WeightsError;
use crate::hub::Source;
use std::{collections::BTreeMap, fmt};

/// The transcoders of a place, by layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictionarySet {
    place: String,
    layers: BTreeMap<usize, Vec<Variant>>,
}

/// One transcoder of a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// Features, where its folder says it.
    pub width: Option<usize>,
    /// Features that are active per token in the mean, where its folder says it.
    pub average_l0: Option<usize>,
    /// Its layer.
    pub layer: usize,
    /// Its file in the place.
    pub file: String,
}

/// What is asked of a layer's transcoder; what is left open is the smallest there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Features.
    pub width: Option<usize>,
    /// Features that are active per token in the mean.
    pub average_l0: Option<usize>,
}

impl DictionarySet {
    /// Asks a place for its files.
    ///
    /// Errors: [`WeightsError::NoDictionaries`]; what the source says.
    pub async fn read(source: &dyn Source) -> Result<Self, WeightsError> {
        let names = source.list().await?;
        Self::from_names(&source.name(), names.iter().map(String::as_str))
    }

    /// Finds the transcoders among the names of files; `place` is what messages call it.
    ///
    /// Errors: [`WeightsError::NoDictionaries`].
    pub fn from_names<'a>(
        place: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, WeightsError> {
        let mut layers: BTreeMap<usize, Vec<Variant>> = BTreeMap::new();
        for it in names.into_iter().filter_map(Variant::from_name) {
            layers.entry(it.layer).or_default().push(it);
        }
        layers.values_mut().for_each(|it| it.sort());
        let place = place.to_string();
        match layers.is_empty() {
            true => Err(WeightsError::NoDictionaries { place }),
            false => Ok(Self { place, layers }),
        }
    }

    /// The layers that have one, in order.
    pub fn layers(&self) -> impl Iterator<Item = usize> {
        self.layers.keys().copied()
    }

    /// The transcoders of a layer, small and sparse ones first.
    ///
    /// Errors: [`WeightsError::NoLayer`].
    pub fn variants(&self, layer: usize) -> Result<&[Variant], WeightsError> {
        let variants = self.layers.get(&layer).map(Vec::as_slice);
        variants.ok_or_else(|| WeightsError::NoLayer {
            place: self.place.clone(),
            layer,
            there: list(self.layers()),
        })
    }

    /// The transcoder of a layer that fits a choice; without one, the lowest average L0 of the smallest width, which is the set that
    /// circuit-tracer, SAELens and Neuronpedia use.
    ///
    /// Errors: [`WeightsError::NoLayer`], [`WeightsError::NoVariant`].
    pub fn choose(&self, layer: usize, choice: Choice) -> Result<&Variant, WeightsError> {
        let variants = self.variants(layer)?;
        let found = variants.iter().find(|it| choice.takes(it));
        found.ok_or_else(|| WeightsError::NoVariant {
            place: self.place.clone(),
            layer,
            wanted: choice.to_string(),
            there: list(variants),
        })
    }
}

impl Variant {
    /// Reads the name of a file; none for those of other things.
    pub fn from_name(name: &str) -> Option<Self> {
        let file = name.to_string();
        if let Some(layer) = name.strip_suffix(".safetensors") {
            return Some(Self {
                width: None,
                average_l0: None,
                layer: number(layer.strip_prefix("layer_")?)?,
                file,
            });
        }
        let parts: Vec<&str> = name.split('/').collect();
        let [layer, width, average_l0, "params.npz"] = parts[..] else {
            return None;
        };
        Some(Self {
            width: Some(parse_width(width.strip_prefix("width_")?)?),
            average_l0: Some(number(average_l0.strip_prefix("average_l0_")?)?),
            layer: number(layer.strip_prefix("layer_")?)?,
            file,
        })
    }
}

impl Choice {
    fn takes(self, it: &Variant) -> bool {
        self.width.is_none_or(|width| it.width == Some(width))
            && (self.average_l0).is_none_or(|average_l0| it.average_l0 == Some(average_l0))
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.width, self.average_l0) {
            (None, None) => f.write_str("anything"),
            (Some(width), None) => write!(f, "width {}", width_name(width)),
            (None, Some(l0)) => write!(f, "average L0 {l0}"),
            (Some(width), Some(l0)) => {
                write!(f, "width {} and average L0 {l0}", width_name(width))
            }
        }
    }
}

/// The variant in words: what its folders say, or the name of its file.
impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.width, self.average_l0) {
            (Some(width), Some(l0)) => write!(f, "width {} L0 {l0}", width_name(width)),
            _ => f.write_str(&self.file),
        }
    }
}

/// A number of features as folders have it: thousands and millions of 1024 by their letters.
pub(super) fn width_name(width: usize) -> String {
    const K: usize = 1 << 10;
    const M: usize = 1 << 20;
    match width {
        it if it > 0 && it.is_multiple_of(M) => format!("{}m", it / M),
        it if it > 0 && it.is_multiple_of(K) => format!("{}k", it / K),
        it => it.to_string(),
    }
}

/// `16k`, `1m`, `256`. Source: folders of google/gemma-scope-2b-pt-res.
fn parse_width(text: &str) -> Option<usize> {
    let (digits, shift) = match text.strip_suffix('k') {
        Some(it) => (it, 10),
        None => text.strip_suffix('m').map_or((text, 0), |it| (it, 20)),
    };
    number(digits)?.checked_mul(1 << shift)
}

/// Decimal digits only.
fn number(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let items: Vec<String> = items.into_iter().map(|it| it.to_string()).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 9] = [
        "README.md",
        "config.json",
        "layer_0/width_16k/average_l0_115/params.npz",
        "layer_0/width_16k/average_l0_76/params.npz",
        "layer_0/width_65k/average_l0_9/params.npz",
        "layer_10/width_16k/average_l0_88/params.npz",
        "layer_2/width_1m/average_l0_49/params.npz",
        "layer_2/width_16k/average_l0_87/params.npz.part",
        "layer_3.safetensors",
    ];

    fn set() -> DictionarySet {
        DictionarySet::from_names("memory", NAMES).unwrap()
    }

    #[test]
    fn names_tell_layer_width_and_l0() {
        let set = set();
        assert!(set.layers().eq([0, 2, 3, 10]));
        let got: Vec<_> = (set.variants(0).unwrap().iter())
            .map(|it| (it.width, it.average_l0))
            .collect();
        let [narrow, wide] = [Some(16 << 10), Some(65 << 10)];
        assert_eq!(
            got,
            [(narrow, Some(76)), (narrow, Some(115)), (wide, Some(9))]
        );
        assert_eq!(set.variants(2).unwrap()[0].width, Some(1 << 20));
        assert_eq!(set.variants(3).unwrap()[0].file, "layer_3.safetensors");
    }

    #[test]
    fn other_names_are_passed_over() {
        for name in [
            "",
            "params.npz",
            "layer_0.npz",
            "layer_.safetensors",
            "layer_+1.safetensors",
            "model.safetensors",
            "a/layer_0.safetensors",
            "layer_0/width_16k/average_l0_76/params.npz/x",
            "x/layer_0/width_16k/average_l0_76/params.npz",
            "layer_0/width_k/average_l0_76/params.npz",
            "layer_0/width_16k/average_l0_7.5/params.npz",
            "layer_99999999999999999999/width_16k/average_l0_7/params.npz",
            "layer_0/width_99999999999999999m/average_l0_7/params.npz",
        ] {
            assert_eq!(Variant::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_sparsest_of_the_smallest_width_is_the_default() {
        let set = set();
        let l0 = |layer, choice| set.choose(layer, choice).map(|it| it.average_l0);
        assert_eq!(l0(0, Choice::default()).unwrap(), Some(76));
        let wide = Choice {
            width: Some(65 << 10),
            average_l0: None,
        };
        assert_eq!(l0(0, wide).unwrap(), Some(9));
        let second = Choice {
            width: None,
            average_l0: Some(115),
        };
        assert_eq!(l0(0, second).unwrap(), Some(115));
        assert_eq!(l0(3, Choice::default()).unwrap(), None);
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let set = set();
        let text = set.choose(1, Choice::default()).unwrap_err().to_string();
        assert!(
            text.contains("layer 1") && text.contains("0, 2, 3, 10"),
            "{text}"
        );
        let choice = Choice {
            width: Some(16 << 10),
            average_l0: Some(77),
        };
        let text = set.choose(0, choice).unwrap_err().to_string();
        assert!(text.contains("width 16k and average L0 77"), "{text}");
        assert!(
            text.contains("width 16k L0 76, width 16k L0 115, width 65k L0 9"),
            "{text}"
        );
        let got = DictionarySet::from_names("memory", ["config.json"]);
        assert!(matches!(got, Err(WeightsError::NoDictionaries { place }) if place == "memory"));
    }

    #[test]
    fn widths_are_named_as_they_are_read() {
        for (width, name) in [(256, "256"), (16_384, "16k"), (1 << 20, "1m"), (0, "0")] {
            assert_eq!(width_name(width), name);
            assert_eq!(parse_width(name), Some(width));
        }
    }
}
