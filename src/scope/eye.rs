//! The tap of this room: encodes what passes by, rebuilds it, splices, steers. Leaves what to do to its [`Task`].

use super::{Features, Scope, Steering, lists::Slot};
use crate::{
    gpu::{Buffer, Gpu, Recording, Use},
    model::{At, ModelError, Tap},
    ops::{decode, steer},
    spec::{Bytes, DensePart as Part, Dictionary, Site},
    sys::Stop,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::collections::BTreeSet;

/// Some positions of a dense array.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The layer.
    pub layer: usize,
    /// Which array.
    pub part: Part,
    /// The first position.
    pub first: usize,
    /// Width of a row.
    pub width: usize,
    /// The numbers, row-major.
    pub data: Vec<f32>,
}

/// What is done on the way, layer by layer.
#[derive(Default)]
pub struct Task<'a> {
    /// Layers whose active features are listed.
    pub list: BTreeSet<usize>,
    /// Arrays that are told.
    pub dense: BTreeSet<(usize, Part)>,
    /// Layers whose outputs give way to their reconstructions, position 0 excepted.
    pub splice: BTreeSet<usize>,
    /// Layers whose outputs give way to zeros, position 0 excepted.
    pub zero: BTreeSet<usize>,
    /// Interventions.
    pub steering: Option<&'a Steering>,
    /// Takes the arrays.
    pub sink: Option<&'a mut dyn FnMut(Dense)>,
}

/// What a task found.
pub(super) struct Eye<'s, 't> {
    pub scope: &'s mut Scope,
    pub task: Task<'t>,
    pub features: Features,
    /// The first row that an encoder read and whose norm was not what it must be: (site, pos, norm).
    pub off: Option<(Site, usize, f32)>,
    /// Whether rows may have any norm: norms are frozen, or somebody writes into the run.
    pub any_norm: bool,
    slots: Vec<Slot>,
}

impl Task<'_> {
    fn rebuilds(&self, layer: usize) -> bool {
        self.splice.contains(&layer) || self.dense.contains(&(layer, Part::Out))
    }

    fn steers(&self, layer: usize) -> bool {
        self.steering.is_some_and(|it| it.touches(layer))
    }

    /// Whether lists are read layer by layer, so that each is complete on the GPU.
    fn one_by_one(&self) -> bool {
        !self.splice.is_empty() || !self.dense.is_empty()
    }

    fn encodes(&self, layer: usize) -> bool {
        self.list.contains(&layer)
            || self.rebuilds(layer)
            || self.steers(layer)
            || self.tells(layer)
    }

    fn tells(&self, layer: usize) -> bool {
        [Part::Pre, Part::Acts]
            .iter()
            .any(|it| self.dense.contains(&(layer, *it)))
    }

    fn changes(&self, layer: usize) -> bool {
        self.rebuilds(layer) || self.steers(layer) || self.zero.contains(&layer)
    }
}

impl Tap for Eye<'_, '_> {
    fn touches(&self, site: Site) -> bool {
        self.scope.dictionaries().any(|it| {
            (it.reads == site && self.task.encodes(it.layer))
                || (it.predicts == site && self.task.changes(it.layer))
        })
    }

    fn visit<'a>(&'a mut self, at: At<'a>) -> LocalBoxFuture<'a, Result<(), ModelError>> {
        self.look(at).boxed_local()
    }

    fn end_of_block<'a>(
        &'a mut self,
        gpu: &'a Gpu,
        stop: &'a Stop,
    ) -> LocalBoxFuture<'a, Result<(), ModelError>> {
        self.read(gpu, stop).boxed_local()
    }
}

impl<'s, 't> Eye<'s, 't> {
    pub fn new(scope: &'s mut Scope, task: Task<'t>) -> Self {
        Self {
            scope,
            task,
            features: Features::default(),
            off: None,
            any_norm: false,
            slots: Vec::new(),
        }
    }

    async fn look(&mut self, mut at: At<'_>) -> Result<(), ModelError> {
        let site = at.site;
        let all: Vec<Dictionary> = self.scope.dictionaries().cloned().collect();
        for it in all.iter().filter(|it| it.reads == site) {
            if self.task.encodes(it.layer) {
                self.encode(it, &mut at).await?;
            }
        }
        for it in all.iter().filter(|it| it.predicts == site) {
            if self.task.changes(it.layer) {
                self.change(it, &mut at).await?;
            }
        }
        Ok(())
    }

