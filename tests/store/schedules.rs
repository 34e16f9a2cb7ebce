//! Random schedules of writing, syncing, crashes, dying tabs, full disks and failing writes, against a model of what must last.

use super::blobs::{N_PIECES, damaged, open, plan, put};
use gemscope::{
    store::{Begin, BlobState, Disk, Mark, MemoryDisk, Store, StoreError, WriteFault, Writer},
    sys::block_on,
};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

const KEYS: [&str; 2] = ["a", "b"];
/// Two pieces, more or less.
const JOURNAL_EVERY_BYTES: u64 = 9000;

#[derive(Clone, Debug)]
enum Step {
    Begin(usize, usize),
    Put(usize, usize, u32),
    /// All that is missing.
    Fill(usize, usize),
    Sync(usize, usize),
    Commit(usize, usize),
    Forget(usize, usize, u32),
    Drop(usize, usize),
    Reopen(usize, usize, u32),
    Remove(usize, usize),
    Scratch(usize),
    CloseTab(usize),
    Fault(u32, WriteFault),
    Quota(u64),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let (tab, key, piece) = (0..2_usize, 0..KEYS.len(), 0..N_PIECES);
    let at = (tab.clone(), key);
    let fault = prop_oneof![Just(WriteFault::Error), Just(WriteFault::Short)];
    prop_oneof![
        4 => at.clone().prop_map(|(t, k)| Step::Begin(t, k)),
        12 => (at.clone(), piece.clone()).prop_map(|((t, k), p)| Step::Put(t, k, p)),
        3 => at.clone().prop_map(|(t, k)| Step::Fill(t, k)),
        3 => at.clone().prop_map(|(t, k)| Step::Sync(t, k)),
        3 => at.clone().prop_map(|(t, k)| Step::Commit(t, k)),
        2 => (at.clone(), piece.clone()).prop_map(|((t, k), p)| Step::Forget(t, k, p)),
        1 => at.clone().prop_map(|(t, k)| Step::Drop(t, k)),
        1 => (at.clone(), piece).prop_map(|((t, k), p)| Step::Reopen(t, k, p)),
        1 => at.prop_map(|(t, k)| Step::Remove(t, k)),
        1 => tab.clone().prop_map(Step::Scratch),
        1 => tab.prop_map(Step::CloseTab),
        2 => (0..6_u32, fault).prop_map(|(n, how)| Step::Fault(n, how)),
        1 => (0..120_000_u64).prop_map(Step::Quota),
        2 => Just(Step::Crash),
    ]
}

/// One tab: its store, if the disk let it open one, and what it is writing.
struct Tab {
    disk: MemoryDisk,
    store: Option<Store>,
    writers: BTreeMap<usize, Writer>,
}

/// What must be there after a crash.
#[derive(Default)]
struct Lasting {
    marks: BTreeMap<u32, Mark>,
    whole: bool,
}

