// tanh that is not NaN for large arguments on any driver; tanh(15) is 1 in f32 (spec::gemma::TANH_CLAMP).

fn safe_tanh(x: f32) -> f32 {
    return tanh(clamp(x, -15.0, 15.0));
}

// cap * tanh(x / cap); x itself if there is no cap.
fn softcap(x: f32, cap: f32) -> f32 {
    if cap == 0.0 { return x; }
    return cap * safe_tanh(x / cap);
}

// The tanh form of GELU. Source: arXiv:1606.08415; constants in spec::gemma.
fn gelu(x: f32) -> f32 {
    // Past this x^3 would overflow what the clamp makes of it anyway.
    let t = clamp(x, -1e4, 1e4);
    return 0.5 * x * (1.0 + safe_tanh(0.7978845608 * (t + 0.044715 * t * t * t)));
}
