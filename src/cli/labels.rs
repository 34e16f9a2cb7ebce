//! `--labels`: what a labels file says of features, asked of the engine before a model is opened. Leaves showing it to each command.

use super::open;
use super::session::Session;
use crate::session::protocol::{CommandBody, Failure, FeatureId, Partial};
use std::collections::BTreeMap;
use std::path::Path;

/// Labels by feature.
pub type Labels = BTreeMap<FeatureId, String>;

/// The labels of a file, if one is given; the engine keeps it for questions about features.
///
/// Errors: a file that is not there, or is no labels file.
pub fn read(session: &mut Session, file: Option<&Path>) -> Result<Option<Labels>, Failure> {
    let Some(path) = file else {
        return Ok(None);
    };
    let remedy = "Give a labels.json, such as www/demo/labels.json.";
    let from = open::file_path(path, "labels file", remedy)?;
    let mut out = Labels::new();
    session.call_with(CommandBody::Labels { from }, &mut |it, _| {
        if let Partial::Labels { layer, labels } = it {
            out.extend(labels.into_iter().filter_map(|it| {
                let index = it.index;
                Some((FeatureId { layer, index }, it.label?))
            }));
        }
        Ok(())
    })?;
    Ok(Some(out))
}
