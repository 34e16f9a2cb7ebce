//! Attention patterns of a pass: told, or replaced and applied again, part of the cache by part.

use super::{
    Model, ModelError,
    pass::{Capture, Pass, read_floats, upload_floats},
};
use crate::spec::{Change, Site};

impl Model {
    /// The pattern of layer `n`, part by part: written, applied again, told.
    pub(super) async fn visit_pattern(
        &self,
        pass: &mut Pass<'_>,
        n: usize,
    ) -> Result<(), ModelError> {
        let site = Site::Pattern(n);
        let (first, n_pos) = pass.block;
        let n_heads = self.config().n_heads;
        let mut data = vec![0.0; n_heads * n_pos * pass.n_total];
        let is_written = pass.course.writes.iter().any(|it| it.site == site);
        let parts = self.seen_parts(n, pass.block);
        for (i, part) in parts.iter().enumerate() {
            let n_keys = part.n_pos.min(first + n_pos - part.first);
            self.record_pattern(&mut pass.recording, n, pass.block, i);
            if is_written {
                self.write_pattern(pass, site, (part.first, n_keys)).await?;
                self.record_pattern_applied(&mut pass.recording, n, pass.block, i);
            }
            pass.play(&self.gpu).await?;
            if pass.course.want.contains(&site) {
                let rows = read_floats(
                    &self.gpu,
                    &self.scratch.pattern,
                    n_pos * n_heads * n_keys,
                    pass.course.stop,
                )
                .await?;
                for (at, of_row) in rows.chunks(n_keys).enumerate() {
                    let (dst, head) = (at / n_heads, at % n_heads);
                    let to = (head * n_pos + dst) * pass.n_total + part.first;
                    data[to..to + n_keys].copy_from_slice(of_row);
                }
            }
        }
        if pass.course.want.contains(&site) {
            (pass.course.sink)(Capture {
                site,
                first,
                shape: vec![n_heads, n_pos, pass.n_total],
                data,
            });
        }
        Ok(())
    }

    async fn write_pattern(
        &self,
        pass: &mut Pass<'_>,
        site: Site,
        (first_key, n_keys): (usize, usize),
    ) -> Result<(), ModelError> {
        let n_heads = self.config().n_heads;
        for write in pass.course.writes.iter().filter(|it| it.site == site) {
            let (asked, positions) = (write.positions.range(pass.n_total)?, pass.written(write)?);
            let Change::Replace(values) = &write.change else {
                continue;
            };
            if positions.is_empty() {
                continue;
            }
            // From [head, position, key] of the whole prompt to [position, head, key] of this part.
            let mut rows = Vec::with_capacity(positions.len() * n_heads * n_keys);
            for pos in positions.clone() {
                for head in 0..n_heads {
                    let at = (head * asked.len() + pos - asked.start) * pass.n_total + first_key;
                    rows.extend_from_slice(&values[at..at + n_keys]);
                }
            }
            let new = upload_floats(&self.gpu, &rows).await?;
            let offset = 4 * (positions.start - pass.block.0) * n_heads * n_keys;
            pass.recording.copy(
                new.whole(),
                self.scratch.pattern.view(offset as u64, new.bytes()),
            );
        }
        Ok(())
    }
}
