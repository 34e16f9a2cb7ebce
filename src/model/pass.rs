//! A pass under way: what is recorded and not yet played, and who wants to see or change what at which site.

use super::{
    Model, ModelError, Stage,
    kept::Rows,
    plan::READBACK_BYTES,
    tap::{At, Tap},
};
use crate::{
    gpu::{Buffer, Gpu, Recording, Use, View},
    ops::add_rows,
    spec::{Bytes, Change, Config, Site, Write},
    sys::Stop,
};
use std::ops::Range;

/// Activations of one block of positions at a site.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// Where.
    pub site: Site,
    /// The first position, the first query for a pattern.
    pub first: usize,
    /// Axes of [`Site::axes`], the positions being those of this block.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub data: Vec<f32>,
}

/// Who wants to see or change what on the way.
pub struct Course<'a> {
    /// Sites that are told.
    pub want: &'a [Site],
    /// Changes made before anybody sees.
    pub writes: &'a [Write],
    /// Somebody called at sites, after the writes and before what is told.
    pub tap: Option<&'a mut dyn Tap>,
    /// Takes what is told.
    pub sink: &'a mut dyn FnMut(Capture),
    /// Set to stop.
    pub stop: &'a Stop,
}

/// What a derived run takes from the run that it is derived from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derivation {
    /// The first layer whose MLP is run; what comes before is as it was. None starts from the tokens.
    pub start: Option<usize>,
    /// Whether attention looks where it looked.
    pub attention: bool,
    /// Whether norms divide by what they divided by.
    pub norms: bool,
    /// By layer, whether its MLP adds what it added, before the tap changes it.
    pub mlp: Vec<bool>,
    /// What the caller calls the run; 0 is the clean one.
    pub label: u64,
}

/// A derivation and the kept rows of its base.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    pub rows: Rows,
    pub derivation: &'a Derivation,
}

/// Which way a pass goes.
#[derive(Clone, Copy, Default)]
pub(super) struct Way<'a> {
    /// Where in the pool this run is kept.
    pub keep: Option<Rows>,
    /// What it is derived from.
    pub base: Option<Base<'a>>,
    /// How far the run is kept from which it goes on, instead of from the tokens.
    pub from: Option<Stage>,
    /// How far it goes.
    pub to: Stage,
}

/// A pass over some positions.
pub(super) struct Pass<'a> {
    pub recording: Recording,
    pub course: Course<'a>,
    pub way: Way<'a>,
    /// Positions of the whole prompt.
    pub n_total: usize,
    /// The first position of the block, and how many it has.
    pub block: (usize, usize),
}

impl Pass<'_> {
    /// Whether anybody wants to see or change a site.
    pub fn touches(&self, site: Site) -> bool {
        let course = &self.course;
        course.want.contains(&site)
            || course.writes.iter().any(|it| it.site == site)
            || course.tap.as_ref().is_some_and(|it| it.touches(site))
    }

    /// Whether the MLP of a layer adds what it added in the run that this is derived from.
    pub fn is_as_it_was(&self, layer: usize) -> bool {
        let of_base = |it: Base<'_>| it.derivation.mlp.get(layer) == Some(&true);
        self.way.base.is_some_and(of_base)
    }

    /// Plays what is recorded so far.
    pub async fn play(&mut self, gpu: &Gpu) -> Result<(), ModelError> {
        let recording = std::mem::take(&mut self.recording);
        Ok(gpu.play(&recording, self.course.stop).await?)
    }

    /// Lets the tap look at a site.
    pub async fn tap(
        &mut self,
        gpu: &Gpu,
        site: Site,
        rows: &Buffer,
        width: usize,
    ) -> Result<(), ModelError> {
        let (block, n_total, stop) = (self.block, self.n_total, self.course.stop);
        let Some(tap) = self.course.tap.as_deref_mut() else {
            return Ok(());
        };
        if !tap.touches(site) {
            return Ok(());
        }
        let recording = &mut self.recording;
        tap.visit(At {
            site,
            rows,
            width,
            block,
            n_total,
            recording,
            gpu,
            stop,
        })
        .await
    }

    /// Ends the block: all of it is submitted, and the tap told so.
    pub async fn end_block(&mut self, gpu: &Gpu) -> Result<(), ModelError> {
        self.play(gpu).await?;
        let stop = self.course.stop;
        match self.course.tap.as_deref_mut() {
            Some(tap) => tap.end_of_block(gpu, stop).await,
            None => Ok(()),
        }
    }

    /// The positions of a write that lie in this block.
    pub fn written(&self, write: &Write) -> Result<Range<usize>, ModelError> {
        let asked = write.positions.range(self.n_total)?;
        let (first, n_pos) = self.block;
        Ok(asked.start.max(first)..asked.end.min(first + n_pos))
    }

    /// Passes a site whose rows stand in `rows`: makes the writes, lets the tap look, then tells who wants to see.
    pub async fn visit(
        &mut self,
        model: &Model,
        site: Site,
        rows: &Buffer,
        width: usize,
    ) -> Result<(), ModelError> {
        for write in self.course.writes.iter().filter(|it| it.site == site) {
            let positions = self.written(write)?;
            if !positions.is_empty() {
                self.write_rows(model, write, positions, (rows, width))
                    .await?;
            }
        }
        self.tap(&model.gpu, site, rows, width).await?;
        if self.course.want.contains(&site) {
            let (first, n_pos) = self.block;
            self.play(&model.gpu).await?;
            let stop = self.course.stop;
            let data = read_floats(&model.gpu, rows, n_pos * width, stop).await?;
            (self.course.sink)(Capture {
                site,
                first,
                shape: vec![n_pos, width],
                data,
            });
        }
        Ok(())
    }

    async fn write_rows(
        &mut self,
        model: &Model,
        write: &Write,
        positions: Range<usize>,
        (rows, width): (&Buffer, usize),
    ) -> Result<(), ModelError> {
        let in_block = positions.start - self.block.0;
        let n_pos = positions.len();
        match &write.change {
            Change::Add(row) => {
                let added = upload_floats(&model.gpu, row).await?;
                let params = add_rows::Params {
                    n_pos: n_pos as u32,
                    width: width as u32,
                    first: in_block as u32,
                    y_stride: 0,
                };
                add_rows::record(&mut self.recording, params, &added.whole(), &rows.whole());
            }
            Change::Replace(values) => {
                let asked = write.positions.range(self.n_total)?;
                let of_block = &values[(positions.start - asked.start) * width..][..n_pos * width];
                let new = upload_floats(&model.gpu, of_block).await?;
                let to = rows.view(4 * (in_block * width) as u64, new.bytes());
                self.recording.copy(new.whole(), to);
            }
        }
        Ok(())
    }
}

