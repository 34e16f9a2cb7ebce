//! Memory of this process while something loads, beside what the device counts.

/// Watches resident memory. On adapters that compute on the CPU it holds the GPU's buffers too.
pub struct Watch {
    idle: f64,
    /// The most that was resident, in bytes.
    pub peak: f64,
    /// The most that was resident beside the idle process and the counted bytes.
    pub beside: f64,
}

impl Watch {
    /// Takes what is resident now for idle.
    pub fn start() -> Self {
        let idle = resident_bytes();
        Self {
            idle,
            peak: idle,
            beside: 0.0,
        }
    }

    /// Looks again; `counted` are live bytes of the GPU.
    pub fn sample(&mut self, counted: u64) {
        let now = resident_bytes();
        self.peak = self.peak.max(now);
        self.beside = self.beside.max(now - self.idle - counted as f64);
    }
}

/// Resident bytes as the kernel tells them; 0 where it does not.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0
}
