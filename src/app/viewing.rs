//! What is on the page as a view that a link can hold, and a view put on the page. Leaves prompt, model and witness to the desk's `linking`.

use super::{
    desk::Shown,
    options::{Group, Metric, Sort},
    ui::{Dialog, Ui},
};
use crate::session::protocol::{Input, View};
use crate::spec::{MapWords, Pin, Route};
use leptos::prelude::*;

impl Ui {
    /// What is on the page, as far as a link can say it; follows what it reads.
    pub fn view(self) -> View {
        let kept = self.kept.get();
        let options = self.options.read();
        let told = |is_default: bool, name: &str| (!is_default).then(|| name.to_string());
        let feature = kept.lock.feature;
        let own_page = self.maximised.get() == Some("card");
        let embed = self.embed.get();
        let route = match (self.dialog.get(), feature) {
            (Some(Dialog::Model), _) => Route::Model,
            (Some(Dialog::About), _) => Route::About,
            (_, Some(it)) if own_page && embed.is_some() => Route::EmbedFeature(it),
            (_, Some(it)) if own_page => Route::Feature(it),
            _ if embed.is_some() => Route::EmbedExplore,
            _ => Route::Explore,
        };
        let named = kept.pins.iter().copied();
        let named = named.chain(feature.filter(|it| !kept.pins.contains(it)));
        let told_by_desk = self.desk.read().view(named);
        View {
            route,
            token: kept.lock.pos,
            layer: kept.lock.layer,
            // A feature's own page names it.
            feature: feature.filter(|_| route.feature().is_none()),
            pins: kept
                .pins
                .iter()
                .map(|it| Pin {
                    feature: *it,
                    pos: None,
                })
                .collect(),
            map: MapWords {
                metric: told(options.metric == Metric::default(), options.metric.name()),
                sort: told(options.sort == Sort::default(), options.sort.name()),
                group: told(options.group == Group::default(), options.group.name()),
            },
            embed: embed.unwrap_or_else(|| self.framed.get()),
            ..told_by_desk
        }
    }

    /// The address of the view on the page, with the prompt or without; empty as long as there is none.
    pub fn address(self, without_prompt: bool) -> String {
        let desk = self.desk.read();
        let Some(links) = &desk.linking.links else {
            return String::new();
        };
        let fragment = match without_prompt {
            true => &links.without_prompt,
            false => &links.fragment,
        };
        format!("{}/{fragment}", desk.base)
    }

    /// What another page holds to show this view; empty as long as there is no address.
    pub fn frame_code(self) -> String {
        let desk = self.desk.read();
        let Some(links) = &desk.linking.links else {
            return String::new();
        };
        let address = format!("{}/embed.html{}", desk.base, links.embed);
        let address = address.replace('&', "&amp;");
        format!(
            "<iframe src=\"{address}\" width=\"900\" height=\"600\" title=\"Gemscope\" sandbox=\"allow-scripts allow-same-origin allow-popups\"></iframe>"
        )
    }

    /// Hands over a file that is made.
    pub fn save(self) {
        let made = self.desk.read_untracked().files.made.is_some();
        if !made {
            return;
        }
        let mut file = None;
        self.desk.update(|it| file = it.files.made.take());
        if let Some(it) = file {
            self.doings.save.run(it);
        }
    }

    /// Puts a view on the page that the desk has taken from a link.
    pub fn land(self) {
        let landed = self.desk.read_untracked().linking.landed.is_some();
        if !landed {
            return;
        }
        let mut view = None;
        self.desk.update(|it| view = it.linking.landed.take());
        if let Some(it) = view {
            self.put(it);
        }
    }

    /// A prompt that came as tokens stands in the field too once its text is known, unless something has been typed there meanwhile.
    pub fn fill_draft(self) {
        let Some(Shown { prompt, .. }) = self.shown.get() else {
            return;
        };
        let is_awaited = prompt.ids.is_some() && self.awaited_ids.get_value() == prompt.ids;
        if is_awaited && !prompt.text.is_empty() {
            self.awaited_ids.set_value(None);
            if self.draft.read_untracked().is_empty() {
                self.draft.set(prompt.text);
            }
        }
    }

    /// Where nothing can be run, the prompt of a link is shown if it was recorded, and otherwise said; whether it is shown.
    fn show_recorded(self, prompt: &Input) -> bool {
        let recorded = self.recording.with_value(|it| it.run_of(prompt).cloned());
        let is_there = recorded.is_some();
        self.desk.update(|desk| match recorded {
            Some(it) => desk.show_recorded(it),
            None => desk.say_no_run(),
        });
        is_there
    }

    /// The prompt of a link stands in the field, unless something has been typed there since the link was opened.
    fn put_prompt(self, prompt: &Input) {
        if self.typed.get_value() {
            return;
        }
        match prompt {
            Input::Text(it) => self.draft.set(it.clone()),
            // The text of ids is known once they have run; it comes into an empty field.
            Input::Ids(ids) => {
                let shown = self.shown.get_untracked().map(|it| it.prompt);
                let known = shown.filter(|it| it.ids.as_ref() == Some(ids));
                self.awaited_ids
                    .set_value(known.is_none().then(|| ids.clone()));
                self.draft.set(known.map_or_else(String::new, |it| it.text));
            }
        }
    }

    /// Opens what a text says: a fragment, a whole address, a feature in words.
    pub fn open_link(self, text: &str) {
        self.typed.set_value(false);
        self.ask(|desk| desk.read_link(text));
    }

    fn put(self, view: View) {
        let runs = !self.desk.read_untracked().no_webgpu;
        let prompt = view.prompt.as_ref();
        if let Some(it) = prompt.filter(|it| runs || self.show_recorded(it)) {
            self.put_prompt(it);
        }
        let embed = view.route.is_embedded().then(|| view.embed.clone());
        self.embed.set(embed);
        let words = &view.map;
        self.options.update(|it| {
            // What a link does not name is as it is by default, as `view` leaves it out.
            it.metric = words
                .metric
                .as_deref()
                .map_or_else(Metric::default, Metric::of);
            it.sort = words.sort.as_deref().map_or_else(Sort::default, Sort::of);
            it.group = words
                .group
                .as_deref()
                .map_or_else(Group::default, Group::of);
        });
        let feature = view.route.feature().or(view.feature);
        self.selection.update(|it| {
            it.change(|it| {
                (it.lock.layer, it.lock.pos) = (view.layer, view.token);
                it.lock.feature = feature;
                it.region = None;
                it.pins = view.pins.iter().map(|it| it.feature).collect();
            });
        });
        self.maximised.set(view.route.feature().map(|_| "card"));
        match view.route {
            Route::Model => self.lay(Dialog::Model),
            Route::About => self.lay(Dialog::About),
            _ if self.dialog.get_untracked().is_some() => self.close(),
            _ => (),
        }
        let metric = self.options.read_untracked().metric;
        self.ask(|desk| desk.need(metric));
    }
}
