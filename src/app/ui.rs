//! The signals of the page and what changes them, handed to every view. Leaves drawing to the views, and the engine to whoever made it.

use super::{
    advice::Browser,
    ask::{Purpose, Question},
    desk::{Atlas, Desk, Prompt, Shown},
    keys::Act,
    options::{Metric, Options, Theme},
    recorded::Recording,
    rows::{self, Known, List},
    selection::{Kept, Selection, Spot},
    words,
};
use crate::session::protocol::{CommandBody, FeatureId};
use crate::spec::Label;
use leptos::{prelude::*, reactive::computed::Selector};
use std::sync::Arc;

/// What the page needs of the browser; whoever made the page does it.
#[derive(Clone, Copy)]
pub struct Doings {
    /// Posts a command; its id.
    pub post: Callback<CommandBody, Option<u32>>,
    /// Starts the engine again.
    pub restart: Callback<()>,
    /// Milliseconds of a clock that never goes back.
    pub now: Callback<(), f64>,
    /// Keeps a text under a name for the next visit.
    pub keep: Callback<(&'static str, String)>,
    /// Moves the focus to the element of this id.
    pub focus: Callback<&'static str>,
    /// Puts a text on the clipboard.
    pub copy: Callback<String>,
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
    /// What the browser says of itself.
    pub browser: StoredValue<Browser>,
    /// Whether the system is dark.
    pub system_dark: RwSignal<bool>,
    /// Whether the sheet is open.
    pub sheet: RwSignal<bool>,
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
    /// What can be done.
    pub doings: Doings,
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
        let kept = Memo::new(move |_| selection.read().kept().clone());
        let hover = Memo::new(move |_| selection.read().hover);
        let atlas = Memo::new_with_compare(
            move |_| desk.read().atlas.clone(),
            |old, new| old.map(Arc::as_ptr) != new.map(Arc::as_ptr),
        );
        Self {
            desk,
            selection,
            options,
            draft: RwSignal::new(draft.unwrap_or_default()),
            browser: StoredValue::new(browser),
            system_dark: RwSignal::new(false),
            sheet: RwSignal::new(false),
            maximised: RwSignal::new(None),
            focused: RwSignal::new("map"),
            recording: StoredValue::new(recording),
            shown,
            kept,
            hover,
            hovered_pos: StoredValue::new(Selector::new(move || hover.read().pos)),
            feature: Memo::new(move |_| selection.read().feature()),
            atlas,
            list: list_memo(shown, kept, options, atlas),
            doings,
        }
    }

    /// Changes the desk, and posts what it asks for.
    pub fn ask(self, change: impl FnOnce(&mut Desk) -> Vec<Question>) {
        self.desk.update(|desk| {
            for Question { purpose, body } in change(desk) {
                if let Some(id) = self.doings.post.run(body) {
                    desk.posted(id, purpose);
                }
            }
        });
    }

