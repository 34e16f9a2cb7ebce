//! A Hub with the synthetic `nano` and its transcoders, a store, and engines over both.

use gemscope::{
    hub::HubConfig,
    session::{Client, EngineOptions, LibraryOptions, Told, protocol::*},
    spec::{Precision, RepoRef},
    weights::synth::{self, Preset, Synthetic},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use xtask::hub::{Config, Gate, Hub, Repo};

pub const MODEL: &str = "o/nano";
pub const TRANSCODERS: &str = "o/scopes";
/// The model again, behind a gate.
pub const GATED: &str = "o/gated";
pub const TOKEN: &str = "hf_theVerySecretOne";
/// A model of another architecture.
pub const LLAMA: &str = "o/llama";
/// No model and no transcoders.
pub const NOTES: &str = "o/notes";
/// Of which features the labels file that lies there is.
pub const LABELLED: &str = "a/set";
/// Longer than anything here takes, even on a busy machine.
pub const LONG: Duration = Duration::from_secs(120);

/// A Hub and a folder for its repositories and for the store; both go away with it.
pub struct World {
    hub: Option<Hub>,
    origin: String,
    pub folder: PathBuf,
}

impl World {
    pub fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("session-{name}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        let root = folder.join("hub");
        let model = Synthetic::new(Preset::Nano);
        for repo in [MODEL, GATED] {
            synth::write(&model, &root.join(repo), |_, _| ()).expect("a sound world");
        }
        let transcoders = Synthetic::transcoders(Preset::Nano, 4);
        synth::write(&transcoders, &root.join(TRANSCODERS), |_, _| ()).expect("a sound world");
        let llama =
            fs::read_to_string(root.join(MODEL).join("config.json")).expect("a sound world");
        write(
            &root,
            &format!("{LLAMA}/config.json"),
            &llama.replace("Gemma2", "Llama"),
        );
        write(&root, &format!("{NOTES}/README.md"), "nothing of use");
        let labels = format!(
            r#"{{"version":1,"made":"in a test","set":"{LABELLED}","layers":[{{"layer":0,"features":[{{"index":3,"label":"cities"}}]}}]}}"#
        );
        write(&root, &format!("{NOTES}/labels.json"), &labels);
        let hub = serve(&root);
        Self {
            origin: hub.hub_origin().into(),
            hub: Some(hub),
            folder,
        }
    }

    pub fn hub(&self) -> &Hub {
        self.hub.as_ref().expect("the Hub is there")
    }

    /// The same with the repositories as they are now, at another address.
    pub fn restarted(mut self) -> Self {
        self.hub = None;
        let hub = serve(&self.folder.join("hub"));
        self.origin = hub.hub_origin().into();
        self.hub = Some(hub);
        self
    }

    /// From now on nobody answers at its address.
    pub fn hub_goes(&mut self) {
        self.hub = None;
    }

    /// How an engine is started: a store in the folder, small pieces, short waits.
    pub fn options(&self) -> EngineOptions {
        EngineOptions {
            library: LibraryOptions {
                folder: Some(self.store()),
                hub: HubConfig {
                    most_range_bytes: 64 << 10,
                    piece_bytes: 16 << 10,
                    journal_bytes: 64 << 10,
                    first_wait_millis: 10.0,
                    most_wait_millis: 50.0,
                    attempts: 4,
                    ..HubConfig::default()
                },
                ..LibraryOptions::default()
            },
            ..EngineOptions::default()
        }
    }

    pub fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    pub fn client(&self) -> Client {
        Client::start(self.options()).expect("an engine")
    }

    pub fn repo(&self, name: &str) -> RepoRef {
        format!("{}/{name}", self.origin)
            .parse()
            .expect("a sound world")
    }

    /// The model and all its transcoders.
    pub fn set(&self) -> OpenRequest {
        self.set_of(MODEL, TRANSCODERS)
    }

    pub fn set_of(&self, model: &str, transcoders: &str) -> OpenRequest {
        OpenRequest {
            model: ModelRef::Hub {
                repo: self.repo(model),
            },
            transcoders: Some(TranscoderRequest {
                place: TranscoderRef::Hub {
                    repo: self.repo(transcoders),
                },
                layers: None,
                halves: vec![Half::Encoder, Half::Decoder],
                average_l0: vec![],
            }),
            precision: Precision::Reference,
            n_ctx: Some(128),
            n_kept: None,
            max_gpu_bytes: None,
        }
    }

    /// The same set in the folders that the Hub serves.
    pub fn folders(&self) -> OpenRequest {
        let path = |repo: &str| {
            let path = self.folder.join("hub").join(repo);
            path.to_str().expect("a sound world").to_string()
        };
        let mut set = self.set();
        set.model = ModelRef::Folder {
            path: path(MODEL),
            tokenizer: None,
        };
        set.transcoders.as_mut().expect("a sound world").place = TranscoderRef::Folder {
            path: path(TRANSCODERS),
        };
        set
    }

    pub fn fetch(&self) -> CommandBody {
        fetch(self.set())
    }
}

fn serve(root: &Path) -> Hub {
    let mut config = Config::new(Repo::all_in(root).expect("a sound world"));
    config.gates.push(Gate {
        repo: GATED.into(),
        token: TOKEN.into(),
        open_listing: false,
    });
    Hub::serve(config).expect("a sound world")
}

impl Drop for World {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

pub fn fetch(set: OpenRequest) -> CommandBody {
    CommandBody::Fetch(FetchRequest {
        set,
        from: FetchFrom::Hub,
        manifest: None,
        update: false,
    })
}

/// What a fetch tells, and how it ends.
pub fn told(client: &mut Client, body: CommandBody) -> (Vec<FetchTold>, Result<Outcome, Failure>) {
    let mut out = Vec::new();
    let ended = client.call(body, &mut |it| {
        if let Told::Partial(Partial::Fetch(it), _) = it {
            out.push(it);
        }
    });
    (out, ended)
}

pub fn done(client: &mut Client, body: CommandBody) -> Outcome {
    let what = format!("{body:?}");
    client
        .call(body, &mut |_| ())
        .unwrap_or_else(|it| panic!("{what}: {it:?}"))
}

/// The failure of a command, which says what and what can be done.
pub fn failed(client: &mut Client, body: CommandBody) -> Failure {
    let what = format!("{body:?}");
    let failure = client.call(body, &mut |_| ()).expect_err(&what);
    assert!(
        !failure.what.is_empty() && !failure.remedy.is_empty(),
        "{what}: {failure:?}"
    );
    failure
}

/// Events until command `id` ends, its terminal one last; what is partial is acknowledged.
pub fn until_end(client: &mut Client, id: u32) -> Vec<Event> {
    until(client, |it| {
        it.id == id
            && matches!(
                it.body,
                EventBody::Done(_) | EventBody::Failed(_) | EventBody::Cancelled
            )
    })
}

/// Events until one is as wanted, which is the last.
pub fn until(client: &mut Client, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut out = Vec::new();
    loop {
        let message = client.next_message(LONG);
        let event = message
            .unwrap_or_else(|| panic!("a message in time after {out:#?}"))
            .event;
        if let EventBody::Partial(_) = event.body {
            client.acknowledge(event.id, 1);
        }
        let last = wanted(&event);
        out.push(event);
        if last {
            return out;
        }
    }
}

/// Whether tests are to do without a GPU, which is then said.
pub fn no_gpu(name: &str) -> bool {
    let without = std::env::var_os("GEMSCOPE_NO_GPU").is_some();
    if without {
        eprintln!("skipped: {name} (GEMSCOPE_NO_GPU=1)");
    }
    without
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a sound world")).expect("a sound world");
    fs::write(path, text).expect("a sound world");
}
