//! A store with a model, transcoders and a list that names them, as a fetch would leave it, without one.

use crate::{
    checkpoints::in_memory,
    lower::{keep_as, store},
    npz_files::{D_MODEL, Form, NPZ, arrays, npz},
    parts::{BOTH, config, cut, read},
};
use futures_util::future::LocalBoxFuture;
use gemscope::{
    hub::{Http, HttpError, HubConfig, Memory, Net, RemoteFile, Request, Response, Source},
    spec::{HostTable, Packing, Part, RepoRef, StoredList, StoredSelection, Trust},
    store::{Begin, BlobPlan, Mark, MemoryDisk, Store, sha256},
    sys::{block_on, system_clock},
    weights::{
        CheckpointHead, DictionaryHead,
        library::{
            Library,
            meta::Meta,
            names::{self, Name},
            resolve::{Pin, Tree},
        },
        synth::Stored,
    },
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, rc::Rc};

pub const MODEL: &str = "a/model";
pub const SCOPE: &str = "a/scope";
pub const LIST: &str = "b/list";

/// A network that must not be asked.
struct NoNetwork;

impl Http for NoNetwork {
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>> {
        panic!("a request: {request:?}");
    }
}

pub fn library(disk: &MemoryDisk) -> Library {
    let http = Rc::new(NoNetwork);
    let net = Net::new(
        http,
        system_clock(),
        HubConfig::default(),
        HostTable::default(),
    );
    Library::new(store(disk), net)
}

pub fn repo(name: &str) -> RepoRef {
    name.parse().unwrap()
}

pub fn commit(n: u8) -> String {
    format!("{n:02x}").repeat(20)
}

/// Writes a document as a fetch does.
pub fn document(store: &Store, name: &Name, bytes: Vec<u8>) {
    let size_bytes = bytes.len() as u64;
    let plan = BlobPlan {
        meta: Meta::Document { seq: 0 }.to_value(),
        size_bytes,
        pieces: vec![vec![0..size_bytes]],
    };
    let Begin::Writer(writer) = block_on(store.begin(&name.key(), plan)).unwrap() else {
        panic!("{name:?} is there");
    };
    let bytes = bytes.into();
    block_on(writer.write(0, &bytes)).unwrap();
    let hash = block_on(sha256(&bytes));
    let mark = Mark {
        source: hash,
        packed: hash,
        trust: Trust::Received,
    };
    block_on(writer.mark(0, mark)).unwrap();
    block_on(writer.commit()).unwrap();
}

fn json(store: &Store, name: &Name, it: &impl Serialize) {
    document(store, name, serde_json::to_vec(it).unwrap());
}

/// The files of a place as a listing has them.
fn files(source: &Memory) -> BTreeMap<String, RemoteFile> {
    let names = block_on(source.list()).unwrap().into_iter();
    let file = |name: &String| {
        let size_bytes = block_on(source.size(name)).unwrap();
        let bytes = read(source, name, 0..size_bytes).into_vec();
        let digits = Sha256::digest(bytes)
            .into_iter()
            .map(|it| format!("{it:02x}"));
        RemoteFile {
            size_bytes,
            sha256: Some(digits.collect()),
            oid: String::new(),
        }
    };
    names.map(|it| (it.clone(), file(&it))).collect()
}

/// Notes a repository and its commit.
pub fn pin(store: &Store, name: &str, commit: &str, files: BTreeMap<String, RemoteFile>) {
    let (repo, commit) = (repo(name), commit.to_string());
    let id = names::repo_id(&repo);
    let tree = Name::Tree(id.clone(), names::commit_id(&commit));
    let it = Tree {
        repo: repo.clone(),
        commit: commit.clone(),
        files,
    };
    json(store, &tree, &it);
    json(store, &Name::Pin(id, 0), &Pin { repo, commit });
}

fn keep_model(store: &Store) -> String {
    let mut memory = in_memory(&config(), Stored::Bf16, 1);
    memory.insert("tokenizer.json", "{}");
    let files = files(&memory);
    let id = names::model_id(&files);
    let tokenizer = Name::Tokenizer(names::file_id(&files["tokenizer.json"]));
    document(store, &tokenizer, b"{}".to_vec());
    pin(store, MODEL, &commit(1), files);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    json(store, &Name::Head(id.clone()), &head);
    for plan in head.parts(&cut(Packing::Q8, 4000), &[1, 2]).unwrap() {
        let key = Name::part(&id, plan.part, Packing::Q8).key();
        let meta = Meta::part(&id, &plan, Packing::Q8).to_value();
        keep_as(store, &memory, (&key, meta, &plan), |_| Trust::File);
    }
    id
}

fn keep_scope(store: &Store) -> String {
    let mut memory = Memory::default();
    memory.insert(NPZ, npz(&arrays(), &Form::default()));
    let files = files(&memory);
    let id = names::file_id(&files[NPZ]);
    pin(store, SCOPE, &commit(2), files);
    let head = block_on(DictionaryHead::read(&memory, NPZ, 1, D_MODEL)).unwrap();
    json(store, &Name::Head(id.clone()), &head);
    json(store, &Name::Proof(id.clone(), 1), &"state");
    for plan in head.parts(&cut(Packing::F32, 9000), &BOTH).unwrap() {
        let key = Name::part(&id, plan.part, Packing::F32).key();
        let meta = Meta::part(&id, &plan, Packing::F32).to_value();
        keep_as(store, &memory, (&key, meta, &plan), |_| Trust::Manifest);
    }
    id
}

/// A model, transcoders, and a list of circuit-tracer's that names them; the ids of both.
pub fn keep_all(store: &Store) -> (String, String) {
    let text = format!(
        "model_kind: transcoder_set\nfeature_input_hook: ln2.hook_normalized\n\
         feature_output_hook: hook_mlp_out\ntranscoders:\n  - hf://{SCOPE}/{NPZ}\n"
    );
    let mut memory = Memory::default();
    memory.insert("config.yaml", text.clone());
    let files = files(&memory);
    let small = Name::Small(names::file_id(&files["config.yaml"]));
    document(store, &small, text.into_bytes());
    pin(store, LIST, &commit(3), files);
    (keep_model(store), keep_scope(store))
}

pub fn of_repo(name: &str) -> StoredSelection {
    StoredSelection {
        repo: Some(name.parse().unwrap()),
        ..StoredSelection::default()
    }
}

pub fn of_parts(parts: &[Part]) -> StoredSelection {
    StoredSelection {
        parts: Some(parts.to_vec()),
        ..StoredSelection::default()
    }
}

pub fn list(library: &Library) -> StoredList {
    block_on(library.list()).unwrap()
}

pub fn keys(library: &Library) -> Vec<String> {
    let infos = block_on(library.store().list()).unwrap();
    infos.into_iter().map(|it| it.key).collect()
}
