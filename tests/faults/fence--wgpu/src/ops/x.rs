//! A kernel that holds a device.
pub struct Op {
    device: wgpu::Device,
}
