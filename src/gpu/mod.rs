//! Bytes -> buffers; a Recording -> results. Knows nothing of Gemma.
