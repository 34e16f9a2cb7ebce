//! One kernel each: shapes -> recorded dispatches, and its CPU twin. Knows nothing of layers and prompts.