    /// Runs a prompt.
    pub fn run(self, prompt: Prompt) {
        let now = self.doings.now.run(());
        let mut cancel = Vec::new();
        self.ask(|desk| {
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
        let shown = self.shown.get_untracked().map(|it| it.prompt);
        let same = shown.filter(|it| it.text == text && !text.is_empty());
        self.run(same.unwrap_or(Prompt { text, ids: None }));
    }

    /// Stops what runs.
    pub fn stop(self) {
        let mut ids = Vec::new();
        self.desk.update(|it| ids = it.stop());
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
        if self.selection.read_untracked().kept().lock.feature == Some(feature) {
            self.ask(|desk| desk.look(feature));
        }
    }

    /// Chooses it and keeps it chosen.
    pub fn show(self, feature: FeatureId) {
        self.selection
            .update(|it| it.change(|it| it.lock.feature = Some(feature)));
        self.ask(|desk| desk.look(feature));
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
        let atlas = self.atlas.read();
        atlas.labels.get(&feature)?.label.clone()
    }

    /// Does what a key says.
    pub fn act(self, act: Act) {
        match act {
            Act::Run if self.desk.read_untracked().is_running() => self.stop(),
            Act::Run => self.run_draft(),
            Act::Escape => self.escape(),
            Act::Filter => self.doings.focus.run("filter"),
            Act::Sheet => self.sheet.update(|it| *it = !*it),
            Act::Layer(by) => self.walk(by, 0),
            Act::Token(by) => self.walk(0, by),
            Act::Feature(by) => self.next_feature(by),
            Act::NextFiring => {
                let locked = self.kept.get_untracked().lock.feature;
                let shown = self.shown.get_untracked();
                if let Some(it) = shown.and_then(|it| it.record.next_firing(locked)) {
                    self.show(it);
                }
            }
            Act::Pin => {
                let locked = self.selection.read_untracked().kept().lock.feature;
                if let Some(it) = locked {
                    self.selection.update(|selection| selection.pin(it));
                }
            }
            Act::ClearPins => self.selection.update(|it| it.change(|it| it.pins.clear())),
            Act::Maximise => self.maximise(self.focused.get_untracked()),
            Act::Values => self.options.update(|it| it.values = !it.values),
            Act::Raw => self.options.update(|it| it.raw = !it.raw),
            Act::Theme => {
                let dark = untrack(|| self.is_dark());
                let theme = if dark { Theme::Light } else { Theme::Dark };
                self.options.update(|it| it.theme = theme);
            }
            Act::Undo => self.selection.update(|it| _ = it.undo()),
            Act::Redo => self.selection.update(|it| _ = it.redo()),
        }
    }

    /// Makes a panel large, or small again.
    pub fn maximise(self, panel: &'static str) {
        self.maximised
            .update(|it| *it = if it.is_some() { None } else { Some(panel) });
    }

    fn escape(self) {
        if self.sheet.get_untracked() {
            self.sheet.set(false);
        } else if self.maximised.get_untracked().is_some() {
            self.maximised.set(None);
        } else {
            self.selection.update(|it| _ = it.escape());
        }
    }

    /// Moves the locked place; from nothing to the last token of the highest layer.
    fn walk(self, layers: isize, tokens: isize) {
        let Some(record) = self.shown.get_untracked().map(|it| it.record) else {
            return;
        };
        let lock = self.selection.read_untracked().kept().lock;
        let top = record.n_layers.saturating_sub(1);
        let step = |at: Option<usize>, by: isize, most: usize| match (at, by) {
            (it, 0) => it,
            (None, _) => Some(most),
            (Some(it), by) => Some(it.saturating_add_signed(by).min(most)),
        };
        let layer = step(lock.layer, layers, top);
        let pos = step(lock.pos, tokens, record.last());
        self.selection.update(|it| {
            it.change(|it| {
                (it.lock.layer, it.lock.pos) = (layer, pos);
                it.region = None;
            });
        });
    }

    /// The next feature of the list, or the one before.
    pub fn next_feature(self, by: isize) {
        let list = self.list.get_untracked();
        let rows: Vec<FeatureId> = list.rows().map(|it| it.feature).collect();
        let Some(last) = rows.len().checked_sub(1) else {
            return;
        };
        let locked = self.selection.read_untracked().kept().lock.feature;
        let at = locked.and_then(|it| rows.iter().position(|row| *row == it));
        let next = at.map_or(0, |it| it.saturating_add_signed(by).min(last));
        self.show(rows[next]);
    }

    /// Shows the feature that a text names: `12/9377`, `L12/9377` or `12.9377`. Otherwise what is wrong with it.
    pub fn go(self, text: &str) -> Result<(), String> {
        let plain = text.trim().trim_start_matches(['L', 'l']).replace('/', ".");
        let feature: FeatureId = plain.parse().map_err(|_| words::NO_FEATURE.to_string())?;
        let desk = self.desk.read_untracked();
        let record = self.shown.get_untracked().map(|it| it.record);
        let opened = desk.opened.as_ref();
        let n_layers = opened.map(|it| it.0.n_layers);
        let n_layers = n_layers
            .or(record.as_ref().map(|it| it.n_layers))
            .unwrap_or(0);
        let n_features = opened.map(|it| it.1.d_transcoder).filter(|it| *it > 0);
        let n_features = n_features.or(record.map(|it| it.n_features)).unwrap_or(0);
        if feature.layer >= n_layers || feature.index >= n_features {
            return Err(words::feature_range(n_layers, n_features));
        }
        drop(desk);
        self.show(feature);
        Ok(())
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
    Memo::new(move |_| {
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
