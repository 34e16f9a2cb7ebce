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
    // Past 10 it is x or 0 in f32; where tanh is not quite 1 there, a large x would show it.
    let t = clamp(x, -10.0, 10.0);
    let near = 0.5 * x * (1.0 + safe_tanh(0.7978845608 * (t + 0.044715 * t * t * t)));
    return select(near, max(x, 0.0), abs(x) >= 10.0);
}
