//! The opening set: the prompts that everybody meets first, the same for all, whose rows of the table of tokens are fetched before the
//! rest of it. What is fetched early is thus never told by what somebody typed.

/// A prompt of the opening set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningPrompt {
    /// As it is typed.
    pub text: &'static str,
    /// Its tokens, BOS included. Source: tokenizer.json of google/gemma-2-2b, which a test asks.
    pub ids: &'static [u32],
}

/// Two hops and their mirror image, an indirect object, agreement, a fact in French, an antonym, a sum, the days of the week.
pub const OPENING: [OpeningPrompt; 8] = [
    OpeningPrompt {
        text: "Fact: the capital of the state containing Dallas is",
        ids: &[
            2, 18143, 235292, 573, 6037, 576, 573, 2329, 10751, 26865, 603,
        ],
    },
    OpeningPrompt {
        text: "Fact: the capital of the state containing Oakland is",
        ids: &[
            2, 18143, 235292, 573, 6037, 576, 573, 2329, 10751, 49024, 603,
        ],
    },
    OpeningPrompt {
        text: "When Mary and John went to the store, John gave a drink to",
        ids: &[
            2, 4115, 7473, 578, 3350, 3815, 577, 573, 4659, 235269, 3350, 5645, 476, 7182, 577,
        ],
    },
    OpeningPrompt {
        text: "The keys to the cabinet",
        ids: &[2, 651, 12978, 577, 573, 22402],
    },
    OpeningPrompt {
        text: "La capitale de la Pologne est",
        ids: &[2, 2841, 66831, 581, 683, 56402, 1455],
    },
    OpeningPrompt {
        text: "The opposite of small is",
        ids: &[2, 651, 13388, 576, 2301, 603],
    },
    OpeningPrompt {
        text: "2 + 3 =",
        ids: &[2, 235284, 963, 235248, 235304, 589],
    },
    OpeningPrompt {
        text: "Monday, Tuesday, Wednesday,",
        ids: &[2, 22066, 235269, 10111, 235269, 10500, 235269],
    },
];

/// Every token of the opening set, once, in order.
pub fn opening_ids() -> Vec<u32> {
    let mut ids: Vec<u32> = OPENING.iter().flat_map(|it| it.ids).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::gemma;

    #[test]
    fn each_prompt_starts_with_bos_and_is_there_once() {
        for (n, it) in OPENING.iter().enumerate() {
            assert_eq!(it.ids[0], gemma::BOS, "{}", it.text);
            assert!(OPENING[..n].iter().all(|other| other.text != it.text));
        }
        let ids = opening_ids();
        assert!(ids.contains(&26865) && ids.is_sorted_by(|a, b| a < b));
    }
}
