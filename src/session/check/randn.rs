//! `torch.manual_seed(seed); torch.randn(n)` on the CPU: the inputs of the published encoder figures. Not for sampling.
//!
//! Source: PyTorch, `aten/src/ATen/core/MT19937RNGEngine.h` and `aten/src/ATen/native/cpu/DistributionTemplates.h` (`normal_fill`).

/// Words of the generator's state.
const N: usize = 624;
/// Distance of the word that is mixed in.
const M: usize = 397;
/// Numbers are made in blocks: radii from the first half, angles from the second.
const BLOCK: usize = 16;

/// Standard normal numbers, as torch makes them; `n` is a multiple of 16 in all that is published.
pub fn randn(seed: u32, n: usize) -> Vec<f32> {
    let mut words = Mt19937::new(seed);
    let mut out: Vec<f32> = (0..n.next_multiple_of(BLOCK))
        .map(|_| words.uniform())
        .collect();
    for block in out.chunks_exact_mut(BLOCK) {
        let (first, second) = block.split_at_mut(BLOCK / 2);
        for (a, b) in first.iter_mut().zip(second) {
            let radius = (-2.0 * f64::from(1.0 - *a).ln()).sqrt();
            let angle = std::f64::consts::TAU * f64::from(*b);
            (*a, *b) = ((radius * angle.cos()) as f32, (radius * angle.sin()) as f32);
        }
    }
    out.truncate(n);
    out
}

/// The Mersenne twister. Source: Matsumoto and Nishimura, mt19937ar.c.
struct Mt19937 {
    state: Vec<u32>,
    next: usize,
}

impl Mt19937 {
    fn new(seed: u32) -> Self {
        let mut state = vec![seed; N];
        for i in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = before.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: N }
    }

    /// In [0, 1), of 24 random bits.
    fn uniform(&mut self) -> f32 {
        (self.word() & 0xff_ffff) as f32 / (1 << 24) as f32
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            self.twist();
        }
        let mut it = self.state[self.next];
        self.next += 1;
        it ^= it >> 11;
        it ^= (it << 7) & 0x9d2c_5680;
        it ^= (it << 15) & 0xefc6_0000;
        it ^ (it >> 18)
    }

    fn twist(&mut self) {
        for i in 0..N {
            let both = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if both & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (both >> 1) ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_known_one() {
        let mut words = Mt19937::new(5489);
        let tenth_thousand = (0..10_000).map(|_| words.word()).last();
        // Source: the C++ standard, [rand.predef].
        assert_eq!(tenth_thousand, Some(4_123_659_995));
    }

    #[test]
    fn the_first_numbers_are_torchs() {
        // Source: reference/real/encoder_cases.json, made with torch 2.15.
        let cases = [
            (0, [-1.125_839_8, -1.152_360_2, -0.250_578_58]),
            (12, [-0.132_012_9, -0.125_437_6, 0.344_312_4]),
        ];
        for (seed, first) in cases {
            let made = randn(seed, 2304);
            for (a, b) in made.iter().zip(first) {
                assert!((a - b).abs() < 2e-6, "{seed}: {a} {b}");
            }
        }
        assert_eq!(randn(0, 20).len(), 20);
    }
}