    async fn encode(&mut self, it: &Dictionary, at: &mut At<'_>) -> Result<(), ModelError> {
        let layer = it.layer;
        let lists = self.task.list.contains(&layer);
        if self.task.one_by_one() || self.slots.len() == self.scope.lists.n_slots() {
            at.play().await?;
            self.read(at.gpu, at.stop).await?;
        }
        let encoder = self.scope.encoder(layer, at).await?;
        let slot = Slot {
            layer,
            first: at.block.0,
            n_pos: at.block.1,
            n: self.slots.len(),
        };
        let list = &self.scope.lists;
        if lists {
            list.record_input(at.recording, slot, at.rows, at.width);
            self.slots.push(slot);
        }
        list.record(at.recording, &encoder, &at.rows.whole(), slot);
        if self.task.tells(layer) {
            at.play().await?;
            let n = slot.n_pos * it.d_transcoder;
            let bytes = read(at.gpu, &list.pre, n, at.stop).await?;
            self.tell_pre(slot, &bytes);
        }
        Ok(())
    }

    fn tell_pre(&mut self, slot: Slot, pre: &[f32]) {
        let Some(threshold) = self.scope.threshold(slot.layer) else {
            return;
        };
        let jump = |(n, it): (usize, &f32)| if *it > threshold[n] { *it } else { 0.0 };
        let acts = |row: &[f32]| row.iter().enumerate().map(jump).collect::<Vec<f32>>();
        let width = threshold.len();
        for part in [Part::Pre, Part::Acts] {
            let data = match part {
                Part::Acts => pre.chunks(width).flat_map(acts).collect(),
                _ => pre.to_vec(),
            };
            tell(&mut self.task, (slot.layer, part), slot.first, width, data);
        }
    }

    /// What happens where a dictionary's prediction stands.
    async fn change(&mut self, it: &Dictionary, at: &mut At<'_>) -> Result<(), ModelError> {
        let (layer, width) = (it.layer, it.d_out);
        let (first, n_pos) = at.block;
        // The rows after BOS, which keeps what the model gave it.
        let skipped = usize::from(first == 0).min(n_pos);
        let row_bytes = 4 * width as u64;
        let spliced = at.rows.view(
            skipped as u64 * row_bytes,
            (n_pos - skipped) as u64 * row_bytes,
        );
        if self.task.zero.contains(&layer) && spliced.bytes > 0 {
            let zeros = transient(at.gpu, &vec![0.0_f32; (n_pos - skipped) * width]).await?;
            at.recording.copy(zeros.whole(), spliced.clone());
        }
        if self.task.rebuilds(layer) {
            self.rebuild(layer, at).await?;
            let lists = &self.scope.lists;
            if self.task.dense.contains(&(layer, Part::Out)) {
                at.play().await?;
                let data = read(at.gpu, &lists.rebuilt, n_pos * width, at.stop).await?;
                tell(&mut self.task, (layer, Part::Out), first, width, data);
            }
            let lists = &self.scope.lists;
            if self.task.splice.contains(&layer) && spliced.bytes > 0 {
                let from = lists
                    .rebuilt
                    .view(skipped as u64 * row_bytes, spliced.bytes);
                at.recording.copy(from, spliced);
            }
        }
        if self.task.steers(layer) {
            self.steer(layer, at).await?;
        }
        Ok(())
    }

    /// The reconstruction of the block, from the list of its features, which is complete.
    async fn rebuild(&mut self, layer: usize, at: &mut At<'_>) -> Result<(), ModelError> {
        let (w_dec, b_dec) = self.scope.decoder(layer, at).await?;
        let lists = &self.scope.lists;
        let (entries, header) = (lists.entries.whole(), lists.header.whole());
        let entries = decode::Entries {
            entries: &entries,
            header: &header,
            offsets_at: lists.offsets_at(0),
            n_pos: at.block.1,
        };
        let start = decode::Start::Bias(&b_dec);
        decode::record(at.recording, &w_dec, entries, start, &lists.rebuilt.whole());
        Ok(())
    }

