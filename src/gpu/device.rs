//! An open device: adapter, queue, and what is known of their health.

use super::{
    About, Buffer, GpuError, GpuOptions, Ledger, Use, bind::Cache, pace::Pace, player::Uniforms,
    transfer::Staging,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

/// Errors of the device that are kept for a report.
const KEPT_ERRORS: usize = 8;

/// An open device. Not shared between threads; everything on it is played in order.
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) ledger: Rc<Ledger>,
    pub(super) cache: RefCell<Cache>,
    pub(super) uniforms: RefCell<Option<Uniforms>>,
    pub(super) staging: RefCell<Staging>,
    pub(super) pace: RefCell<Pace>,
    pub(super) n_submits: Cell<u64>,
    pub(super) options: GpuOptions,
    about: About,
    health: Arc<Health>,
}

/// What callbacks of the driver tell us, from whatever thread.
#[derive(Default)]
struct Health {
    lost: Mutex<Option<String>>,
    errors: Mutex<Vec<String>>,
}

impl Gpu {
    /// Opens a device with all that the adapter gives, or with WebGPU's defaults.
    ///
    /// Errors: [`GpuError::NoAdapter`], [`GpuError::Device`].
    pub async fn open(options: &GpuOptions) -> Result<Rc<Self>, GpuError> {
        let adapter = find_adapter(options).await?;
        let (features, limits) = wanted(&adapter, options);
        let description = wgpu::DeviceDescriptor {
            label: Some("gemscope"),
            required_features: features,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) =
            adapter
                .request_device(&description)
                .await
                .map_err(|it| GpuError::Device {
                    detail: it.to_string(),
                })?;
        let largest = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size);
        let max_binding_bytes = options
            .max_binding_bytes
            .map_or(largest, |it| it.min(largest))
            / 256
            * 256;
        let names = features
            .iter_names()
            .map(|it| it.0.to_lowercase())
            .collect();
        let gpu = Self {
            about: About::new(&adapter.get_info(), max_binding_bytes, names),
            health: watch(&device),
            device,
            queue,
            ledger: Rc::default(),
            cache: RefCell::default(),
            uniforms: RefCell::default(),
            staging: RefCell::default(),
            pace: RefCell::default(),
            n_submits: Cell::new(0),
            options: options.clone(),
        };
        Ok(Rc::new(gpu))
    }

    /// The adapter and what is used of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Largest storage binding in use, a multiple of 256.
    pub fn max_binding_bytes(&self) -> u64 {
        self.about.max_binding_bytes
    }

    /// Live bytes of GPU memory.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Live bytes, staging included.
    pub fn live_bytes(&self) -> u64 {
        self.ledger.live_bytes()
    }

    /// The most that were live at once, staging included.
    pub fn peak_bytes(&self) -> u64 {
        self.ledger.peak_bytes()
    }

    /// Submits so far.
    pub fn n_submits(&self) -> u64 {
        self.n_submits.get()
    }

    /// Why the device is gone, if it is.
    pub fn lost(&self) -> Option<String> {
        lock(&self.health.lost).clone()
    }

    /// The last errors of the device.
    pub fn last_errors(&self) -> Vec<String> {
        lock(&self.health.errors).clone()
    }

    /// A zeroed buffer that shaders read and write.
    ///
    /// Errors: [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn buffer(&self, label: &str, bytes: u64, usage: Use) -> Result<Buffer, GpuError> {
        use wgpu::BufferUsages as U;
        let usages = U::STORAGE | U::COPY_SRC | U::COPY_DST;
        self.allocate(label, bytes, usages, usage).await
    }

    pub(super) async fn allocate(
        &self,
        label: &str,
        bytes: u64,
        usages: wgpu::BufferUsages,
        usage: Use,
    ) -> Result<Buffer, GpuError> {
        self.check_alive()?;
        let size = bytes.max(4).next_multiple_of(4);
        let refused = || GpuError::OutOfMemory {
            label: label.into(),
            bytes: size,
        };
        let above = self.options.faults.refuse_above_bytes;
        if above.is_some_and(|it| self.live_bytes() + size > it)
            || size > self.device.limits().max_buffer_size
        {
            return Err(refused());
        }
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage: usages,
            mapped_at_creation: false,
        };
        let raw = self.device.create_buffer(&descriptor);
        let (invalid, full) = (validation.pop().await, memory.pop().await);
        if full.is_some() {
            return Err(refused());
        }
        if let Some(error) = invalid {
            return Err(self.device_error(error.to_string()));
        }
        Ok(Buffer::attached(raw, label, self.ledger.clone(), usage))
    }

    pub(super) fn check_alive(&self) -> Result<(), GpuError> {
        match self.lost() {
            Some(reason) => Err(GpuError::Lost { reason }),
            None => Ok(()),
        }
    }

    /// An error of the device, or its loss if that is behind it.
    pub(super) fn device_error(&self, detail: String) -> GpuError {
        match self.lost() {
            Some(reason) => GpuError::Lost { reason },
            None => GpuError::Device { detail },
        }
    }

    /// Notes a loss that the driver has not told of yet.
    pub(super) fn note_lost(&self, reason: &str) {
        lock(&self.health.lost).get_or_insert_with(|| reason.into());
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        self.cache.take();
        self.device.destroy();
    }
}

async fn find_adapter(options: &GpuOptions) -> Result<wgpu::Adapter, GpuError> {
    let missing = || GpuError::NoAdapter {
        wanted: options.adapter.clone(),
    };
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    if let Some(wanted) = &options.adapter {
        let adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
        let wanted = wanted.to_lowercase();
        return adapters
            .into_iter()
            .find(|it| it.get_info().name.to_lowercase().contains(&wanted))
            .ok_or_else(missing);
    }
    let request = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    };
    instance
        .request_adapter(&request)
        .await
        .map_err(|_| missing())
}

fn wanted(adapter: &wgpu::Adapter, options: &GpuOptions) -> (wgpu::Features, wgpu::Limits) {
    if options.default_limits {
        return (wgpu::Features::empty(), wgpu::Limits::default());
    }
    let useful = wgpu::Features::SUBGROUP;
    (adapter.features() & useful, adapter.limits())
}

fn watch(device: &wgpu::Device) -> Arc<Health> {
    let health = Arc::new(Health::default());
    let told = health.clone();
    device.set_device_lost_callback(move |reason, message| {
        let reason = if message.is_empty() {
            format!("{reason:?}")
        } else {
            message
        };
        lock(&told.lost).get_or_insert(reason);
    });
    let told = health.clone();
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        let mut errors = lock(&told.errors);
        if errors.len() == KEPT_ERRORS {
            errors.remove(0);
        }
        errors.push(error.to_string());
    }));
    health
}

/// A lock whose holder panicked still holds plain data.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
