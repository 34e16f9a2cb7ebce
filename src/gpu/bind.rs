//! Pipelines and bind groups, each made once.

use super::{Dispatch, Gpu, GpuError, Kernel, View, shader};
use crate::gpu::player::SLOT_BYTES;
use std::{collections::HashMap, rc::Rc};

/// What is kept between plays.
#[derive(Default)]
pub(super) struct Cache {
    pipelines: Vec<(Kernel, Rc<Pipeline>)>,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
}

/// A compiled kernel and the layout of its bindings.
pub(super) struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    shader: &'static str,
}

type GroupKey = (&'static str, Vec<(u64, u64, u64)>);

/// Bind groups are dropped together when there are so many: they keep freed buffers in the browser's books.
const MOST_GROUPS: usize = 8192;

impl Gpu {
    /// Compiles kernels and runs each once, as a phase of its own, so that no failure is silent.
    ///
    /// Errors: [`GpuError::Shader`] naming it.
    pub async fn prepare(
        &self,
        kernels: &[Kernel],
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<(), GpuError> {
        for (n, kernel) in kernels.iter().enumerate() {
            told(n as u64, kernels.len() as u64);
            if self.cache.borrow().find(kernel).is_none() {
                self.warm(kernel).await?;
                crate::sys::yield_now().await;
            }
        }
        told(kernels.len() as u64, kernels.len() as u64);
        Ok(())
    }

    async fn warm(&self, kernel: &Kernel) -> Result<(), GpuError> {
        let failed = |detail: String| match self.lost() {
            Some(reason) => GpuError::Lost { reason },
            None => GpuError::Shader {
                name: kernel.shader.into(),
                detail,
            },
        };
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = self.pipeline(kernel);
        let played = match &pipeline {
            Ok(it) => self.warm_dispatch(it).await,
            Err(_) => Ok(()),
        };
        let errors = [
            validation.pop().await,
            memory.pop().await,
            internal.pop().await,
        ];
        if let Some(error) = errors.into_iter().flatten().next() {
            self.cache.borrow_mut().forget(kernel);
            return Err(failed(error.to_string()));
        }
        pipeline?;
        played
    }

    /// One workgroup with zeroed parameters over scrap buffers.
    async fn warm_dispatch(&self, pipeline: &Pipeline) -> Result<(), GpuError> {
        let text = shader::resolve_shader(pipeline.shader).unwrap_or_default();
        let (n_read, n_write) = shader::bindings(&text);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM;
        let scrap: Vec<_> = (0..n_read + n_write + 1)
            .map(|_| {
                self.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("scrap"),
                    size: 1024,
                    usage,
                    mapped_at_creation: false,
                })
            })
            .collect();
        let entries: Vec<_> = scrap
            .iter()
            .enumerate()
            .map(|(n, it)| wgpu::BindGroupEntry {
                binding: n as u32,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: it,
                    offset: 0,
                    size: std::num::NonZeroU64::new(if n == 0 { SLOT_BYTES } else { 1024 }),
                }),
            })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(pipeline.shader),
            layout: &pipeline.layout,
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline.raw);
        pass.set_bind_group(0, &group, &[0]);
        pass.dispatch_workgroups(1, 1, 1);
        drop(pass);
        self.queue.submit([encoder.finish()]);
        self.finish().await
    }

    pub(super) fn pipeline(&self, kernel: &Kernel) -> Result<Rc<Pipeline>, GpuError> {
        if let Some(it) = self.cache.borrow().find(kernel) {
            return Ok(it);
        }
        let it = Rc::new(self.compile(kernel)?);
        self.cache
            .borrow_mut()
            .pipelines
            .push((kernel.clone(), it.clone()));
        Ok(it)
    }

    fn compile(&self, kernel: &Kernel) -> Result<Pipeline, GpuError> {
        let text = shader::resolve_shader(self.text_of(kernel.shader)).ok_or_else(|| {
            GpuError::Shader {
                name: kernel.shader.into(),
                detail: "no such shader, or an import of it is missing".into(),
            }
        })?;
        let (n_read, n_write) = shader::bindings(&text);
        let module = self
            .device
            .create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(kernel.shader),
                source: wgpu::ShaderSource::Wgsl(text.into()),
            });
        let layout = self.layout(kernel.shader, n_read, n_write);
        let pipeline_layout = self
            .device
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(kernel.shader),
                bind_group_layouts: &[Some(&layout)],
                ..Default::default()
            });
        let raw = self
            .device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.shader),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(kernel.shader),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &kernel.constants,
                    // Every kernel writes what it reads of workgroup memory; browsers zero it all the same.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            });
        Ok(Pipeline {
            raw,
            layout,
            shader: kernel.shader,
        })
    }

    fn layout(&self, shader: &str, n_read: usize, n_write: usize) -> wgpu::BindGroupLayout {
        let entry = |n: usize| wgpu::BindGroupLayoutEntry {
            binding: n as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match n {
                    0 => wgpu::BufferBindingType::Uniform,
                    _ => wgpu::BufferBindingType::Storage {
                        read_only: n <= n_read,
                    },
                },
                has_dynamic_offset: n == 0,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = (0..=n_read + n_write).map(entry).collect();
        self.device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(shader),
                entries: &entries,
            })
    }

    pub(super) fn group(
        &self,
        pipeline: &Pipeline,
        dispatch: &Dispatch,
        uniforms: &wgpu::Buffer,
    ) -> Result<wgpu::BindGroup, GpuError> {
        let key = |it: &View| (it.buffer.id(), it.offset, it.bytes);
        let key: GroupKey = (pipeline.shader, dispatch.views.iter().map(key).collect());
        if let Some(it) = self.cache.borrow().groups.get(&key) {
            return Ok(it.clone());
        }
        let mut entries = vec![entry(0, uniforms, 0, SLOT_BYTES)];
        for (n, view) in dispatch.views.iter().enumerate() {
            let raw = view.buffer.raw().ok_or_else(|| GpuError::Device {
                detail: format!("{} has no device behind it", view.buffer.label()),
            })?;
            entries.push(entry(n as u32 + 1, raw, view.offset, view.bytes));
        }
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(pipeline.shader),
            layout: &pipeline.layout,
            entries: &entries,
        });
        let groups = &mut self.cache.borrow_mut().groups;
        if groups.len() >= MOST_GROUPS {
            groups.clear();
        }
        groups.insert(key, group.clone());
        Ok(group)
    }

    /// Forgets bind groups, and with them the buffers that they hold.
    pub fn forget_groups(&self) {
        self.cache.borrow_mut().groups.clear();
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry {
        binding,
        resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer,
            offset,
            size: std::num::NonZeroU64::new(bytes),
        }),
    }
}

impl Cache {
    fn find(&self, kernel: &Kernel) -> Option<Rc<Pipeline>> {
        let same = |it: &&(Kernel, Rc<Pipeline>)| it.0 == *kernel;
        self.pipelines.iter().find(same).map(|it| it.1.clone())
    }

    fn forget(&mut self, kernel: &Kernel) {
        self.pipelines.retain(|it| it.0 != *kernel);
    }
}
