//! The signals of the page and what changes them, handed to every view. Leaves drawing to the views, and the engine to whoever made it.

use super::{
    advice::Browser,
    ask::{Purpose, Question},
    desk::{Atlas, Desk, Prompt, Shown},
    erased::memo,
    later::Came,
    options::{Metric, Options, Theme},
    recorded::Recording,
    rows::{self, Known, List},
    selection::{Kept, Selection, Spot},
    sharing::File,
    site::{Site, SiteDeed},
    words,
};
use crate::session::protocol::{CommandBody, FeatureId};
use crate::spec::{EmbedFlags, Label};
use leptos::{prelude::*, reactive::computed::Selector};
use std::sync::Arc;

/// What the page needs of the browser; whoever made the page does it.
#[derive(Clone, Copy)]
pub struct Doings {
    /// Posts a command; its id.
    pub post: Callback<CommandBody, u32>,
    /// Starts the engine again.
    pub restart: Callback<()>,
    /// Milliseconds of a clock that never goes back.
    pub now: Callback<(), f64>,
    /// Keeps a text under a name for the next visit.
    pub keep: Callback<(&'static str, String)>,
    /// Moves the focus to the element of this id, once it is there.
    pub focus: Callback<&'static str>,
    /// Keeps in mind what has the focus (yes), or gives it back (no).
    pub mind_focus: Callback<bool>,
    /// Puts a text on the clipboard.
    pub copy: Callback<String>,
    /// Saves a file, or puts it on the clipboard.
    pub save: Callback<File>,
    /// Does something to the site around the page.
    pub site: Callback<SiteDeed>,
}

/// Everything that views read and change.
#[derive(Clone, Copy)]
pub struct Ui {
    /// What is known.
    pub desk: RwSignal<Desk>,
    /// What is looked at.
    pub selection: RwSignal<Selection>,
    /// How it is shown.
    pub options: RwSignal<Options>,
    /// The prompt as it is being typed.
    pub draft: RwSignal<String>,
    /// Tokens of a link whose text the prompt's field waits for.
    pub awaited_ids: StoredValue<Option<Vec<u32>>>,
    /// Whether something has been typed into it since a link was opened.
    pub typed: StoredValue<bool>,
    /// What the browser says of itself.
    pub browser: StoredValue<Browser>,
    /// Whether the system is dark.
    pub system_dark: RwSignal<bool>,
    /// The part of the program that comes later.
    pub later: RwSignal<Came>,
    /// What lies over the page.
    pub dialog: RwSignal<Option<Dialog>>,
    /// The panel that fills the page, by name.
    pub maximised: RwSignal<Option<&'static str>>,
    /// The panel that has the focus.
    pub focused: RwSignal<&'static str>,
    /// Recorded runs and what to look for in them.
    pub recording: StoredValue<Recording>,
    /// The run on the page; changes only when another takes its place or more of it is known.
    pub shown: Memo<Option<Shown>>,
    /// What stays selected.
    pub kept: Memo<Kept>,
    /// What is under the pointer.
    pub hover: Memo<Spot>,
    /// Asked by each token whether it is the one under the pointer: the two that change are told, not all of them.
    pub hovered_pos: StoredValue<Selector<Option<usize>>>,
    /// The feature that strip and map show.
    pub feature: Memo<Option<FeatureId>>,
    /// What is known of features.
    pub atlas: Memo<Arc<Atlas>>,
    /// The list of features.
    pub list: Memo<Arc<List>>,
    /// The site around the page.
    pub site: RwSignal<Site>,
    /// What an embedded view leaves out; none for the whole page.
    pub embed: RwSignal<Option<EmbedFlags>>,
    /// What a view that stands in another page is to leave out.
    pub framed: RwSignal<EmbedFlags>,
    /// What can be done.
    pub doings: Doings,
}

/// What closes whatever lies over the page.
pub(super) const DIALOG_CLOSE: &str = "dialog-close";

/// What may lie over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Keys and words.
    Sheet,
    /// The model: which, what it takes, how far it is.
    Model,
    /// What the page is, what it asks of whom, licences.
    About,
    /// Commands and features by name.
    Palette,
    /// Links and files to take along.
    Share,
}

