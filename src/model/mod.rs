//! Tokens -> logits and activations at sites. Leaves transcoders and views to other rooms.
