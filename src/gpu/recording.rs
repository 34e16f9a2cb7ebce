//! A pass as a plain list: it can be printed, counted and tested without a device.

use super::{Buffer, View};
use std::fmt;

/// A compiled entry point: a shader and its override constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// Name of the shader and of its entry.
    pub shader: &'static str,
    /// Values of its `override`s; the others keep their defaults.
    pub constants: Vec<(&'static str, f64)>,
}

/// What a dispatch reads and computes, as its op declares it: each byte of memory once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Bytes of weights, caches and activations read.
    pub bytes_read: u64,
    /// Multiplications and additions.
    pub flops: u64,
}

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// What runs.
    pub kernel: Kernel,
    /// The bytes of `Params`, binding 0.
    pub params: Vec<u8>,
    /// Bindings 1 and up, in the shader's order.
    pub views: Vec<View>,
    /// Workgroups.
    pub grid: [u32; 3],
    /// What it costs.
    pub cost: Cost,
}

/// One step of a recording.
#[derive(Clone, Debug)]
pub enum Step {
    /// Runs a kernel.
    Dispatch(Dispatch),
    /// Copies bytes from the first view to the second; ends a compute pass, so only captures and writes ask for it.
    Copy(View, View),
}

/// Steps to be played in order.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    steps: Vec<Step>,
}

impl Recording {
    /// Adds a dispatch; one without workgroups is left out.
    pub fn dispatch(&mut self, it: Dispatch) {
        if it.grid.iter().all(|n| *n > 0) {
            self.steps.push(Step::Dispatch(it));
        }
    }

    /// Adds a copy of whole words between buffers.
    pub fn copy(&mut self, src: View, dst: View) {
        self.steps.push(Step::Copy(src, dst));
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether there is nothing to play.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Its dispatches.
    pub fn dispatches(&self) -> impl Iterator<Item = &Dispatch> {
        self.steps.iter().filter_map(|it| match it {
            Step::Dispatch(it) => Some(it),
            Step::Copy(..) => None,
        })
    }

    /// Declared cost of all of it.
    pub fn cost(&self) -> Cost {
        self.dispatches().fold(Cost::default(), |sum, it| Cost {
            bytes_read: sum.bytes_read + it.cost.bytes_read,
            flops: sum.flops + it.cost.flops,
        })
    }

    /// Buffers that it touches, each once, in order of first use.
    pub fn buffers(&self) -> Vec<&Buffer> {
        let mut out: Vec<&Buffer> = Vec::new();
        for step in &self.steps {
            let views: Vec<&View> = match step {
                Step::Dispatch(it) => it.views.iter().collect(),
                Step::Copy(src, dst) => vec![src, dst],
            };
            for view in views {
                if !out.iter().any(|it| it.id() == view.buffer.id()) {
                    out.push(&view.buffer);
                }
            }
        }
        out
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Dispatch(it) => {
                    let views: Vec<_> = it.views.iter().map(|it| it.buffer.label()).collect();
                    writeln!(f, "{} {:?} {}", it.kernel.shader, it.grid, views.join(", "))?;
                }
                Step::Copy(src, dst) => {
                    let (src_label, dst_label) = (src.buffer.label(), dst.buffer.label());
                    writeln!(f, "copy {} bytes {src_label} -> {dst_label}", src.bytes)?;
                }
            }
        }
        Ok(())
    }
}
