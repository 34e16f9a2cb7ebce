//! A Hub, a disk and a clock, and how a set is fetched over them.

use super::{
    bridge::{HubHttp, SharedClock},
    sets::{self, OPENING},
};
use gemscope::{
    hub::{HubConfig, Net, Reach, Source},
    spec::{
        Bytes, FetchRequest, FetchTold, Fetched, Half, HostTable, OpenRequest, Packing, Precision,
        TensorName, Trust, registry,
    },
    store::{BlobState, MemoryDisk, Store, StoreConfig},
    sys::Stop,
    weights::{
        Checkpoint, DictionaryFile, WeightsError,
        library::{FetchControl, KeptSet, Library, Manifest},
    },
};
use std::{collections::BTreeMap, rc::Rc, sync::Arc};
use xtask::hub::{Config, Entry, Hub, VirtualClock, bytes_served_twice};

/// Small sizes, so that a set of some hundred kB has many pieces and ranges.
pub fn config() -> HubConfig {
    HubConfig {
        most_range_bytes: 48 << 10,
        piece_bytes: 12 << 10,
        journal_bytes: 60 << 10,
        in_flight: 3,
        resume_at_once_bytes: 8 << 10,
        ..HubConfig::default()
    }
}

/// A Hub, a disk and a clock.
pub struct World {
    pub hub: Rc<Hub>,
    pub disk: MemoryDisk,
    pub clock: VirtualClock,
    pub config: HubConfig,
}

impl World {
    pub fn new() -> Self {
        Self::of(Config::new(sets::repos()))
    }

    pub fn of(hub: Config) -> Self {
        let clock = VirtualClock::new();
        let hub = Hub::in_process(hub, Arc::new(clock.clone())).expect("a sound Hub");
        Self {
            hub: Rc::new(hub),
            disk: MemoryDisk::new(7),
            clock,
            config: config(),
        }
    }

    pub fn faults(&self, rules: &[&str]) {
        let rules = rules.iter().map(|it| it.parse().expect("a rule"));
        self.hub.set_faults(rules.collect());
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.clock.run_until(future).expect("it ends")
    }

    pub async fn library(&self) -> Library {
        self.library_on(&self.disk).await
    }

    /// A program at a tab's disk.
    pub async fn library_on(&self, disk: &MemoryDisk) -> Library {
        let every = StoreConfig {
            journal_every_bytes: self.config.journal_bytes,
        };
        let store = Store::open(Rc::new(disk.clone()), every).await;
        let (endpoint, storage) = (self.hub.hub_origin(), self.hub.signed_origin());
        let table = format!(r#"[{{"endpoint":"{endpoint}","also":["{storage}"]}}]"#);
        let hosts: HostTable = serde_json::from_str(&table).expect("a table");
        let net = Net::with_reach(
            Rc::new(HubHttp(self.hub.clone())),
            Rc::new(SharedClock(self.clock.clone())),
            self.config.clone(),
            hosts,
            Reach::Table,
        );
        Library::new(store.expect("a store"), net)
    }

    pub fn set(&self, model: &str, transcoders: &str, precision: Precision) -> OpenRequest {
        sets::set(model, transcoders, precision, self.hub.hub_origin())
    }

    /// The plain set.
    pub fn plain(&self, precision: Precision) -> OpenRequest {
        self.set(sets::MODEL, sets::TRANSCODERS, precision)
    }

    /// Fetches to the end.
    pub fn fetch(&self, set: &OpenRequest) -> Result<Fetched, WeightsError> {
        self.fetch_as(&sets::request(set.clone()), None, &mut |_| ())
    }

    pub fn fetch_as(
        &self,
        request: &FetchRequest,
        manifest: Option<Manifest>,
        told: &mut dyn FnMut(FetchTold),
    ) -> Result<Fetched, WeightsError> {
        self.run(async {
            let library = self.library().await;
            let control = FetchControl::new(Stop::default());
            let fetched = library.fetch_with(request, manifest, &OPENING, &control, told);
            fetched.await
        })
    }

    pub fn kept(&self, set: &OpenRequest) -> KeptSet {
        let kept = self.run(async { self.library().await.kept(set).await });
        kept.unwrap_or_else(|it| panic!("{it}"))
    }

    /// Requests for bytes of files.
    pub fn data_log(&self) -> Vec<Entry> {
        let log = self.hub.log().into_iter();
        log.filter(|it| !it.path.starts_with("/api/") && matches!(it.status, 200 | 206))
            .collect()
    }

    pub fn served_twice(&self) -> u64 {
        bytes_served_twice(&self.data_log())
    }

    /// Every whole part and what is known of it, by its name in the store; those that are not whole with nothing.
    pub fn parts(&self) -> BTreeMap<String, Option<Trust>> {
        let list = self.run(async { self.library().await.store().list().await });
        let parts = list.expect("a list").into_iter().filter(|it| {
            let first = it.key.as_bytes()[..16.min(it.key.len())].iter();
            first.clone().all(u8::is_ascii_hexdigit) && it.key.len() > 16
        });
        let whole = |it: &gemscope::store::BlobInfo| it.state == BlobState::Whole;
        parts
            .map(|it| (it.key.clone(), it.trust.filter(|_| whole(&it))))
            .collect()
    }

    /// The bytes of every part.
    pub fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let of = |key: &String| {
            let bytes = self.disk.inside("gemscope").file(&format!("{key}.data"));
            (key.clone(), bytes.expect("its bytes"))
        };
        self.parts().keys().map(of).collect()
    }