struct World {
    disk: MemoryDisk,
    tabs: Vec<Tab>,
    lasting: Vec<Lasting>,
    generation: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = MemoryDisk::new(seed);
        let mut this = Self {
            tabs: Vec::new(),
            lasting: KEYS.iter().map(|_| Lasting::default()).collect(),
            generation: 0,
            disk,
        };
        this.tabs = (0..2).map(|_| this.tab()).collect();
        this
    }

    fn tab(&self) -> Tab {
        let disk = self.disk.tab();
        let store = allowed(open(&disk, JOURNAL_EVERY_BYTES));
        let writers = BTreeMap::new();
        Tab {
            disk,
            store,
            writers,
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Begin(tab, key) => self.begin(tab, key),
            Step::Put(tab, key, piece) => self.put(tab, key, piece),
            Step::Fill(tab, key) => (0..N_PIECES).for_each(|it| self.put(tab, key, it)),
            Step::Sync(tab, key) => {
                if let Some(it) = self.tabs[tab].writers.get(&key)
                    && allowed(block_on(it.sync())).is_some()
                {
                    self.lasting[key].marks = it.marks();
                }
            }
            Step::Commit(tab, key) => {
                if let Some(it) = self.tabs[tab].writers.remove(&key)
                    && let Some(it) = allowed(block_on(it.commit()))
                {
                    self.lasting[key].marks = it.marks().clone();
                    self.lasting[key].whole = true;
                }
            }
            Step::Forget(tab, key, piece) => {
                if let Some(it) = self.tabs[tab].writers.get(&key) {
                    self.lasting[key].marks.remove(&piece);
                    allowed(block_on(it.forget(piece)));
                }
            }
            Step::Drop(tab, key) => drop(self.tabs[tab].writers.remove(&key)),
            Step::Reopen(tab, key, piece) => self.reopen(tab, key, piece),
            Step::Remove(tab, key) => self.remove(tab, key),
            Step::Scratch(tab) => {
                if let Some(it) = &self.tabs[tab].store {
                    drop(allowed(block_on(it.scratch("s", 5000))));
                }
            }
            Step::CloseTab(tab) => {
                self.tabs[tab].disk.close_tab();
                self.tabs[tab] = self.tab();
            }
            Step::Fault(after, how) => self.disk.fail_write(after, how),
            Step::Quota(bytes) => self.disk.set_quota(bytes),
            Step::Crash => {
                self.disk.crash();
                self.tabs = (0..2).map(|_| self.tab()).collect();
            }
        }
    }

    fn begin(&mut self, tab: usize, key: usize) {
        let Tab { store, writers, .. } = &mut self.tabs[tab];
        let Some(store) = store else { return };
        match allowed(block_on(store.begin(KEYS[key], plan("x")))) {
            Some(Begin::Writer(it)) => {
                assert!(!self.lasting[key].whole, "what is whole stays whole");
                writers.insert(key, it);
            }
            Some(Begin::Whole(it)) => assert!(it.is_whole()),
            // In this model a plan never changes, so that nothing is taken away by beginning.
            Some(Begin::Busy) | None => (),
        }
    }

    fn put(&mut self, tab: usize, key: usize, piece: u32) {
        if !self.tabs[tab].writers.contains_key(&key) {
            self.begin(tab, key);
        }
        if let Some(it) = self.tabs[tab].writers.get(&key) {
            self.generation += 1;
            allowed(put(it, piece, self.generation));
        }
    }

    fn reopen(&mut self, tab: usize, key: usize, piece: u32) {
        let Tab { store, writers, .. } = &mut self.tabs[tab];
        let Some(store) = store else { return };
        let reopened = block_on(store.reopen(KEYS[key], &[piece]));
        if !matches!(reopened, Err(StoreError::Busy { .. })) {
            self.lasting[key].whole = false;
            self.lasting[key].marks.remove(&piece);
        }
        if let Some(it) = allowed(reopened) {
            writers.insert(key, it);
        }
    }

    fn remove(&mut self, tab: usize, key: usize) {
        let Some(store) = &self.tabs[tab].store else {
            return;
        };
        let removed = block_on(store.remove(KEYS[key]));
        if !matches!(removed, Err(StoreError::Busy { .. })) {
            self.lasting[key] = Lasting::default();
        }
        allowed(removed);
    }

    /// What a tab that is opened now finds.
    fn check(&self) {
        let disk = self.disk.tab();
        let Some(store) = allowed(open(&disk, JOURNAL_EVERY_BYTES)) else {
            return;
        };
        let listed = block_on(store.list()).unwrap();
        for (key, lasting) in KEYS.iter().zip(&self.lasting) {
            let state = listed.iter().find(|it| it.key == *key).map(|it| it.state);
            assert!(
                !lasting.whole || state == Some(BlobState::Whole),
                "{key} was whole: {state:?}"
            );
            let found = block_on(store.reader(key)).unwrap();
            let marks = found
                .as_ref()
                .map(|it| it.marks().clone())
                .unwrap_or_default();
            for (piece, mark) in &lasting.marks {
                assert_eq!(
                    marks.get(piece),
                    Some(mark),
                    "piece {piece} of {key} was synced"
                );
            }
            if let Some(it) = found {
                assert_eq!(damaged(&it), Vec::<u32>::new(), "{key} says what is not so");
            }
        }
        disk.close_tab();
    }
}

/// What may go wrong on a disk like this; anything else is a fault of the store.
fn allowed<T>(it: Result<T, StoreError>) -> Option<T> {
    match it {
        Ok(it) => Some(it),
        Err(
            StoreError::NoRoom { .. }
            | StoreError::Io { .. }
            | StoreError::Busy { .. }
            | StoreError::Unfinished { .. }
            | StoreError::Kept { .. }
            | StoreError::Piece { .. }
            | StoreError::Missing { .. },
        ) => None,
        Err(it) => panic!("{it}: {it:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn no_schedule_makes_the_store_lie_or_forget(seed in any::<u64>(), steps in vec(step(), 1..80)) {
        let mut world = World::new(seed);
        for it in &steps {
            world.take(it);
            if matches!(it, Step::Crash | Step::CloseTab(_) | Step::Commit(..) | Step::Remove(..)) {
                world.check();
            }
        }
        world.disk.crash();
        world.check();
        world.disk.set_quota(u64::MAX);
        // However it came here, it can be brought to its end, and nothing that nobody owns is left.
        world.tabs = (0..2).map(|_| world.tab()).collect();
        for key in 0..KEYS.len() {
            finished(&world, key);
        }
        let names = block_on(world.disk.inside("gemscope").list()).unwrap();
        prop_assert!(!names.iter().any(|it| it.0.ends_with(".scratch")), "{:?}", names);
        // A journal may be missing: opening a whole blob again takes it away before it finds no room for another.
        let n_others = names.iter().filter(|it| !it.0.ends_with(".journal")).count();
        prop_assert_eq!(n_others, 1 + 2 * KEYS.len(), "{:?}", names);
    }
}

fn finished(world: &World, key: usize) {
    let store = world.tabs[0]
        .store
        .as_ref()
        .expect("nothing keeps it from opening");
    let reader = match block_on(store.begin(KEYS[key], plan("x"))).unwrap() {
        Begin::Whole(it) => it,
        Begin::Writer(it) => super::blobs::finish(it),
        Begin::Busy => panic!("no tab is left that writes"),
    };
    assert!(reader.is_whole() && damaged(&reader).is_empty());
}
