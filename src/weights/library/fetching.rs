//! Fetching a set: asked for, planned, received, packed, kept, proven.

use super::{
    FetchControl, Handed, Library, LibraryError, Manifest, names,
    resolve::{From, LayerFile, Reach, Repos},
    tell::Teller,
    work::{Head, State, Work},
};
use crate::{
    spec::{
        Config, FetchRequest, FetchTold, Fetched, OpenRequest, Packing, Part, TranscoderRequest,
        Trust,
    },
    store::StoreError,
    weights::WeightsError,
};
use futures_util::future::try_join_all;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

impl Library {
    /// Brings a set into the store, or what is missing of it. `opening` are the tokens of the opening set, whose rows come first.
    ///
    /// A part is there at *received*, and at *manifest* where its pieces stand in the manifest; once all of a file has come and its
    /// sha256 is the listing's, its parts are at *file*. Where only some of a file's parts are asked for, they stay as they are.
    ///
    /// Errors: [`LibraryError::NotAHub`]; repositories and files that can't be used; [`LibraryError::NoRoom`] once everything that
    /// found room is there; [`LibraryError::Mismatch`]; [`WeightsError::Stopped`]. What has arrived is kept after each of them, and
    /// the same again goes on from there.
    pub async fn fetch(
        &self,
        request: &FetchRequest,
        opening: &[u32],
        control: &FetchControl,
        told: &mut dyn FnMut(FetchTold),
    ) -> Result<Fetched, WeightsError> {
        let manifest = match &request.manifest {
            Some(place) => Some(super::folder::manifest(place).await?),
            None => None,
        };
        self.fetch_with(request, manifest, opening, control, told)
            .await
    }

    /// The same from files that were handed over with the request.
    ///
    /// Errors: as [`Library::fetch`]; [`LibraryError::NoTranscoders`].
    pub async fn fetch_handed(
        &self,
        request: &FetchRequest,
        handed: &Handed,
        opening: &[u32],
        (control, told): (&FetchControl, &mut dyn FnMut(FetchTold)),
    ) -> Result<Fetched, WeightsError> {
        if request.set.transcoders.is_some() && !handed.has_transcoders() {
            let place = "the files that were chosen".into();
            return Err(LibraryError::NoTranscoders { place }.into());
        }
        let of = (request, From::Handed(handed));
        self.fetch_all(of, None, opening, (control, told)).await
    }

    /// The same with a manifest that is at hand.
    ///
    /// Errors: as [`Library::fetch`].
    pub async fn fetch_with(
        &self,
        request: &FetchRequest,
        manifest: Option<Manifest>,
        opening: &[u32],
        control: &FetchControl,
        told: &mut dyn FnMut(FetchTold),
    ) -> Result<Fetched, WeightsError> {
        let of = (request, From::Named(&request.from));
        self.fetch_all(of, manifest, opening, (control, told)).await
    }