    /// That everything is there, proven and what the files say.
    pub fn assert_whole(&self, set: &OpenRequest, expected: &Expected) {
        let low: Vec<_> = (self.parts().into_iter())
            .filter(|it| it.1.is_none_or(|it| it < Trust::Manifest))
            .collect();
        assert!(low.is_empty(), "not proven: {low:?}");
        assert!(self.kept(set).is_whole());
        let bytes = self.bytes();
        for (key, expected) in &expected.0 {
            assert!(bytes.get(key) == Some(expected), "{key} differs");
        }
    }
}

/// The bytes of every part of a set, as they are after a fetch in which nothing went wrong.
pub struct Expected(pub BTreeMap<String, Vec<u8>>);

impl Expected {
    pub fn of(set: impl Fn(&World) -> OpenRequest) -> Self {
        let world = World::new();
        world.fetch(&set(&world)).expect("no faults");
        Self(world.bytes())
    }
}

/// The files of a set, opened as a folder is.
pub struct Plain {
    pub checkpoint: Checkpoint,
    pub dictionaries: BTreeMap<usize, DictionaryFile>,
}

/// That a kept set has the bytes of its files in a packing.
pub fn assert_same(world: &World, kept: &KeptSet, plain: &Plain, precision: Precision) {
    assert_eq!(
        kept.checkpoint.fingerprint(),
        plain.checkpoint.fingerprint()
    );
    assert!(kept.dictionaries.keys().eq(plain.dictionaries.keys()));
    same_model(world, &kept.checkpoint, &plain.checkpoint, precision);
    for (layer, plain) in &plain.dictionaries {
        assert_eq!(kept.dictionaries[layer].fingerprint(), plain.fingerprint());
        same_dictionary(world, &kept.dictionaries[layer], plain, precision);
    }
}

/// That two kept sets have the same weights.
pub fn assert_same_weights(world: &World, a: &KeptSet, b: &KeptSet, precision: Precision) {
    same_model(world, &a.checkpoint, &b.checkpoint, precision);
    for (layer, a) in &a.dictionaries {
        same_dictionary(world, a, &b.dictionaries[layer], precision);
    }
}

fn same_model(world: &World, a: &Checkpoint, b: &Checkpoint, precision: Precision) {
    for spec in registry(a.config()) {
        let is_vector = spec.shape.len() == 1;
        let n_out = if is_vector { 1 } else { spec.shape[0] };
        let packing = match is_vector {
            true => Packing::F32,
            false => precision.of_model(),
        };
        let of = |it: &Checkpoint, name: TensorName| {
            let rows = world.run(it.packed_rows(name, 0..n_out, packing));
            rows.unwrap_or_else(|it| panic!("{name}: {it}")).into_vec()
        };
        assert!(of(a, spec.name) == of(b, spec.name), "{}", spec.name);
    }
}

fn same_dictionary(world: &World, a: &DictionaryFile, b: &DictionaryFile, precision: Precision) {
    assert!(a.has(Half::Encoder) && a.has(Half::Decoder));
    let packing = precision.of_dictionaries();
    assert!(encoder(world, a, packing) == encoder(world, b, packing));
    let n_features = a.dictionary().d_transcoder;
    let rows = |it: &DictionaryFile| {
        let rows = world.run(it.decoder_rows(0..n_features, packing));
        rows.expect("rows").into_vec()
    };
    assert!(
        rows(a) == rows(b),
        "decoder of layer {}",
        a.dictionary().layer
    );
    for it in [a, b] {
        world.run(it.read_vectors()).expect("vectors");
    }
    assert!(!a.b_enc().is_empty());
    assert_eq!(a.b_enc(), b.b_enc());
    assert_eq!(a.b_dec(), b.b_dec());
    assert_eq!(a.threshold(), b.threshold());
}

fn encoder(world: &World, file: &DictionaryFile, packing: Packing) -> Vec<u8> {
    let it = file.dictionary();
    let mut out = vec![0; it.d_in / 32 * packing.stripe_bytes(it.d_transcoder)];
    world.run(async {
        let all = 0..it.d_transcoder;
        let all = std::slice::from_ref(&all);
        let mut pieces = file.encoder_pieces(all, packing).expect("an encoder");
        while let Some(piece) = pieces.next().await.expect("a piece") {
            let bytes: Bytes = piece.bytes;
            out[piece.at as usize..][..bytes.len()].copy_from_slice(&bytes.into_vec());
        }
    });
    out
}

/// The files of a set as they would be opened from folders.
pub fn plain(world: &World, model: &str, transcoders: &str) -> Plain {
    use gemscope::hub::Memory;
    let memory = |name: &str| -> Rc<dyn Source> {
        let mut out = Memory::default();
        for (name, bytes) in sets::files(name) {
            out.insert(&name, bytes.to_vec());
        }
        Rc::new(out)
    };
    world.run(async {
        let checkpoint = Checkpoint::open(memory(model)).await.expect("a model");
        let source = memory(transcoders);
        let set = gemscope::weights::DictionarySet::read(&*source).await;
        let set = set.expect("transcoders");
        let mut dictionaries = BTreeMap::new();
        for layer in set.layers() {
            let file = &set.choose(layer, Default::default()).expect("one").file;
            let d_model = checkpoint.config().d_model;
            let opened = DictionaryFile::open(source.clone(), file, layer, d_model).await;
            dictionaries.insert(layer, opened.expect("a transcoder"));
        }
        Plain {
            checkpoint,
            dictionaries,
        }
    })
}