impl Known for Atlas {
    fn label(&self, feature: FeatureId) -> Option<&Label> {
        self.labels.get(&feature)
    }

    fn met(&self, feature: FeatureId) -> f32 {
        self.met.get(&feature).copied().unwrap_or_default()
    }
}

impl Ui {
    /// Signals around what is known at the start.
    pub fn new(
        desk: Desk,
        recording: Recording,
        options: Options,
        browser: Browser,
        doings: Doings,
    ) -> Self {
        let draft = desk.shown.as_ref().map(|it| it.prompt.text.clone());
        let desk = RwSignal::new(desk);
        let selection = RwSignal::new(Selection::default());
        let options = RwSignal::new(options);
        let shown = shown_memo(desk);
        let kept = memo(move || selection.read().kept().clone());
        let hover = memo(move || selection.read().hover);
        let atlas = Memo::new_with_compare(
            move |_| desk.read().atlas.clone(),
            |old, new| old.map(Arc::as_ptr) != new.map(Arc::as_ptr),
        );
        Self {
            desk,
            selection,
            options,
            draft: RwSignal::new(draft.unwrap_or_default()),
            awaited_ids: StoredValue::new(None),
            typed: StoredValue::new(false),
            browser: StoredValue::new(browser),
            system_dark: RwSignal::new(false),
            later: RwSignal::new(Came::default()),
            dialog: RwSignal::new(None),
            maximised: RwSignal::new(None),
            focused: RwSignal::new("map"),
            recording: StoredValue::new(recording),
            shown,
            kept,
            hover,
            hovered_pos: StoredValue::new(Selector::new(move || hover.read().pos)),
            feature: memo(move || selection.read().feature()),
            atlas,
            list: list_memo(shown, kept, options, atlas),
            site: RwSignal::new(Site::default()),
            embed: RwSignal::new(None),
            framed: RwSignal::new(EmbedFlags::default()),
            doings,
        }
    }

    /// Changes the desk, and posts what it asks for.
    pub fn ask(self, change: impl FnOnce(&mut Desk) -> Vec<Question>) {
        self.desk.update(|desk| {
            for Question { purpose, body } in change(desk) {
                desk.posted(self.doings.post.run(body), purpose);
            }
        });
    }

    /// Runs a prompt.
    pub fn run(self, prompt: Prompt) {
        let now = self.doings.now.run(());
        let mut cancel = Vec::new();
        self.ask(|desk| {
            if desk.library.open.is_some() {
                desk.leave_link();
            }
            let (ids, questions) = desk.run(prompt, now);
            cancel = ids;
            questions
        });
        self.cancel(cancel);
        let history = self.desk.read_untracked().history.join("\n\u{1e}");
        self.doings.keep.run(("history", history));
    }

    /// Runs what is typed; the tokens themselves where the text has not been touched.
    pub fn run_draft(self) {
        let text = self.draft.get_untracked();
        // Tokens of a file, or of what was recorded, may be another model's.
        let shown = self.shown.get_untracked().filter(|it| it.key.is_some());
        let same = shown
            .map(|it| it.prompt)
            .filter(|it| it.text == text && !text.is_empty());
        self.run(same.unwrap_or(Prompt { text, ids: None }));
    }

    /// Stops what runs.
    pub fn stop(self) {
        let mut ids = Vec::new();
        self.desk.update(|it| ids = it.stop());
        self.cancel(ids);
    }

    /// Stops what is being fetched; what has arrived is kept.
    pub fn stop_fetching(self) {
        let desk = self.desk.read_untracked();
        let id = desk.library.fetching.as_ref().map(|it| it.id);
        drop(desk);
        self.cancel(id.into_iter().collect());
    }

    /// Stops what the model screen waits for.
    pub fn stop_jobs(self) {
        let ids = self.desk.read_untracked().jobs();
        self.cancel(ids);
    }

    /// Leaves the snapshot that a link names.
    pub fn leave_offer(self) {
        let mut ids = Vec::new();
        self.desk.update(|it| ids = it.leave_offer());
        self.cancel(ids);
    }

    fn cancel(self, ids: Vec<u32>) {
        for id in ids {
            self.doings.post.run(CommandBody::Cancel { id });
        }
    }

