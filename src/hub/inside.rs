//! A folder inside a place that holds files, as a place of its own.

use super::{HubError, Source};
use crate::spec::Bytes;
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::{ops::Range, rc::Rc};

/// The files of a place whose names begin with a prefix, by the rest of their names.
#[derive(Clone)]
pub struct Inside {
    place: Rc<dyn Source>,
    /// Empty, or it ends in a slash.
    prefix: String,
}

impl Inside {
    /// Those below `prefix`, which is empty or ends in a slash.
    pub fn new(place: Rc<dyn Source>, prefix: &str) -> Self {
        let prefix = prefix.into();
        Self { place, prefix }
    }

    fn whole(&self, file: &str) -> String {
        format!("{}{file}", self.prefix)
    }

    /// An error as it is of this place.
    fn here(&self, file: &str, error: HubError) -> HubError {
        match error {
            HubError::NotFound { .. } => HubError::NotFound {
                file: file.into(),
                place: self.name(),
            },
            it => it,
        }
    }
}

impl Source for Inside {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        let file = file.to_string();
        async move {
            let size = self.place.size(&self.whole(&file)).await;
            size.map_err(|it| self.here(&file, it))
        }
        .boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        let file = file.to_string();
        async move {
            let bytes = self.place.read(&self.whole(&file), range).await;
            bytes.map_err(|it| self.here(&file, it))
        }
        .boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        async move {
            let all = self.place.list().await?.into_iter();
            let inside = all.filter_map(|it| Some(it.strip_prefix(&self.prefix)?.to_string()));
            Ok(inside.collect())
        }
        .boxed_local()
    }

    fn name(&self) -> String {
        match self.prefix.trim_end_matches('/') {
            "" => self.place.name(),
            it => format!("{it} of {}", self.place.name()),
        }
    }
}
