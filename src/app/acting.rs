//! What keys and commands do to the page. Leaves which key does what to `keys`.

use super::{
    keys::Act,
    options::Theme,
    palette::feature_of,
    ui::{DIALOG_CLOSE, Dialog, Ui},
    words,
};
use crate::session::protocol::FeatureId;
use leptos::prelude::*;

impl Ui {
    /// Does what a key says.
    pub fn act(self, act: Act) {
        match act {
            Act::Run if self.desk.read_untracked().is_running() => self.stop(),
            Act::Run => self.run_draft(),
            Act::Escape => self.escape(),
            Act::Filter => self.doings.focus.run("filter"),
            Act::Sheet => self.toggle(Dialog::Sheet),
            Act::Model => self.toggle(Dialog::Model),
            Act::Palette => self.toggle(Dialog::Palette),
            Act::Share => self.toggle(Dialog::Share),
            Act::About => self.toggle(Dialog::About),
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

    /// Lays something over the page.
    pub fn lay(self, dialog: Dialog) {
        self.doings.mind_focus.run(true);
        self.dialog.set(Some(dialog));
        self.focus_on(dialog);
        if dialog == Dialog::Model {
            self.ask(|desk| desk.look_at_models());
        }
    }

    /// Moves the focus to where one begins in it.
    pub(super) fn focus_on(self, dialog: Dialog) {
        self.doings.focus.run(match dialog {
            Dialog::Palette => "palette-text",
            _ => DIALOG_CLOSE,
        });
    }

    /// Takes away what lies over the page.
    pub fn close(self) {
        self.dialog.set(None);
        self.doings.mind_focus.run(false);
    }

    fn toggle(self, dialog: Dialog) {
        match self.dialog.get_untracked() == Some(dialog) {
            true => self.close(),
            false => self.lay(dialog),
        }
    }

    fn escape(self) {
        if self.dialog.get_untracked().is_some() {
            self.close();
        } else if self.maximised.get_untracked().is_some() {
            self.maximised.set(None);
        } else {
            self.selection.update(|it| _ = it.escape());
        }
    }

    /// A layer that is not there yet is fetched before the others, where any are being fetched.
    pub fn want(self, layer: usize) {
        let shown = self.shown.get_untracked();
        if shown.is_some_and(|it| it.record.loaded.get(layer) == Some(&false)) {
            self.ask(|desk| desk.prioritise(layer));
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
        let feature = feature_of(text).ok_or(words::NO_FEATURE)?;
        self.show_known(feature)
    }

    /// Shows a feature of the open model. Otherwise which there are.
    pub fn show_known(self, feature: FeatureId) -> Result<(), String> {
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
}
