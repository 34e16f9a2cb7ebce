//! What an adapter tells of itself.

/// An adapter and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name, as far as it tells.
    pub adapter: String,
    /// vulkan, metal, dx12 or webgpu.
    pub backend: String,
    /// Its driver.
    pub driver: String,
    /// Whether it computes on the CPU.
    pub software: bool,
    /// Largest storage binding in use.
    pub max_binding_bytes: u64,
    /// Optional features in use.
    pub features: Vec<String>,
}

impl About {
    pub(super) fn new(
        info: &wgpu::AdapterInfo,
        max_binding_bytes: u64,
        features: Vec<String>,
    ) -> Self {
        let or_unknown = |it: &str| {
            if it.is_empty() {
                "unnamed".into()
            } else {
                it.to_string()
            }
        };
        let driver = format!("{} {}", info.driver, info.driver_info);
        Self {
            adapter: or_unknown(&info.name),
            backend: info.backend.to_string(),
            driver: or_unknown(driver.trim()),
            software: info.device_type == wgpu::DeviceType::Cpu,
            max_binding_bytes,
            features,
        }
    }
}
