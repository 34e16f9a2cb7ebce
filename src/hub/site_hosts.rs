//! The host table of the site that the page came from. Leaves holding to it to `net`.

use super::{HubError, Served, Source};
use crate::spec::HostTable;

const FILE: &str = "hosts.json";

/// The table that the site at an address has beside its programs; none where it has none.
///
/// Errors: [`HubError::Address`] for another site; [`HubError::Answer`] for what is no host table; those of reading.
pub async fn site_hosts(site: &str) -> Result<Option<HostTable>, HubError> {
    let served = Served::new(site)?;
    let size_bytes = match served.size(FILE).await {
        Err(HubError::NotFound { .. }) => return Ok(None),
        it => it?,
    };
    let text = served.read(FILE, 0..size_bytes).await?.into_vec();
    let table = serde_json::from_slice(&text).map_err(|it| HubError::Answer {
        place: served.name(),
        detail: format!("{FILE}: {it}"),
    });
    table.map(Some)
}
