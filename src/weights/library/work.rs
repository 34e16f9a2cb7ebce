//! The state of a fetch: sources, parts and files, and what of them is there. Leaves what is done with it to the files beside it.

use super::{
    FetchControl, Higher, Library, Manifest,
    hasher::Hasher,
    meta::Meta,
    names::{self, Name},
    spill::Spill,
    supply::Supply,
};
use crate::{
    hub::RemoteFile,
    spec::{Half, Packing, Part, Trust},
    store::{Mark, Marks, Reader, Scratch, Writer},
    weights::{CheckpointHead, Cut, DictionaryHead, PartPlan, WeightsError},
};
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    ops::Range,
    rc::Rc,
};

/// A fetch under way; its workers share it.
pub(super) struct Work {
    pub library: Library,
    pub control: FetchControl,
    pub manifest: Option<Manifest>,
    pub supplies: RefCell<Vec<Supply>>,
    pub state: RefCell<State>,
    /// Tokens of the opening set.
    pub opening: Vec<u32>,
    /// While the first layer's features are on their way, nothing else is begun.
    pub only_first: Cell<bool>,
    pub halted: Cell<bool>,
    /// Parts that were whole when room was tried last.
    pub n_whole: Cell<usize>,
}

/// What changes.
#[derive(Default)]
pub(super) struct State {
    pub groups: Vec<Group>,
    pub parts: Vec<PartWork>,
    pub files: Vec<FileWork>,
    /// The first thing that went wrong.
    pub error: Option<WeightsError>,
    /// Bytes that were marked since proofs were saved last: as they came, and as they are kept.
    pub unsaved_bytes: (u64, u64),
    /// Layers that were asked for, the last one first.
    pub layers: Vec<usize>,
    /// Parts that have become whole or more trustworthy and were not told yet.
    pub news: Vec<(Part, Trust)>,
}

/// A source: the files of a model, or the file of a dictionary. One tab at a time fetches from it.
pub(super) struct Group {
    pub id: String,
    pub head: Head,
    pub hold: Hold,
}

/// The headers of a source.
pub(super) enum Head {
    Model(Box<CheckpointHead>),
    Dictionary(Box<DictionaryHead>, Vec<Half>),
}

/// Who fetches from a source.
pub(super) enum Hold {
    /// Not looked at yet.
    Free,
    /// This fetch, as long as the lock lives.
    Ours(#[allow(dead_code, reason = "held until it drops")] Scratch),
    /// Another tab or program.
    Elsewhere,
}

/// A part.
pub(super) struct PartWork {
    pub plan: Rc<PartPlan>,
    pub packing: Packing,
    pub key: String,
    pub meta: Value,
    pub group: usize,
    pub supply: usize,
    /// The file of each piece.
    pub files: Vec<usize>,
    pub marks: Marks,
    pub is_whole: bool,
    /// It was cut into other pieces than ours when it was kept.
    pub is_opaque: bool,
    /// Pieces to be received that nobody has begun.
    pub todo: BTreeSet<u32>,
    pub in_flight: BTreeSet<u32>,
    pub writer: Option<Rc<Writer>>,
    pub reader: Option<Rc<Reader>>,
    /// Somebody is opening its writer.
    pub is_opening: bool,
    pub spill: Spill,
    /// The same part in a packing from which ours can be made.
    pub donor: Option<Rc<Higher>>,
    pub has_no_room: bool,
    /// What was told of it last.
    pub told: Option<Trust>,
}

/// A file.
pub(super) struct FileWork {
    pub supply: usize,
    pub name: String,
    pub listed: RemoteFile,
    pub id: String,
    /// The pieces that make it up, in its order; none where not all of it is fetched, or its hash is not known or not needed.
    pub cover: Vec<(usize, u32)>,
    pub proof: Proof,
    /// It is to be looked at.
    pub wants_look: bool,
    pub is_busy: bool,
}

/// How far a file's sha256 has come.
pub(super) struct Proof {
    pub hasher: Hasher,
    /// The pieces that it has passed, with the sha256 of each.
    pub passed: Vec<(Range<u64>, [u8; 32])>,
    pub is_proven: bool,
    pub is_dirty: bool,
    /// How often the whole file was another one.
    pub n_wrong: u32,
}

impl Proof {
    /// At the first byte.
    pub fn new() -> Self {
        Self {
            hasher: Hasher::new(),
            passed: Vec::new(),
            is_proven: false,
            is_dirty: false,
            n_wrong: 0,
        }
    }
}

impl Head {
    /// The parts of a source.
    pub fn parts(&self, cut: &Cut, opening: &[u32]) -> Result<Vec<PartPlan>, WeightsError> {
        match self {
            Self::Model(it) => it.parts(cut, opening),
            Self::Dictionary(it, halves) => it.parts(cut, halves),
        }
    }
}

impl PartWork {
    /// The range of a piece in its file.
    pub fn range(&self, piece: u32) -> Range<u64> {
        self.plan.pieces[piece as usize].range.clone()
    }

