//! Proving files: their pieces hashed in the order of the file, as they come or from what is kept, and what follows from the result.

use super::{
    LibraryError,
    hasher::{Hasher, unhex},
    names::Name,
    work::{FileWork, Proof, Work},
};
use crate::{
    spec::{Bytes, Trust},
    store::sha256,
    weights::{WeightsError, checkpoint::hex},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A proof as it is kept.
#[derive(Serialize, Deserialize)]
struct Saved {
    at: u64,
    state: String,
    is_proven: bool,
    passed: Vec<(u64, u64, String)>,
}

/// What advancing comes to.
enum Turn {
    /// Nothing can be done now.
    Wait,
    /// The next piece, which is there: part, piece and its range.
    Next(usize, u32, Range<u64>),
    /// All pieces have passed.
    End,
}

impl Work {
    /// Takes up how far a file's proof had come.
    pub async fn load_proof(&self, file: usize) -> Result<(), WeightsError> {
        let id = self.state.borrow().files[file].id.clone();
        let saved: Option<Saved> = self.library.read_newest(keys(&id)).await?;
        let proof = saved.and_then(Saved::into_proof);
        let mut state = self.state.borrow_mut();
        let cover = state.files[file].cover.clone();
        if let Some(proof) = proof
            && !cover.is_empty()
            && proof.passed.len() <= cover.len()
            && (proof.passed.iter().zip(&cover)).all(|(it, of)| {
                let part = &state.parts[of.0];
                let mark = part.marks.get(&of.1);
                it.0 == part.range(of.1) && mark.is_none_or(|mark| mark.source == it.1)
            })
        {
            state.files[file].proof = proof;
        }
        Ok(())
    }

    /// Hashes what has its turn of a file; at its end compares, and raises what has been proven.
    pub async fn advance(&self, file: usize) -> Result<(), WeightsError> {
        loop {
            match self.turn(file) {
                Turn::Wait => return Ok(()),
                Turn::End => {
                    let done = self.compare(file).await;
                    self.free(file);
                    return done;
                }
                Turn::Next(part, piece, range) => {
                    let raw = self.raw_again(part, piece).await;
                    let went_on = match raw {
                        Ok(Some((raw, hash))) => {
                            self.hash_piece(file, &range, &raw, hash);
                            Ok(())
                        }
                        Ok(None) => self.lost(part, piece).await,
                        Err(it) => Err(it),
                    };
                    self.free(file);
                    went_on?;
                }
            }
            if self.is_halted() {
                return Ok(());
            }
        }
    }

    /// What is next, of a file that nobody else is at; it is busy from then on unless there is nothing to do.
    fn turn(&self, file: usize) -> Turn {
        let mut state = self.state.borrow_mut();
        let it = &mut state.files[file];
        if it.is_busy || !it.is_to_be_proven() {
            it.wants_look = it.wants_look && it.is_to_be_proven();
            return Turn::Wait;
        }
        it.wants_look = false;
        let Some(&(part, piece)) = it.cover.get(it.proof.passed.len()) else {
            it.is_busy = true;
            return Turn::End;
        };
        let of = &mut state.parts[part];
        let on_its_way = of.todo.contains(&piece) || of.in_flight.contains(&piece);
        if on_its_way || of.has_no_room || of.is_opaque || !of.marks.contains_key(&piece) {
            return Turn::Wait;
        }
        if of.spill.is_needed(piece) && !of.spill.has(piece) {
            // It was hashed by a program that died before it could note that.
            self.ask_again(&mut state, file);
            return Turn::Wait;
        }
        let range = of.range(piece);
        state.files[file].is_busy = true;
        Turn::Next(part, piece, range)
    }

    /// The next pieces of a file, as far as they are of one part and their raw bytes are gone: to be received once more.
    fn ask_again(&self, state: &mut super::work::State, file: usize) {
        let it = &state.files[file];
        let rest: Vec<(usize, u32)> = it.cover[it.proof.passed.len()..].to_vec();
        let first = rest.first().map(|it| it.0);
        for (part, piece) in rest.into_iter().take_while(|it| Some(it.0) == first) {
            let of = &mut state.parts[part];
            if !of.marks.contains_key(&piece) || !of.spill.is_needed(piece) || of.spill.has(piece) {
                break;
            }
            of.todo.insert(piece);
        }
        self.control.wake();
    }

    /// A piece as the file has it, from what waits or from what is kept.
    async fn raw_again(
        &self,
        part: usize,
        piece: u32,
    ) -> Result<Option<(Bytes, [u8; 32])>, WeightsError> {
        let (needs_spill, mark) = {
            let state = self.state.borrow();
            let it = &state.parts[part];
            (it.spill.is_needed(piece), it.marks.get(&piece).copied())
        };
        let raw = match needs_spill {
            true => self.unspill(part, piece).await?,
            false => Some(self.read_back(part, piece).await?),
        };
        match (raw, mark) {
            // What is damaged on the disk is no reason to doubt the file.
            (Some(raw), Some(mark)) if sha256(&raw).await == mark.source => {
                Ok(Some((raw, mark.source)))
            }
            _ => Ok(None),
        }
    }

    /// A piece that is no longer what it was marked as.
    async fn lost(&self, part: usize, piece: u32) -> Result<(), WeightsError> {
        self.forget(part, piece).await?;
        Ok(())
    }

    /// Takes a piece whose turn it is into the file's hash, if nobody else is at it; whether it did.
    pub fn hash_if_next(
        &self,
        file: usize,
        (part, piece): (usize, u32),
        range: &Range<u64>,
        (raw, hash): (&Bytes, [u8; 32]),
    ) -> bool {
        {
            let state = self.state.borrow();
            let turn = state.turn(file, part, piece);
            let it = &state.files[file];
            if it.is_busy || turn != Some(it.proof.passed.len()) || !it.is_to_be_proven() {
                return false;
            }
        }
        self.hash_piece(file, range, raw, hash);
        true
    }

    fn hash_piece(&self, file: usize, range: &Range<u64>, raw: &Bytes, hash: [u8; 32]) {
        let mut state = self.state.borrow_mut();
        let proof = &mut state.files[file].proof;
        let from = proof.hasher.n_bytes().saturating_sub(range.start);
        proof.hasher.update(raw, from as usize);
        proof.passed.push((range.clone(), hash));
        proof.is_dirty = true;
    }

    fn free(&self, file: usize) {
        self.state.borrow_mut().files[file].is_busy = false;
        self.control.wake();
    }

    /// What a proven file says of a range: its sha256.
    pub fn proven(&self, file: usize, range: &Range<u64>) -> Option<[u8; 32]> {
        let state = self.state.borrow();
        let proof = &state.files[file].proof;
        let found = proof.passed.iter().find(|it| it.0 == *range);
        found.filter(|_| proof.is_proven).map(|it| it.1)
    }

    /// What the hash has passed of a range, proven or not.
    pub fn passed(&self, file: usize, range: &Range<u64>) -> Option<[u8; 32]> {
        let state = self.state.borrow();
        let passed = &state.files[file].proof.passed;
        passed.iter().find(|it| it.0 == *range).map(|it| it.1)
    }

    /// All pieces have passed: is it the file that was published?
    async fn compare(&self, file: usize) -> Result<(), WeightsError> {
        let (got, expected, name) = {
            let state = self.state.borrow();
            let it = &state.files[file];
            let got = it.proof.hasher.clone().finish();
            (got, it.listed.sha256.clone(), it.name.clone())
        };
        if expected.as_ref() == Some(&got) {
            {
                let proof = &mut self.state.borrow_mut().files[file].proof;
                proof.is_proven = true;
                proof.is_dirty = true;
            }
            self.save_alone(file).await?;
            return self.raise(file).await;
        }
        let n_wrong = self.state.borrow().files[file].proof.n_wrong + 1;
        self.reset_proof(file).await?;
        if n_wrong > 1 {
            return Err(LibraryError::Mismatch {
                file: name,
                expected: expected.unwrap_or_default(),
                got,
            }
            .into());
        }
        self.receive_again(file, n_wrong).await
    }

    /// The whole file is received once more; only pieces that differ are written.
    async fn receive_again(&self, file: usize, n_wrong: u32) -> Result<(), WeightsError> {
        let parts = {
            let mut state = self.state.borrow_mut();
            state.files[file].proof.n_wrong = n_wrong;
            let cover = state.files[file].cover.clone();
            for (part, piece) in &cover {
                state.parts[*part].todo.insert(*piece);
            }
            let mut parts: Vec<usize> = cover.iter().map(|it| it.0).collect();
            parts.dedup();
            parts
        };
        for part in parts {
            self.drop_spill(part).await?;
        }
        self.control.wake();
        Ok(())
    }

    /// The hash begins anew, with what is kept.
    pub async fn reset_proof(&self, file: usize) -> Result<(), WeightsError> {
        let id = {
            let mut state = self.state.borrow_mut();
            let it = &mut state.files[file];
            let n_wrong = it.proof.n_wrong;
            it.proof = Proof {
                n_wrong,
                ..Proof::new()
            };
            it.wants_look = true;
            it.id.clone()
        };
        let _turn = self.saving.lock().await;
        for key in keys(&id) {
            self.library.store().remove(&key).await?;
        }
        Ok(())
    }

    /// Everything that a proven file says of what is kept.
    pub async fn raise(&self, file: usize) -> Result<(), WeightsError> {
        let parts: Vec<usize> = {
            let state = self.state.borrow();
            let parts = state.parts.iter().enumerate();
            let of_file = parts.filter(|it| it.1.files.contains(&file) && !it.1.is_opaque);
            of_file.map(|it| it.0).collect()
        };
        for &part in &parts {
            let pieces: Vec<u32> = {
                let state = self.state.borrow();
                let it = &state.parts[part];
                let low = it.marks.iter().filter(|mark| mark.1.trust < Trust::File);
                let low = low.map(|it| *it.0);
                let of_file = low.filter(|piece| it.files[*piece as usize] == file);
                let proof = &state.files[file].proof;
                let is_same = |piece: &u32| {
                    let passed = (it.range(*piece), it.marks[piece].source);
                    proof.passed.contains(&passed)
                };
                of_file.filter(is_same).collect()
            };
            self.raise_pieces(part, &pieces, Trust::File).await?;
            self.settle(part).await?;
            let is_waiting = {
                let state = self.state.borrow();
                let mut of = state.parts[part].files.iter();
                of.any(|it| state.files[*it].is_to_be_proven())
            };
            if !is_waiting {
                self.drop_spill(part).await?;
            }
        }
        Ok(())
    }

    /// Writes down how far the proofs have come, so that nothing that is marked afterwards has to be received again for them.
    pub async fn save_proofs(&self) -> Result<(), WeightsError> {
        let _turn = self.saving.lock().await;
        let spills: Vec<_> = {
            let state = self.state.borrow();
            state
                .parts
                .iter()
                .filter_map(|it| it.spill.writer())
                .collect()
        };
        for it in spills {
            it.sync().await?;
        }
        let n_files = self.state.borrow().files.len();
        for file in 0..n_files {
            if self.state.borrow().files[file].proof.is_dirty {
                self.save_proof(file).await?;
            }
        }
        Ok(())
    }

    async fn save_alone(&self, file: usize) -> Result<(), WeightsError> {
        let _turn = self.saving.lock().await;
        self.save_proof(file).await
    }

    /// For those who hold the turn: two at one document would each take the other for another tab.
    async fn save_proof(&self, file: usize) -> Result<(), WeightsError> {
        let (id, saved) = {
            let mut state = self.state.borrow_mut();
            let it = &mut state.files[file];
            it.proof.is_dirty = false;
            (it.id.clone(), Saved::of(it))
        };
        let written = self.library.write_newest(keys(&id), &saved).await;
        if written.is_err() {
            self.state.borrow_mut().files[file].proof.is_dirty = true;
        }
        written
    }
}

impl Saved {
    fn of(file: &FileWork) -> Self {
        let it = &file.proof;
        Self {
            at: it.hasher.n_bytes(),
            state: it.hasher.save(),
            is_proven: it.is_proven,
            passed: (it.passed.iter())
                .map(|(range, hash)| (range.start, range.end, hex(hash)))
                .collect(),
        }
    }

    fn into_proof(self) -> Option<Proof> {
        let passed = self.passed.iter().map(|(start, end, hash)| {
            let hash = unhex(hash)?.try_into().ok()?;
            Some((*start..*end, hash))
        });
        Some(Proof {
            hasher: Hasher::load(&self.state, self.at)?,
            passed: passed.collect::<Option<_>>()?,
            is_proven: self.is_proven,
            ..Proof::new()
        })
    }
}

fn keys(id: &str) -> [String; 2] {
    [0, 1].map(|n| Name::Proof(id.into(), n).key())
}
