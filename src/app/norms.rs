//! The norm of the residual stream per layer and position, as a strip of numbers and shades.

/// Norms, one row per place in the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Norms {
    /// Name of the place, and the norm at each position.
    pub rows: Vec<(String, Vec<f32>)>,
}

impl Norms {
    /// Adds activations `[n_pos, width]` that start at position `first` of the place `name`.
    pub fn add(&mut self, name: &str, first: usize, width: usize, numbers: &[f32]) {
        let at = self
            .rows
            .iter()
            .position(|it| it.0 == name)
            .unwrap_or_else(|| {
                self.rows.push((name.into(), Vec::new()));
                self.rows.len() - 1
            });
        let row = &mut self.rows[at].1;
        let norms = numbers.chunks_exact(width.max(1)).map(norm);
        let n_pos = numbers.len() / width.max(1);
        row.resize(row.len().max(first + n_pos), 0.0);
        row.iter_mut()
            .skip(first)
            .zip(norms)
            .for_each(|(to, it)| *to = it);
    }

    /// Shade of a norm from 0 to 100: its share of the largest, BOS left out, whose norm dwarfs all others.
    pub fn shade(&self, norm: f32) -> u32 {
        let others = self.rows.iter().flat_map(|it| it.1.iter().skip(1));
        let most = others.copied().fold(f32::MIN_POSITIVE, f32::max);
        (100.0 * norm / most).clamp(0.0, 100.0).round() as u32
    }
}

fn norm(row: &[f32]) -> f32 {
    row.iter().map(|it| it * it).sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_and_bos_does_not_set_the_scale() {
        let mut norms = Norms::default();
        norms.add("a", 1, 2, &[3.0, 4.0, 0.0, 0.0]);
        norms.add("a", 0, 2, &[300.0, 400.0]);
        assert_eq!(norms.rows, [("a".to_string(), vec![500.0, 5.0, 0.0])]);
        assert_eq!(norms.shade(5.0), 100);
        assert_eq!(norms.shade(500.0), 100);
        assert_eq!(norms.shade(2.5), 50);
    }
}
