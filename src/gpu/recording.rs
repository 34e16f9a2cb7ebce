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

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch(views: Vec<View>, grid: [u32; 3]) -> Dispatch {
        Dispatch {
            kernel: Kernel {
                shader: "copy",
                constants: vec![],
            },
            params: vec![],
            views,
            grid,
            cost: Cost {
                bytes_read: 10,
                flops: 3,
            },
        }
    }

    #[test]
    fn a_recording_is_counted_without_a_device() {
        let (a, b) = (Buffer::detached("a", 64), Buffer::detached("b", 32));
        let mut recording = Recording::default();
        assert!(recording.is_empty());
        recording.dispatch(dispatch(vec![a.whole(), b.whole()], [2, 1, 1]));
        recording.copy(a.view(16, 100), b.whole());
        recording.dispatch(dispatch(vec![b.whole(), a.view(0, 8)], [1, 1, 1]));
        assert_eq!(recording.steps().len(), 3);
        assert_eq!(recording.dispatches().count(), 2);
        let cost = Cost {
            bytes_read: 20,
            flops: 6,
        };
        assert_eq!(recording.cost(), cost);
        let labels: Vec<_> = recording.buffers().iter().map(|it| it.label()).collect();
        assert_eq!(labels, ["a", "b"]);
        let told = "copy [2, 1, 1] a, b\ncopy 48 bytes a -> b\ncopy [1, 1, 1] b, a\n";
        assert_eq!(recording.to_string(), told);
    }

    #[test]
    fn a_dispatch_without_workgroups_is_left_out() {
        let mut recording = Recording::default();
        recording.dispatch(dispatch(vec![], [4, 0, 1]));
        assert!(recording.is_empty());
    }

    #[test]
    fn a_view_ends_where_its_buffer_ends() {
        let buffer = Buffer::detached("a", 64);
        assert_eq!(buffer.view(16, 8).bytes, 8);
        assert_eq!(buffer.view(16, 1000).bytes, 48);
        assert_eq!(buffer.view(100, 1).bytes, 0);
        assert!(buffer.whole() == buffer.view(0, 64));
        assert!(buffer.whole() != Buffer::detached("a", 64).whole());
    }
}
