//! Ranges -> named packed tensors. Leaves the GPU and prompts to other rooms.
