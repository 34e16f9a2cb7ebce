//! Screens by their paths: `/x`, `/f/12/9377`, `/m`, `/about`, `/embed/…`.

use super::features::number;
use crate::spec::{FeatureId, Route};

/// The path of a screen.
pub fn path(route: Route) -> String {
    match route {
        Route::Explore => "/x".into(),
        Route::Feature(it) => format!("/f/{}/{}", it.layer, it.index),
        Route::Model => "/m".into(),
        Route::About => "/about".into(),
        Route::EmbedExplore => "/embed/x".into(),
        Route::EmbedFeature(it) => format!("/embed/f/{}/{}", it.layer, it.index),
    }
}

/// The screen of a path; none for those that are not there. No path is Explore.
pub fn parse(path: &str) -> Option<Route> {
    let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    match parts[..] {
        [] | ["x"] => Some(Route::Explore),
        ["f", layer, index] => id(layer, index).map(Route::Feature),
        ["m"] => Some(Route::Model),
        ["about"] => Some(Route::About),
        ["embed", "x"] => Some(Route::EmbedExplore),
        ["embed", "f", layer, index] => id(layer, index).map(Route::EmbedFeature),
        _ => None,
    }
}

fn id(layer: &str, index: &str) -> Option<FeatureId> {
    let (layer, index) = number(layer).zip(number(index))?;
    Some(FeatureId { layer, index })
}
