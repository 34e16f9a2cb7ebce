//! Taking hold of a source: one tab at a time fetches from it; what is there of it is looked at first. The others follow.

use super::{
    names::Name,
    work::{Hold, Work, packing_of},
};
use crate::{
    spec::Part,
    store::Begin,
    weights::{Cut, Higher, WeightsError},
};
use std::{collections::BTreeSet, rc::Rc};

impl Work {
    /// Takes hold of every source that nobody else is at.
    pub async fn claim_all(&self) -> Result<(), WeightsError> {
        let n_groups = self.state.borrow().groups.len();
        for group in 0..n_groups {
            let is_ours = matches!(self.state.borrow().groups[group].hold, Hold::Ours(_));
            if !is_ours && !self.is_halted() {
                self.claim(group).await?;
            }
        }
        Ok(())
    }

    async fn claim(&self, group: usize) -> Result<(), WeightsError> {
        let name = format!("source-{}", self.state.borrow().groups[group].id);
        let lock = self.library.try_lock(&name).await?;
        let parts = self.parts_of(group);
        for &part in &parts {
            self.look(part).await?;
        }
        let Some(lock) = lock else {
            self.state.borrow_mut().groups[group].hold = Hold::Elsewhere;
            return Ok(());
        };
        let files: Vec<usize> = {
            let state = self.state.borrow();
            let of_parts = |it: &usize| {
                parts
                    .iter()
                    .any(|part| state.parts[*part].files.contains(it))
            };
            (0..state.files.len()).filter(of_parts).collect()
        };
        for &file in &files {
            self.load_proof(file).await?;
        }
        for &part in &parts {
            let needed = {
                let state = self.state.borrow();
                let mut of = state.parts[part].files.iter();
                of.any(|it| state.files[*it].is_to_be_proven())
            };
            self.resume_spill(part, needed).await?;
            self.finish_marked(part).await?;
        }
        self.find_donors(group, &parts).await?;
        self.state.borrow_mut().groups[group].hold = Hold::Ours(lock);
        for file in files {
            let is_proven = self.state.borrow().files[file].proof.is_proven;
            if is_proven {
                self.raise(file).await?;
            }
            self.state.borrow_mut().files[file].wants_look = true;
        }
        self.control.wake();
        Ok(())
    }

    /// What is there of all parts now, so that it can be planned with before anybody takes hold of anything. Of sources that are
    /// ours we know more: what is to be received once more.
    pub async fn look_at_all(&self) -> Result<(), WeightsError> {
        let n_parts = self.state.borrow().parts.len();
        for part in 0..n_parts {
            let is_ours = {
                let state = self.state.borrow();
                matches!(state.groups[state.parts[part].group].hold, Hold::Ours(_))
            };
            if !is_ours {
                self.look(part).await?;
            }
        }
        Ok(())
    }

    /// What is there of a part now.
    async fn look(&self, part: usize) -> Result<(), WeightsError> {
        let (key, plan) = self.blob(part);
        let reader = self.library.store().reader(&key).await?;
        let ours =
            reader.filter(|it| (it.meta(), it.size_bytes()) == (&plan.meta, plan.size_bytes));
        let mut state = self.state.borrow_mut();
        let it = &mut state.parts[part];
        let Some(reader) = ours else {
            return Ok(());
        };
        let same_cut = reader.plan().pieces == plan.pieces;
        if !same_cut && !reader.is_whole() {
            return Ok(());
        }
        it.is_opaque = !same_cut;
        it.is_whole = reader.is_whole();
        it.marks = reader.marks().clone();
        let n_pieces = plan.pieces.len() as u32;
        it.todo = match same_cut {
            true => (0..n_pieces)
                .filter(|piece| !it.marks.contains_key(piece))
                .collect(),
            false => BTreeSet::new(),
        };
        state.tell(part);
        Ok(())
    }

    /// All marks without a record are what a program leaves that died before the last step.
    async fn finish_marked(&self, part: usize) -> Result<(), WeightsError> {
        if !self.state.borrow().parts[part].is_whole {
            return Ok(());
        }
        let (key, plan) = self.blob(part);
        if let Begin::Writer(it) = self.library.store().begin(&key, plan).await? {
            {
                let mut state = self.state.borrow_mut();
                let of = &mut state.parts[part];
                of.is_whole = false;
                of.writer = Some(Rc::new(it));
            }
            self.settle(part).await?;
        }
        Ok(())
    }

    fn parts_of(&self, group: usize) -> Vec<usize> {
        let state = self.state.borrow();
        let parts = state.parts.iter().enumerate();
        let of_group = parts.filter(|it| it.1.group == group);
        of_group.map(|it| it.0).collect()
    }

    /// Looks for the same parts in packings from which ours can be made.
    async fn find_donors(&self, group: usize, parts: &[usize]) -> Result<(), WeightsError> {
        let packing = {
            let state = self.state.borrow();
            let mut open = parts.iter().map(|it| &state.parts[*it]);
            open.find(|it| !it.todo.is_empty() && !matches!(it.plan.part, Part::Vectors(_)))
                .map(|it| it.packing)
        };
        for &above in packing.map(Higher::packings_above).unwrap_or_default() {
            let cut = Cut {
                packing: above,
                piece_bytes: self.library.net().config().piece_bytes as u64,
            };
            let plans = self.state.borrow().groups[group]
                .head
                .parts(&cut, &self.opening)?;
            for &part in parts {
                let (key, plan) = {
                    let state = self.state.borrow();
                    let it = &state.parts[part];
                    let plan = plans.iter().find(|of| of.part == it.plan.part);
                    let packing = packing_of(it.plan.part, above);
                    let wanted = !it.todo.is_empty() && it.donor.is_none() && packing != it.packing;
                    let Some(plan) = plan.filter(|_| wanted) else {
                        continue;
                    };
                    let id = &state.groups[group].id;
                    (Name::part(id, plan.part, packing).key(), plan.clone())
                };
                let donor = Higher::find(self.library.store(), [(key, plan)]).await?;
                self.state.borrow_mut().parts[part].donor = donor.map(Rc::new);
            }
        }
        Ok(())
    }
}