    /// Whether a piece is a copy of rows that another part has too: those of the opening set.
    pub fn is_copied(&self, piece: u32) -> bool {
        let mut slices = self.plan.pieces[piece as usize].slices.iter();
        let is_matrix = slices.all(|it| self.plan.tensors[it.tensor].packing != Packing::F32);
        self.plan.part == Part::Opening && is_matrix
    }

    /// The least that is known of its pieces.
    pub fn trust(&self) -> Option<Trust> {
        self.marks.values().map(|it| it.trust).min()
    }

    /// Bytes of its pieces that are there, as their files have them.
    pub fn done_bytes(&self) -> u64 {
        if self.is_whole {
            return self.plan.source_bytes();
        }
        let pieces = self.marks.keys();
        pieces.map(|it| self.piece_bytes(*it)).sum()
    }

    /// Bytes of a piece as its file has them.
    pub fn piece_bytes(&self, piece: u32) -> u64 {
        let range = self.range(piece);
        range.end - range.start
    }

    /// Whether everything of it is there and nothing of it is on its way.
    pub fn is_complete(&self) -> bool {
        let n_pieces = self.plan.pieces.len();
        self.todo.is_empty() && self.in_flight.is_empty() && self.marks.len() >= n_pieces
    }

    /// Whether nothing more will come of it.
    pub fn is_settled(&self) -> bool {
        self.has_no_room || (self.is_whole && self.todo.is_empty() && self.in_flight.is_empty())
    }
}

impl FileWork {
    /// Whether its hash is to be compared and has not been.
    pub fn is_to_be_proven(&self) -> bool {
        !self.cover.is_empty() && !self.proof.is_proven
    }
}

impl State {
    /// Adds a source with its parts and files.
    pub fn add(
        &mut self,
        work: &Work,
        (id, head): (String, Head),
        (supply_at, packing): (usize, Packing),
    ) -> Result<(), WeightsError> {
        let cut = Cut {
            packing,
            piece_bytes: work.library.net().config().piece_bytes as u64,
        };
        let supply = work.supplies.borrow()[supply_at].clone();
        let plans = head.parts(&cut, &work.opening)?;
        // The same content may stand under two names: one source, held once.
        let known = self.groups.iter().position(|it| it.id == id);
        let group = known.unwrap_or(self.groups.len());
        let first = self.parts.len();
        for plan in plans {
            let mut files = Vec::new();
            for piece in &plan.pieces {
                files.push(self.file(&supply, supply_at, &piece.file)?);
            }
            let packing = packing_of(plan.part, packing);
            self.parts.push(PartWork {
                key: Name::part(&id, plan.part, packing).key(),
                meta: Meta::part(&id, &plan, packing).to_value(),
                spill: Spill::new(&id, &plan, packing),
                packing,
                group,
                supply: supply_at,
                files,
                marks: Marks::new(),
                is_whole: false,
                is_opaque: false,
                todo: (0..plan.pieces.len() as u32).collect(),
                in_flight: BTreeSet::new(),
                writer: None,
                reader: None,
                is_opening: false,
                donor: None,
                has_no_room: false,
                told: None,
                plan: Rc::new(plan),
            });
        }
        let files: BTreeSet<usize> = self.parts[first..]
            .iter()
            .flat_map(|it| it.files.clone())
            .collect();
        for file in files {
            self.files[file].cover = self.cover(file, work.manifest.as_ref());
        }
        let hold = Hold::Free;
        match known {
            // To be looked at again, with what has been added.
            Some(it) => self.groups[it].hold = hold,
            None => self.groups.push(Group { id, head, hold }),
        }
        Ok(())
    }

