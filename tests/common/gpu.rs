//! Devices for tests: what is put on them, played and read back.

use gemscope::{
    gpu::{Forms, Gpu, GpuOptions, Recording, Use, View},
    spec::Bytes,
    sys::{Stop, block_on},
};
use std::rc::Rc;

/// An open device.
pub struct Lab {
    /// The device.
    pub gpu: Rc<Gpu>,
}

impl Lab {
    /// Opens a device; none where there is no adapter and `GEMSCOPE_NO_GPU=1` says that this is known.
    pub fn open(options: &GpuOptions) -> Option<Self> {
        match block_on(Gpu::open(options)) {
            Ok(gpu) => Some(Self { gpu }),
            Err(error) if std::env::var("GEMSCOPE_NO_GPU").is_ok_and(|it| it == "1") => {
                eprintln!("skipped, GEMSCOPE_NO_GPU=1: {error}");
                None
            }
            Err(error) => {
                panic!(
                    "{error}; install a Vulkan driver (mesa-vulkan-drivers) or set GEMSCOPE_NO_GPU=1"
                )
            }
        }
    }

    /// Runs a check at WebGPU's default limits with the kernels for GPUs, then with everything that the adapter gives and
    /// the kernels for it.
    pub fn each(check: impl Fn(&Self)) {
        for (default_limits, forms) in [(true, Forms::Gpu), (false, Forms::ByAdapter)] {
            let options = GpuOptions {
                default_limits,
                forms,
                ..GpuOptions::default()
            };
            let Some(lab) = Self::open(&options) else {
                return;
            };
            check(&lab);
            assert_eq!(lab.gpu.last_errors(), Vec::<String>::new());
        }
    }

    /// A buffer of these bytes.
    pub fn bytes(&self, label: &str, bytes: &[u8]) -> View {
        let n_bytes = bytes.len() as u64;
        let buffer = block_on(self.gpu.buffer(label, n_bytes, Use::Scratch)).expect(label);
        for (n, piece) in bytes.chunks(8 << 20).enumerate() {
            let offset = (n as u64) * (8 << 20);
            block_on(
                self.gpu
                    .upload(&buffer, offset, &Bytes::from(piece.to_vec())),
            )
            .expect(label);
        }
        block_on(self.gpu.finish_uploads()).expect(label);
        buffer.whole()
    }

    /// A buffer of these numbers.
    pub fn put<T: bytemuck::Pod>(&self, label: &str, values: &[T]) -> View {
        self.bytes(label, bytemuck::cast_slice(values))
    }

    /// A buffer of `n` words that no op should leave as they are: NaN as f32.
    pub fn blank(&self, label: &str, n: usize) -> View {
        self.put(label, &vec![f32::NAN; n])
    }

    /// Plays a recording to its end.
    pub fn play(&self, recording: &Recording) {
        block_on(self.gpu.play(recording, &Stop::default())).expect("playing");
        block_on(self.gpu.finish()).expect("finishing");
    }

    /// What stands in a buffer.
    pub fn read<T: bytemuck::Pod>(&self, view: &View) -> Vec<T> {
        let bytes = block_on(self.gpu.read(view, &Stop::default())).expect("reading");
        bytemuck::pod_collect_to_vec(&bytes)
    }

    /// Plays a recording on fresh results twice; both must be the same bits.
    pub fn twice(&self, run: impl Fn() -> Vec<f32>) -> Vec<f32> {
        let (first, second) = (run(), run());
        let bits = |it: &[f32]| it.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
        assert!(bits(&first) == bits(&second), "two runs differ");
        first
    }
}

/// Fails at the first value that is further than `absolute + relative * |want|` from the twin's.
pub fn assert_close(what: &str, got: &[f32], want: &[f64], (absolute, relative): (f64, f64)) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (n, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(
            error <= absolute + relative * want.abs(),
            "{what}[{n}]: got {got:e}, the twin says {want:e}, error {error:e}"
        );
    }
}