    /// Chooses a feature, for all panels.
    pub fn choose(self, feature: FeatureId) {
        self.selection.update(|it| it.lock_feature(feature));
    }

    /// Chooses it and keeps it chosen.
    pub fn show(self, feature: FeatureId) {
        self.selection
            .update(|it| it.change(|it| it.lock.feature = Some(feature)));
    }

    /// Asks about the feature that is chosen, as soon as the open model can tell of it: whoever chose it, and whatever was open then.
    pub fn look_at_chosen(self) {
        let asked = memo(move || {
            let feature = self.kept.read().lock.feature?;
            let can_look = self.desk.read().can_look(feature);
            can_look.then_some(feature)
        });
        Effect::new(move |_| {
            if let Some(it) = asked.get() {
                self.ask(|desk| desk.look(it));
            }
        });
    }

    /// Chooses a metric of the map.
    pub fn measure(self, metric: Metric) {
        self.options.update(|it| it.metric = metric);
        self.ask(|desk| desk.need(metric));
    }

    /// Whether what is shown is dark.
    pub fn is_dark(self) -> bool {
        match self.options.read().theme {
            Theme::System => self.system_dark.get(),
            it => it == Theme::Dark,
        }
    }

    /// A feature's label, in words.
    pub fn label(self, feature: FeatureId) -> Option<String> {
        self.atlas.read().words(feature).map(String::from)
    }

    /// Points at something.
    pub fn point(self, spot: Spot) {
        if self.selection.read_untracked().hover != spot {
            self.selection.update(|it| it.point(spot));
        }
    }

    /// What the engine could not do in a panel.
    pub fn trouble(self, panel: &'static str) -> String {
        let desk = self.desk.read();
        let it = desk.troubles.get(panel);
        it.map_or_else(String::new, |it| format!("{} {}", it.what, it.remedy))
    }

    /// Whether this is awaited.
    pub fn awaits(self, purpose: Purpose) -> bool {
        self.desk.read().is_asked(&purpose)
    }

    /// What the selection covers, in words.
    pub fn place_words(self) -> String {
        let Some(shown) = self.shown.get() else {
            return String::new();
        };
        let kept = self.kept.read();
        let piece = |pos: usize| {
            let token = shown.record.tokens.get(pos);
            token.map_or_else(String::new, |it| it.piece.trim().to_string())
        };
        if let Some(it) = kept.region {
            return format!(
                "Layers {} to {}, tokens {} to {}",
                it.layers.0, it.layers.1, it.positions.0, it.positions.1
            );
        }
        match (kept.lock.layer, kept.lock.pos) {
            (Some(layer), Some(pos)) => format!("Layer {layer}, token {pos} “{}”", piece(pos)),
            (Some(layer), None) => format!("Layer {layer}, every token but the first"),
            (None, Some(pos)) => format!("Token {pos} “{}”, every layer", piece(pos)),
            (None, None) => words::NOTHING_SELECTED.into(),
        }
    }
}

fn shown_memo(desk: RwSignal<Desk>) -> Memo<Option<Shown>> {
    let differs = |old: Option<&Option<Shown>>, new: Option<&Option<Shown>>| {
        let record = |it: Option<&Option<Shown>>| {
            let shown = it.and_then(|it| it.as_ref());
            shown.map(|it| (Arc::as_ptr(&it.record), it.key.clone()))
        };
        old.is_none() || record(old) != record(new)
    };
    Memo::new_with_compare(move |_| desk.read().shown.clone(), differs)
}

fn list_memo(
    shown: Memo<Option<Shown>>,
    kept: Memo<Kept>,
    options: RwSignal<Options>,
    atlas: Memo<Arc<Atlas>>,
) -> Memo<Arc<List>> {
    memo(move || {
        let list = shown.read().as_ref().map(|shown| {
            rows::list(
                &shown.record,
                &kept.read(),
                &options.read(),
                &**atlas.read(),
            )
        });
        Arc::new(list.unwrap_or_default())
    })
}

/// Does something in the browser whenever what it reads has changed. Outside one there is nothing to do it to.
pub(super) fn effect(run: impl Fn() + 'static) {
    #[cfg(target_arch = "wasm32")]
    Effect::new(move |_| run());
    #[cfg(not(target_arch = "wasm32"))]
    drop(run);
}