/// Checks wants and writes against the model and a prompt of `n_pos` positions, so that nothing fails half-way.
pub(super) fn check(
    config: &Config,
    want: &[Site],
    writes: &[Write],
    n_pos: usize,
) -> Result<(), ModelError> {
    for site in want {
        site.within(config.n_layers)?;
    }
    for write in writes {
        write.site.within(config.n_layers)?;
        let n_written = write.positions.range(n_pos)?.len();
        let refuse = |detail: String| {
            Err(ModelError::Write {
                site: write.site,
                detail,
            })
        };
        let (got, expected) = match (&write.change, write.site) {
            (_, Site::Logits) => return refuse("logits are read only".into()),
            (Change::Add(_), Site::Pattern(_)) => {
                return refuse("a pattern can only be replaced".into());
            }
            (Change::Add(row), _) => (row, config.d_model),
            (Change::Replace(values), Site::Pattern(_)) => {
                (values, config.n_heads * n_written * n_pos)
            }
            (Change::Replace(values), _) => (values, n_written * config.d_model),
        };
        if got.len() != expected {
            return refuse(format!(
                "{expected} numbers are needed, {} were given",
                got.len()
            ));
        }
        if let Some(at) = got.iter().position(|it| !it.is_finite()) {
            return refuse(format!("number {at} is not finite"));
        }
    }
    Ok(())
}

/// A transient buffer with these numbers.
pub(super) async fn upload_floats(gpu: &Gpu, values: &[f32]) -> Result<Buffer, ModelError> {
    let bytes: Vec<u8> = bytemuck::cast_slice(values).to_vec();
    let buffer = gpu
        .buffer("values written", bytes.len() as u64, Use::Scratch)
        .await?;
    gpu.upload(&buffer, 0, &Bytes::from(bytes)).await?;
    Ok(buffer)
}

/// The first `n` floats of a buffer, read back in pieces.
pub(super) async fn read_floats(
    gpu: &Gpu,
    buffer: &Buffer,
    n: usize,
    stop: &Stop,
) -> Result<Vec<f32>, ModelError> {
    let bytes = read_bytes(gpu, &buffer.view(0, 4 * n as u64), stop).await?;
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}

/// A view's bytes, read back in pieces.
pub(super) async fn read_bytes(gpu: &Gpu, view: &View, stop: &Stop) -> Result<Vec<u8>, ModelError> {
    let mut out = Vec::with_capacity(view.bytes as usize);
    while (out.len() as u64) < view.bytes {
        let at = out.len() as u64;
        let piece = view
            .buffer
            .view(view.offset + at, READBACK_BYTES.min(view.bytes - at));
        out.extend(gpu.read(&piece, stop).await?);
    }
    Ok(out)
}
