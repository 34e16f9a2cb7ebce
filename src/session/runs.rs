//! The runs that are kept, least recently used forgotten first; leaves computing them to the model.

use super::captures::Slab;
use super::protocol::{Change, RunKey};
use super::recipe::Recipe;
use crate::{
    model::Stage,
    scope::Features,
    spec::{Precision, Site},
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A prompt that has been run.
pub(super) struct KeptRun {
    pub recipe: Recipe,
    /// Active features, of the layers that the run passed.
    pub features: Features,
    pub sites: BTreeMap<Site, Slab>,
    /// How far it is.
    pub stage: Stage,
    /// Layers whose features have been listed; they may be too many to be kept.
    pub listed: BTreeSet<usize>,
    last_used: u64,
}

/// What making a run gave, or going on with it.
#[derive(Default)]
pub(super) struct Made {
    pub features: Features,
    pub sites: BTreeMap<Site, Slab>,
    /// How far it is now.
    pub stage: Stage,
}

/// Runs by name, within a budget of host memory.
pub(super) struct Runs {
    budget_bytes: u64,
    clock: u64,
    runs: HashMap<RunKey, KeptRun>,
}

impl Runs {
    /// No runs yet, and room for `budget_bytes`.
    pub fn new(budget_bytes: u64) -> Self {
        Self {
            budget_bytes,
            clock: 0,
            runs: HashMap::new(),
        }
    }

    /// Bytes of host memory that all runs may take.
    pub fn budget_bytes(&self) -> u64 {
        self.budget_bytes
    }

    /// Names of the runs that are kept, in order.
    pub fn keys(&self) -> Vec<RunKey> {
        let mut keys: Vec<_> = self.runs.keys().cloned().collect();
        keys.sort();
        keys
    }

    /// A run, which is thereby used.
    pub fn get(&mut self, key: &RunKey) -> Option<&KeptRun> {
        self.clock += 1;
        let run = self.runs.get_mut(key)?;
        run.last_used = self.clock;
        Some(run)
    }

    /// Keeps a run, adding what was `made` to what it had, and forgets others until the budget holds.
    pub fn keep(&mut self, key: RunKey, recipe: Recipe, made: Made) {
        self.clock += 1;
        let run = self.runs.entry(key.clone()).or_insert(KeptRun {
            recipe,
            features: Features::default(),
            sites: BTreeMap::new(),
            stage: Stage::default(),
            listed: BTreeSet::new(),
            last_used: 0,
        });
        run.last_used = self.clock;
        run.stage = run.stage.max(made.stage);
        run.listed.extend(made.features.layers());
        run.features.replace(made.features);
        run.sites.extend(made.sites);
        while self.size_bytes() > self.budget_bytes && self.runs.len() > 1 {
            let oldest = (self.runs.iter().min_by_key(|it| it.1.last_used)).map(|it| it.0.clone());
            oldest.and_then(|it| self.runs.remove(&it));
        }
        // Alone it may still be too large, by sites of several calls: the activations go, the run stays.
        if self.size_bytes() > self.budget_bytes
            && let Some(run) = self.runs.get_mut(&key)
        {
            run.sites.clear();
            run.features = Features::default();
        }
    }

    /// Forgets a run.
    pub fn drop_run(&mut self, key: &RunKey) {
        self.runs.remove(key);
    }

    fn size_bytes(&self) -> u64 {
        self.runs.values().map(KeptRun::size_bytes).sum()
    }
}

impl KeptRun {
    fn size_bytes(&self) -> u64 {
        let sites: usize = self.sites.values().map(|it| it.data.len()).sum();
        let writes = self.recipe.writes.iter();
        let writes: usize = writes.map(|it| numbers(&it.change).len()).sum();
        4 * (sites + writes + self.recipe.ids.len() + 3 * self.features.len()) as u64
    }
}

/// The name of a run: a hash of all that goes into it; `prints` are the fingerprints of checkpoint and transcoders.
pub(super) fn run_key(prints: &[&str], precision: Precision, recipe: &Recipe) -> RunKey {
    let mut hash = Sha256::new();
    let mut text = |it: &str| {
        hash.update((it.len() as u64).to_le_bytes());
        hash.update(it.as_bytes());
    };
    prints.iter().for_each(|it| text(it));
    text(&precision.to_string());
    if let Some(derived) = &recipe.derived {
        text(&derived.mode.to_string());
        text(&derived.splice.map_or_else(String::new, |it| it.to_string()));
        derived
            .interventions
            .iter()
            .for_each(|it| text(&it.to_string()));
        text(&derived.base.0);
    }
    hash.update((recipe.ids.len() as u64).to_le_bytes());
    for id in &recipe.ids {
        hash.update(id.to_le_bytes());
    }
    for write in &recipe.writes {
        let kind = match write.change {
            Change::Add(_) => "add",
            Change::Replace(_) => "replace",
        };
        hash.update(format!("{} {} {kind} ", write.site, write.positions));
        let numbers = numbers(&write.change);
        hash.update((numbers.len() as u64).to_le_bytes());
        for number in numbers {
            hash.update(number.to_bits().to_le_bytes());
        }
    }
    let digest = hash.finalize();
    RunKey(digest[..8].iter().map(|it| format!("{it:02x}")).collect())
}

fn numbers(change: &Change) -> &[f32] {
    match change {
        Change::Add(it) | Change::Replace(it) => it,
    }
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Derived;
    use super::*;
    use crate::spec::{Mode, Positions, Write};
    use std::rc::Rc;

    fn slab(n: usize) -> Slab {
        Slab {
            shape: vec![1, n],
            data: vec![0.0; n],
        }
    }

    fn of(ids: &[u32], writes: Vec<Write>) -> Recipe {
        Recipe {
            ids: ids.to_vec(),
            writes,
            derived: None,
        }
    }

    fn key(id: u32) -> RunKey {
        run_key(&["f"], Precision::Reference, &of(&[id], vec![]))
    }

    fn keep(runs: &mut Runs, id: u32, site: Site) {
        let made = Made {
            sites: [(site, slab(100))].into(),
            ..Made::default()
        };
        runs.keep(key(id), of(&[id], vec![]), made);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut runs = Runs::new(4 * 250);
        keep(&mut runs, 1, Site::Embed);
        keep(&mut runs, 2, Site::Embed);
        assert!(runs.get(&key(1)).is_some());
        keep(&mut runs, 3, Site::Embed);
        assert!(runs.get(&key(2)).is_none());
        assert!(runs.get(&key(1)).is_some() && runs.get(&key(3)).is_some());
    }

    #[test]
    fn a_run_too_large_alone_stays_without_its_sites() {
        let mut runs = Runs::new(4 * 150);
        keep(&mut runs, 1, Site::Embed);
        keep(&mut runs, 1, Site::Logits);
        assert_eq!(runs.get(&key(1)).map(|it| it.sites.len()), Some(0));
    }

    #[test]
    fn the_key_depends_on_everything() {
        let write = |change| Write {
            site: Site::MlpOut(0),
            positions: Positions::All,
            change,
        };
        let reference = Precision::Reference;
        let derived = |mode| Recipe {
            derived: Some(Rc::new(Derived {
                base: key(1),
                interventions: vec!["0:1:2=3".parse().expect("an intervention")],
                splice: None,
                mode,
                steering: Default::default(),
                spliced: Default::default(),
                label: 1,
            })),
            ..of(&[1, 2], vec![])
        };
        let keys = [
            run_key(&["f"], reference, &of(&[1, 2], vec![])),
            run_key(&["g"], reference, &of(&[1, 2], vec![])),
            run_key(&["f", "g"], reference, &of(&[1, 2], vec![])),
            run_key(&["f"], Precision::Compact, &of(&[1, 2], vec![])),
            run_key(&["f"], reference, &of(&[2, 1], vec![])),
            run_key(
                &["f"],
                reference,
                &of(&[1, 2], vec![write(Change::Add(vec![1.0]))]),
            ),
            run_key(
                &["f"],
                reference,
                &of(&[1, 2], vec![write(Change::Replace(vec![1.0]))]),
            ),
            run_key(&["f"], reference, &derived(Mode::Free)),
            run_key(&["f"], reference, &derived(Mode::Frozen)),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(key.0.len(), 16);
            assert!(!keys[..at].contains(key));
        }
    }
}
