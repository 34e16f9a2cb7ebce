//! What takes the pointer and the keys over the map. Leaves geometry to `map`, and what is chosen to the selection.

use super::{
    erased::text,
    map::{self, Layout},
    map_view::cursor,
    record::Record,
    selection::{Region, Spot},
    ui::Ui,
};
use leptos::{ev, prelude::*};

/// What takes the pointer and the keys: a grid of one tab stop, which reads the cell that it is at.
#[component]
pub(super) fn Pointer(
    /// What is shown and what can be done.
    ui: Ui,
    /// Where cells lie.
    layout: Memo<Layout>,
    /// The cell that is looked at, in words.
    told: Memo<String>,
) -> impl IntoView {
    let down = StoredValue::new(None::<(usize, usize)>);
    let at = move |it: &ev::PointerEvent| {
        layout
            .read_untracked()
            .hit(it.offset_x() as f32, it.offset_y() as f32)
    };
    let moved = move |it: ev::PointerEvent| {
        let cell = at(&it);
        ui.point(Spot {
            layer: cell.map(|it| it.0),
            pos: cell.map(|it| it.1),
            feature: None,
        });
    };
    let pressed = move |it: ev::PointerEvent| down.set_value(at(&it));
    let released = move |it: ev::PointerEvent| {
        if let (Some(from), Some(to)) = (down.get_value(), at(&it)) {
            take(ui, from, to);
        }
        down.set_value(None);
    };
    let count = move |of: fn(&Record) -> usize| {
        let shown = ui.shown.read();
        shown.as_ref().map_or(0, |it| of(&it.record)).to_string()
    };
    let rows = move || count(|it| it.n_layers);
    let columns = move || count(|it| it.n_pos());
    let reach = StoredValue::new(None);
    view! {
        <div class="pointer" id="map-grid" role="grid" tabindex="0" aria-label="Map of layers by tokens"
            aria-rowcount=text(rows) aria-colcount=text(columns) aria-activedescendant="map-cell" on:keydown=move |it| keys(ui, reach, &it)
            on:pointermove=moved on:pointerdown=pressed on:pointerup=released
            on:pointerleave=move |_| ui.point(Spot::default())>
            <div role="row" class="unseen"><div role="gridcell" id="map-cell">{text(move || told.get())}</div></div>
        </div>
    }
}

/// Two opposite cells of a region that is being selected by keys: where it began, and where it is.
type Reach = StoredValue<Option<[(usize, usize); 2]>>;

/// Arrows walk from cell to cell, with Shift they select a region, Enter locks.
fn keys(ui: Ui, reach: Reach, it: &ev::KeyboardEvent) {
    if it.alt_key() {
        return;
    }
    let Some(record) = ui.shown.get_untracked().map(|it| it.record) else {
        return;
    };
    let here = cursor(ui).unwrap_or((record.n_layers.saturating_sub(1), record.last()));
    if it.shift_key() {
        let [from, at] = reach.get_value().unwrap_or([here, here]);
        let to = map::step(at, &it.key(), false, record.n_layers, record.n_pos());
        if let Some(to) = to.filter(|_| it.key().starts_with("Arrow")) {
            it.prevent_default();
            it.stop_propagation();
            reach.set_value(Some([from, to]));
            ui.selection.update(|it| it.select(region(from, to)));
        }
        return;
    }
    reach.set_value(None);
    if it.key() == "Enter" && !it.ctrl_key() {
        it.prevent_default();
        ui.want(here.0);
        ui.selection
            .update(|it| it.lock_place(Some(here.0), Some(here.1)));
    } else if let Some(to) = map::step(
        here,
        &it.key(),
        it.ctrl_key(),
        record.n_layers,
        record.n_pos(),
    ) {
        it.prevent_default();
        it.stop_propagation();
        ui.point(Spot {
            layer: Some(to.0),
            pos: Some(to.1),
            feature: None,
        });
    }
}

/// A click on one cell, or a drag from one to another.
fn take(ui: Ui, from: (usize, usize), to: (usize, usize)) {
    if from == to {
        ui.want(to.0);
        ui.selection
            .update(|it| it.lock_place(Some(to.0), Some(to.1)));
        return;
    }
    ui.selection.update(|it| it.select(region(from, to)));
}

fn region(from: (usize, usize), to: (usize, usize)) -> Region {
    let sorted = |a: usize, b: usize| (a.min(b), a.max(b));
    Region {
        layers: sorted(from.0, to.0),
        positions: sorted(from.1, to.1),
    }
}
