//! Kernels that have another form for adapters that compute on the CPU: the same bindings, constants and results, another
//! grid. Ops and recordings know nothing of it.

use super::{Dispatch, Gpu};

/// Which forms of kernels are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forms {
    /// Those for software where the adapter computes on the CPU, or else those for GPUs.
    #[default]
    ByAdapter,
    /// Those for GPUs on any adapter.
    Gpu,
    /// Those for software on any adapter.
    Software,
}

/// A kernel's form for software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftwareForm {
    /// The kernel.
    pub shader: &'static str,
    /// The text that it stands in.
    pub text: &'static str,
    /// Rows of a workgroup of the kernel,
    pub rows: u32,
    /// and of this form of it.
    pub software_rows: u32,
}

/// All of them.
pub const SOFTWARE_FORMS: [SoftwareForm; 3] = [
    SoftwareForm {
        shader: "gate_up",
        text: "software/gate_up",
        rows: 2,
        software_rows: 32,
    },
    SoftwareForm {
        shader: "matmul",
        text: "software/matmul",
        rows: 32,
        software_rows: 64,
    },
    SoftwareForm {
        shader: "matvec",
        text: "software/matvec",
        rows: 4,
        software_rows: 64,
    },
];

impl SoftwareForm {
    /// A grid of it that covers the rows which `grid` of the kernel covers.
    pub fn grid(&self, grid: [u32; 3]) -> [u32; 3] {
        let x = (grid[0] * self.rows).div_ceil(self.software_rows);
        [x, grid[1], grid[2]]
    }
}

impl Gpu {
    /// The text that is played for a kernel.
    pub(super) fn text_of(&self, shader: &'static str) -> &'static str {
        self.software_form(shader).map_or(shader, |it| it.text)
    }

    /// The grid that is played for a dispatch.
    pub(super) fn grid_of(&self, it: &Dispatch) -> [u32; 3] {
        self.software_form(it.kernel.shader)
            .map_or(it.grid, |form| form.grid(it.grid))
    }

    fn software_form(&self, shader: &'static str) -> Option<SoftwareForm> {
        let wanted = match self.options.forms {
            Forms::ByAdapter => self.about().software,
            Forms::Gpu => false,
            Forms::Software => true,
        };
        let mut forms = SOFTWARE_FORMS.into_iter().filter(|_| wanted);
        forms.find(|it| it.shader == shader)
    }
}