    /// Adds what interventions ask for to the rows.
    async fn steer(&mut self, layer: usize, at: &mut At<'_>) -> Result<(), ModelError> {
        let (first, n_pos) = at.block;
        let wanted = match self.task.steering {
            Some(it) => it.at(layer, first..first + n_pos),
            None => Vec::new(),
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let of_shader = |it: &super::Steer| steer::Wanted {
            pos: (it.pos - first) as u32,
            feature: it.index as u32,
            value: it.value,
            factor: it.factor,
        };
        let list: Vec<steer::Wanted> = wanted.iter().map(of_shader).collect();
        let before = |pos| wanted.iter().filter(|it| it.pos < first + pos).count() as u32;
        let header: Vec<u32> = (0..=n_pos).map(before).collect();
        let list_buffer = transient(at.gpu, &list).await?;
        let header_buffer = transient(at.gpu, &header).await?;
        let entries = transient(at.gpu, &vec![[0_u32; 2]; list.len()]).await?;
        let encoder = self.scope.encoder(layer, at).await?;
        let (w_dec, _) = self.scope.decoder(layer, at).await?;
        let pre = self.scope.lists.pre.whole();
        let params = steer::Params {
            n: list.len() as u32,
            n_features: encoder.w_enc.n_out as u32,
        };
        let current = steer::Current {
            threshold: &encoder.threshold,
            pre: &pre,
        };
        let (entries, header) = (entries.whole(), header_buffer.whole());
        steer::record(
            at.recording,
            params,
            &list_buffer.whole(),
            current,
            &entries,
        );
        let entries = decode::Entries {
            entries: &entries,
            header: &header,
            offsets_at: 0,
            n_pos,
        };
        let rows = at.rows.whole();
        decode::record(at.recording, &w_dec, entries, decode::Start::Kept, &rows);
        Ok(())
    }

    /// Reads the list so far, if there is one; a list that was too long is made again, slot by slot.
    async fn read(&mut self, gpu: &Gpu, stop: &Stop) -> Result<(), ModelError> {
        let slots = std::mem::take(&mut self.slots);
        if slots.is_empty() {
            return Ok(());
        }
        let told = self.scope.lists.read(gpu, slots.len(), stop).await?;
        for slot in &slots {
            self.check_norms(*slot, told.norms(&self.scope.lists, *slot));
        }
        if told.total() <= self.scope.lists.capacity() {
            for slot in slots {
                told.collect(&self.scope.lists, slot, &mut self.features);
            }
            return Ok(());
        }
        for slot in slots {
            let encoder = self.scope.encoder_again(gpu, slot.layer, stop).await?;
            let lists = &self.scope.lists;
            let x = lists.input(slot, encoder.w_enc.n_in);
            let alone = Slot { n: 0, ..slot };
            let mut recording = Recording::default();
            lists.record(&mut recording, &encoder, &x, alone);
            gpu.play(&recording, stop).await?;
            let told = lists.read(gpu, 1, stop).await?;
            told.collect(lists, alone, &mut self.features);
        }
        Ok(())
    }

    /// What a transcoder reads was divided by its rms: its norm is the root of its width.
    fn check_norms(&mut self, slot: Slot, norms: &[f32]) {
        let of_layer = self.scope.dictionaries().find(|it| it.layer == slot.layer);
        let is_normed = |it: &&Dictionary| matches!(it.reads, Site::Ln2Normalized(_));
        let Some(it) = of_layer.filter(is_normed).filter(|_| !self.any_norm) else {
            return;
        };
        let expected = (it.d_in as f32).sqrt();
        let is_off = |it: &f32| it.is_nan() || (it - expected).abs() > expected * NORM_TOLERANCE;
        if let Some(n) = norms.iter().position(is_off) {
            self.off.get_or_insert((it.reads, slot.first + n, norms[n]));
        }
    }
}

/// How far from the root of its width the norm of a normalised row may be: only a stream as small as epsilon is farther.
const NORM_TOLERANCE: f32 = 1e-3;

fn tell(
    task: &mut Task<'_>,
    (layer, part): (usize, Part),
    first: usize,
    width: usize,
    data: Vec<f32>,
) {
    if !task.dense.contains(&(layer, part)) {
        return;
    }
    if let Some(sink) = task.sink.as_deref_mut() {
        sink(Dense {
            layer,
            part,
            first,
            width,
            data,
        });
    }
}

/// A buffer with these values, let go when the recording that uses it has been played.
async fn transient<T: bytemuck::NoUninit>(gpu: &Gpu, values: &[T]) -> Result<Buffer, ModelError> {
    let bytes: Vec<u8> = bytemuck::cast_slice(values).to_vec();
    let buffer = gpu
        .buffer("a list of interventions", bytes.len() as u64, Use::Scratch)
        .await?;
    gpu.upload(&buffer, 0, &Bytes::from(bytes)).await?;
    Ok(buffer)
}

/// The first `n` floats of a buffer, in pieces.
async fn read(gpu: &Gpu, buffer: &Buffer, n: usize, stop: &Stop) -> Result<Vec<f32>, ModelError> {
    const PIECE_BYTES: u64 = 4 << 20;
    let total = 4 * n as u64;
    let mut out = Vec::with_capacity(n);
    for at in (0..total).step_by(PIECE_BYTES as usize) {
        let bytes = gpu
            .read(&buffer.view(at, PIECE_BYTES.min(total - at)), stop)
            .await?;
        out.extend(bytemuck::pod_collect_to_vec::<u8, f32>(&bytes));
    }
    Ok(out)
}
