//! Tries what only a browser has, for its tests: files of the origin in a worker.

use crate::store::{self, OpfsDisk};
use std::{error::Error, rc::Rc};

/// Walks the store through all that it asks of this browser, in a folder of its own; what was seen, a line each.
///
/// Errors: what is not as it must be, with what can be done about it.
pub async fn selftest() -> Result<String, String> {
    let walked = async {
        let disk = OpfsDisk::open().await?;
        store::selftest(Rc::new(disk)).await
    };
    walked.await.map_err(|it| {
        let source = it.source().map(|it| format!(" ({it})"));
        format!("{it}{}. {}", source.unwrap_or_default(), it.remedy())
    })
}
