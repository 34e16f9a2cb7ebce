//! An address -> raw ranges of bytes. Leaves tensors, the GPU and what is kept to other rooms.
