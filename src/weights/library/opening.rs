//! What is known of the rows of the opening set, once the table of tokens that they are rows of is there.

use crate::{
    spec::{Layout, Trust},
    store::Reader,
    weights::{PackedTensor, PartPlan, WeightsError},
};

/// What the pieces of the opening part may count as, by number: the least that is known of the rows of kept tiles that equal theirs.
/// Rows are packed one by one, so that equal bytes in the store came from equal bytes of the file. Pieces with rows that are in no
/// tile yet, or that differ, are left out, and so is what is not rows of the table.
///
/// Both are read whole: the opening part, and of the tiles the same rows.
///
/// Errors: those of the store.
pub async fn opening_trust(
    opening: (&PartPlan, &Reader),
    tiles: &[(&PartPlan, &Reader)],
) -> Result<Vec<(u32, Trust)>, WeightsError> {
    let (plan, reader) = opening;
    let mut out = Vec::new();
    for piece in 0..plan.pieces.len() {
        let mut least = Some(Trust::File);
        for tensor in plan.tensors_of(piece) {
            least = least.min(rows_trust((tensor, reader), tiles).await?);
        }
        out.extend(least.map(|it| (piece as u32, it)));
    }
    Ok(out)
}

/// The same of the rows of one tensor.
async fn rows_trust(
    (rows, reader): (&PackedTensor, &Reader),
    tiles: &[(&PartPlan, &Reader)],
) -> Result<Option<Trust>, WeightsError> {
    let row_bytes = rows.size_bytes() / rows.rows.len().max(1) as u64;
    let mut at = rows.rows.start;
    let mut least = Trust::File;
    for (plan, kept) in tiles {
        let tile = plan.tensors.iter().find(|it| {
            let alike =
                (&it.name, it.packing, it.layout) == (&rows.name, rows.packing, Layout::Rows);
            alike && it.n_in == rows.n_in && it.rows.contains(&at)
        });
        let Some(tile) = tile.filter(|_| at < rows.rows.end) else {
            continue;
        };
        let end = rows.rows.end.min(tile.rows.end);
        let range = |of: &PackedTensor| {
            let byte = |row: usize| of.at + (row - of.rows.start) as u64 * row_bytes;
            byte(at)..byte(end)
        };
        let (ours, theirs) = (range(rows), range(tile));
        if !reader.has(&ours) || !kept.has(&theirs) {
            return Ok(None);
        }
        let trust = kept.trust(&theirs);
        if reader.read(ours).await?.into_vec() != kept.read(theirs).await?.into_vec() {
            return Ok(None);
        }
        least = trust.map_or(least, |it| least.min(it));
        at = end;
    }
    Ok((at == rows.rows.end).then_some(least))
}
