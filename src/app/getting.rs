//! What is fetched: from a hub or from files of this device, begun, held, some of it first. Leaves the form to `choice`, and what the engine
//! tells of it to `library`.

use super::{
    ask::{Purpose, Question},
    choice::Origin,
    desk::Desk,
    library::Fetching,
    words,
};
use crate::{
    session::protocol::{CommandBody, FetchFrom, FetchRequest, ModelRef},
    spec::{FetchProgress, HandedFile},
};

impl Desk {
    /// Fetches what the form says.
    pub fn fetch_chosen(&mut self) -> Vec<Question> {
        if self.no_webgpu {
            return self.refuse_model();
        }
        self.library.failure = None;
        self.library.verification = None;
        let from = match self.library.choice.origin {
            Origin::Disk if self.library.picked.is_empty() => {
                return self.refuse_choice(words::NO_FOLDER_YET.into());
            }
            Origin::Disk => FetchFrom::Beside {
                files: self.library.picked.clone(),
            },
            _ => FetchFrom::Hub,
        };
        match self.library.choice.request(&self.base) {
            Ok(set) if matches!(set.model, ModelRef::Hub { .. }) => {
                self.library.fetching = Some(Fetching {
                    id: 0,
                    set: set.clone(),
                    plan: None,
                    progress: FetchProgress::default(),
                    parts: vec![],
                    paused: false,
                    from_disk: from != FetchFrom::Hub,
                    was_opened: false,
                });
                vec![Question::new(
                    Purpose::Fetch,
                    CommandBody::Fetch(FetchRequest {
                        set,
                        from,
                        manifest: None,
                        update: false,
                    }),
                )]
            }
            Ok(_) => self.refuse_choice("The demo model lies beside the page: open it.".into()),
            Err(it) => self.refuse_choice(it),
        }
    }

    /// Files that the visitor has chosen; the page's program holds them.
    pub fn pick(&mut self, files: Vec<HandedFile>, size_bytes: u64) -> Vec<Question> {
        self.library.failure = None;
        (self.library.picked, self.library.picked_bytes) = (files, size_bytes);
        self.price()
    }

    /// Holds fetching, or lets it go on.
    pub fn pause(&mut self, paused: bool) -> Vec<Question> {
        if let Some(it) = &mut self.library.fetching {
            it.paused = paused;
        }
        vec![Question::new(
            Purpose::Library,
            CommandBody::Pause { paused },
        )]
    }

    /// A layer that is wanted first.
    pub fn prioritise(&self, layer: usize) -> Vec<Question> {
        match self.library.fetching {
            Some(_) => vec![Question::new(
                Purpose::Library,
                CommandBody::Prioritise { layer },
            )],
            None => vec![],
        }
    }
}