    async fn fetch_all(
        &self,
        of: (&FetchRequest, From<'_>),
        manifest: Option<Manifest>,
        opening: &[u32],
        (control, told): (&FetchControl, &mut dyn FnMut(FetchTold)),
    ) -> Result<Fetched, WeightsError> {
        let work = Work {
            library: self.clone(),
            control: control.clone(),
            manifest,
            supplies: RefCell::default(),
            state: RefCell::new(State::default()),
            opening: opening.to_vec(),
            only_first: Cell::new(true),
            halted: Cell::new(false),
            saving: Default::default(),
            n_whole: Cell::new(0),
        };
        let mut teller = Teller::new(&work, told);
        let fetched = fetch(&work, of, &mut teller).await;
        let closed = work.close().await;
        teller.news(&work);
        fetched?;
        closed?;
        let (request, from) = of;
        if !from.leaves_out_model() && !from.leaves_out_transcoders() {
            self.still_here(&request.set).await?;
        }
        Ok(teller.fetched(&work))
    }

    /// What was received may have been taken away again, by another tab, before the last of it was there.
    async fn still_here(&self, set: &OpenRequest) -> Result<(), WeightsError> {
        let key = match self.kept(set).await {
            Ok(it) => match it.missing().first() {
                None => return Ok(()),
                Some(it) => it.to_string(),
            },
            Err(WeightsError::NotKept { what }) => what,
            Err(it) => return Err(it),
        };
        Err(LibraryError::Removed { key }.into())
    }
}

async fn fetch(
    work: &Work,
    (request, from): (&FetchRequest, From<'_>),
    teller: &mut Teller<'_>,
) -> Result<(), WeightsError> {
    let reach = Reach::All {
        from,
        control: &work.control,
        update: request.update,
    };
    let mut repos = Repos::default();
    let left_out = from.leaves_out_model();
    let of_model = (reach, left_out);
    let config = work.add_model(request, of_model, &mut repos).await?;
    let asked = request.set.transcoders.as_ref();
    let asked = asked.filter(|_| !from.leaves_out_transcoders());
    let mut layers = match asked {
        Some(it) => {
            let found = (work.library).layer_files(it, config.n_layers, reach, &mut repos);
            found.await?
        }
        None => BTreeMap::new(),
    };
    work.supplies.replace(repos.0);
    let dictionaries = Dictionaries {
        asked,
        d_model: config.d_model,
        packing: request.set.precision.of_dictionaries(),
        reach,
    };
    if let Some(first) = layers.remove(&0) {
        work.add_dictionary(&dictionaries, 0, &first).await?;
    }
    let layers = work.add_known(&dictionaries, layers).await?;
    work.look_at_all().await?;
    teller.plan(work, layers.len(), None);
    work.run(&mut || teller.tell(work)).await?;
    let waiting: Vec<(usize, LayerFile)> = layers.into_iter().collect();
    for some in waiting.chunks(work.library.net().config().in_flight.max(1)) {
        let heads = some
            .iter()
            .map(|(layer, file)| work.add_dictionary(&dictionaries, *layer, file));
        try_join_all(heads).await?;
    }
    work.only_first.set(false);
    work.look_at_all().await?;
    let missing_bytes = work.try_room().await?;
    teller.plan(work, 0, Some(missing_bytes));
    work.run(&mut || teller.tell(work)).await?;
    while work.has_room_again().await? {
        work.run(&mut || teller.tell(work)).await?;
    }
    work.finish_copies(teller).await?;
    work.check_room().await
}

/// What all transcoders of a request have in common.
struct Dictionaries<'a> {
    asked: Option<&'a TranscoderRequest>,
    d_model: usize,
    packing: Packing,
    reach: Reach<'a>,
}

impl Work {
    /// The model: its headers, its tokenizer and its parts. One that is left out is taken as it is kept, and nothing is brought of it.
    async fn add_model(
        &self,
        request: &FetchRequest,
        (reach, is_left_out): (Reach<'_>, bool),
        repos: &mut Repos,
    ) -> Result<Config, WeightsError> {
        let (library, set) = (&self.library, &request.set);
        let reach = if is_left_out { Reach::Kept } else { reach };
        let supply = library.model_supply(set, reach).await?;
        let head = library.model_head(&supply, reach).await?;
        let config = head.config()?;
        let at = repos.add(supply.clone());
        self.supplies.replace(repos.0.clone());
        if !is_left_out {
            library.fetch_tokenizer(&supply, &self.control).await?;
            let id = names::model_id(&supply.files);
            let source = (id, Head::Model(Box::new(head)));
            self.add(source, (at, set.precision.of_model()))?;
        }
        Ok(config)
    }

    fn add(&self, source: (String, Head), at: (usize, Packing)) -> Result<(), WeightsError> {
        // Apart from the others, since it asks for the supplies and the manifest itself.
        let mut state = self.state.borrow_mut();
        state.add(self, source, at)
    }

    /// Adds the layers whose headers are kept, which takes no request; the others.
    async fn add_known(
        &self,
        of: &Dictionaries<'_>,
        layers: BTreeMap<usize, LayerFile>,
    ) -> Result<BTreeMap<usize, LayerFile>, WeightsError> {
        let kept = Dictionaries {
            reach: Reach::Kept,
            ..*of
        };
        let mut unknown = BTreeMap::new();
        for (layer, file) in layers {
            match self.add_dictionary(&kept, layer, &file).await {
                Err(WeightsError::NotKept { .. }) => drop(unknown.insert(layer, file)),
                it => it?,
            }
        }
        Ok(unknown)
    }

    async fn add_dictionary(
        &self,
        of: &Dictionaries<'_>,
        layer: usize,
        file: &LayerFile,
    ) -> Result<(), WeightsError> {
        let supply = self.supplies.borrow()[file.supply].clone();
        let read = self
            .library
            .dictionary_head(&supply, (layer, file), of.d_model, of.reach);
        let (id, head) = read.await?;
        let halves = of.asked.map(|it| it.halves.clone()).unwrap_or_default();
        let head = Head::Dictionary(Box::new(head), halves);
        self.add((id, head), (file.supply, of.packing))
    }

    /// Tries whether there is room for what is still to be reserved; the bytes that are missing.
    async fn try_room(&self) -> Result<u64, WeightsError> {
        let wanted_bytes = self.unreserved_bytes().await?;
        if wanted_bytes == 0 {
            return Ok(0);
        }
        match self.library.store().scratch("room", wanted_bytes).await {
            Err(StoreError::NoRoom { missing_bytes, .. }) => Ok(missing_bytes),
            // Another tab tries at the same moment.
            Err(StoreError::Busy { .. }) => Ok(0),
            it => Ok(it.map(|_| 0)?),
        }
    }

    /// Bytes of parts that have no room yet, and of what may have to wait.
    async fn unreserved_bytes(&self) -> Result<u64, WeightsError> {
        let kept: Vec<(String, u64)> = {
            let state = self.state.borrow();
            let parts = state
                .parts
                .iter()
                .filter(|it| !it.is_whole && it.writer.is_none());
            parts
                .map(|it| (it.key.clone(), it.plan.size_bytes))
                .collect()
        };
        let mut out = 0;
        for (key, size_bytes) in kept {
            if self.library.store().reader(&key).await?.is_none() {
                out += size_bytes;
            }
        }
        Ok(out)
    }

    /// Whether parts that found no room may be tried again: what waited to be proven may have been in their way.
    async fn has_room_again(&self) -> Result<bool, WeightsError> {
        let n_whole = {
            let state = self.state.borrow();
            let lacks = state.parts.iter().any(|it| it.has_no_room);
            let n_whole = state.parts.iter().filter(|it| it.is_whole).count();
            lacks.then_some(n_whole)
        };
        let Some(n_whole) = n_whole.filter(|it| *it > self.n_whole.get()) else {
            return Ok(false);
        };
        // Once more only as long as each try makes another part whole.
        self.n_whole.set(n_whole);
        // What waits can be received again; parts come first.
        if self.try_room().await? > 0 && (!self.drop_spills().await? || self.try_room().await? > 0)
        {
            return Ok(false);
        }
        let mut state = self.state.borrow_mut();
        state.parts.iter_mut().for_each(|it| it.has_no_room = false);
        state.files.iter_mut().for_each(|it| it.wants_look = true);
        Ok(true)
    }

    /// Errors: [`LibraryError::NoRoom`] where some parts found none.
    async fn check_room(&self) -> Result<(), WeightsError> {
        if !self.state.borrow().parts.iter().any(|it| it.has_no_room) {
            return Ok(());
        }
        // What is to be written once more needs room too, but no one can say how much.
        let missing_bytes = self.try_room().await?.max(1);
        Err(LibraryError::NoRoom {
            place: self.library.store().place(),
            missing_bytes,
        }
        .into())
    }

    /// Rows of the opening set are rows of the table too: they are compared with it, and received again where they differ.
    async fn finish_copies(&self, teller: &mut Teller<'_>) -> Result<(), WeightsError> {
        for n_tries in 0..2 {
            let Some((part, bad)) = self.bad_copies().await? else {
                return Ok(());
            };
            if bad.is_empty() {
                return Ok(());
            }
            if n_tries == 1 {
                let file = format!("the rows of the opening set ({} pieces)", bad.len());
                let (expected, got) = ("that of the table".into(), "another one".into());
                return Err(LibraryError::Mismatch {
                    file,
                    expected,
                    got,
                }
                .into());
            }
            for piece in bad {
                self.forget(part, piece).await?;
            }
            self.run(&mut || teller.tell(self)).await?;
        }
        Ok(())
    }

    /// The opening part and its pieces that differ from the table, once both are there.
    async fn bad_copies(&self) -> Result<Option<(usize, Vec<u32>)>, WeightsError> {
        let opening = {
            let state = self.state.borrow();
            let is_opening = |it: &super::work::PartWork| it.plan.part == Part::Opening;
            let Some(at) = state.parts.iter().position(is_opening) else {
                return Ok(None);
            };
            let group = state.parts[at].group;
            let mut parts = state.parts.iter().filter(|it| it.group == group);
            let table = |it: &super::work::PartWork| {
                matches!(it.plan.part, Part::Embedding(_) | Part::Opening)
            };
            let is_there = parts.all(|it| !table(it) || (it.is_whole && !it.is_opaque));
            let is_low = state.parts[at].trust().is_some_and(|it| it < Trust::File);
            match is_there && is_low {
                true => at,
                false => return Ok(None),
            }
        };
        let same = self.raise_copies(opening).await?;
        let state = self.state.borrow();
        let it = &state.parts[opening];
        let n_pieces = it.plan.pieces.len() as u32;
        let bad = (0..n_pieces).filter(|piece| it.is_copied(*piece) && !same.contains(piece));
        Ok(Some((opening, bad.collect())))
    }

    /// Syncs everything that has arrived; whatever goes wrong, it is tried for each.
    async fn close(&self) -> Result<(), WeightsError> {
        let saved = self.save_proofs().await;
        match saved.and(self.sync().await) {
            // There is none for notes; what is there is there all the same.
            Err(WeightsError::Store(StoreError::NoRoom { .. })) => Ok(()),
            it => it,
        }
    }
}