    fn file(
        &mut self,
        supply: &Supply,
        supply_at: usize,
        name: &str,
    ) -> Result<usize, WeightsError> {
        let same = |it: &FileWork| it.supply == supply_at && it.name == name;
        if let Some(at) = self.files.iter().position(same) {
            return Ok(at);
        }
        let listed = super::heads::listed(supply, name)?.clone();
        self.files.push(FileWork {
            supply: supply_at,
            name: name.into(),
            id: names::file_id(&listed),
            listed,
            cover: Vec::new(),
            proof: Proof::new(),
            wants_look: false,
            is_busy: false,
        });
        Ok(self.files.len() - 1)
    }

    /// The pieces that make up a file from its first byte to its last; none where they don't, or where a hash of the whole is not
    /// known, or not needed since every piece stands in the manifest.
    fn cover(&self, file: usize, manifest: Option<&Manifest>) -> Vec<(usize, u32)> {
        let FileWork { listed, name, .. } = &self.files[file];
        let mut pieces = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let of_file = (part.files.iter().zip(0..)).filter(|it| *it.0 == file);
            let of_file = of_file.filter(|it| !part.is_copied(it.1));
            pieces.extend(of_file.map(|(_, piece)| (part.range(piece), (at, piece))));
        }
        pieces.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let (mut out, mut end, mut all_listed) = (Vec::new(), 0, manifest.is_some());
        for (range, piece) in pieces {
            if range.end <= end {
                continue;
            }
            if range.start > end {
                return Vec::new();
            }
            all_listed &= manifest.is_some_and(|it| it.of(name, &range).is_some());
            end = range.end;
            out.push(piece);
        }
        match end == listed.size_bytes && listed.sha256.is_some() && !all_listed {
            true => out,
            false => Vec::new(),
        }
    }

    /// The place of a piece in its file's cover.
    pub fn turn(&self, file: usize, part: usize, piece: u32) -> Option<usize> {
        let cover = &self.files[file].cover;
        cover.iter().position(|it| *it == (part, piece))
    }

    /// Notes a mark.
    pub fn marked(&mut self, part: usize, piece: u32, mark: Mark) {
        let it = &mut self.parts[part];
        it.marks.insert(piece, mark);
        it.in_flight.remove(&piece);
    }

    /// Notes what is to be told of a part.
    pub fn tell(&mut self, part: usize) {
        let it = &mut self.parts[part];
        let trust = it.trust().unwrap_or(Trust::File);
        if it.is_whole && it.told.is_none_or(|told| told < trust) {
            it.told = Some(trust);
            self.news.push((it.plan.part, trust));
        }
    }
}

impl Work {
    /// Waits for something that may be dropped, unless the fetch is to end.
    pub async fn or_halt<T>(&self, future: impl Future<Output = T>) -> Result<T, WeightsError> {
        self.control.unless(|| self.is_halted(), future).await
    }

    /// Whether the fetch is to end.
    pub fn is_halted(&self) -> bool {
        self.halted.get() || self.control.stop().is_set()
    }

    /// Notes what went wrong; everything comes to its end.
    pub fn fail(&self, error: WeightsError) {
        let mut state = self.state.borrow_mut();
        state.error.get_or_insert(error);
        drop(state);
        self.halted.set(true);
        self.control.wake();
    }
}

/// How a part is packed: vectors are kept as f32 in every preset.
pub(super) fn packing_of(part: Part, packing: Packing) -> Packing {
    match part {
        Part::Vectors(_) => Packing::F32,
        _ => packing,
    }
}
