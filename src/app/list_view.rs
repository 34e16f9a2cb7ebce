//! The list of features that fire where one looks: only rows in view are in the document. Leaves order and counting to `rows`.

use super::{
    erased::{click, flag, memo, part, text},
    options::{Group, Sort},
    rows::{self, Item, Row},
    selection::{N_PIN_COLOURS, Spot},
    strip,
    ui::{Ui, effect},
    words,
};
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys};

/// Height of a row before one has been measured: it grows with the visitor's text.
const ROW_PX: f32 = 32.0;
/// Height of the list before it has been measured.
const HEIGHT_PX: f32 = 520.0;

/// The list with its menus.
#[component]
pub(super) fn ListPanel(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let sort = move |it: &Sort| {
        let it = *it;
        view! { <option value=it.name() selected=flag(move || ui.options.read().sort == it)>{it.words()}</option> }
    };
    let group = move |it: &Group| {
        let it = *it;
        view! { <option value=it.name() selected=flag(move || ui.options.read().group == it)>{it.words()}</option> }
    };
    let set_sort = move |it: ev::Event| {
        ui.options
            .update(|to| to.sort = Sort::of(&event_target_value(&it)))
    };
    let set_group = move |it: ev::Event| {
        ui.options
            .update(|to| to.group = Group::of(&event_target_value(&it)))
    };
    let set_filter =
        move |it: ev::Event| ui.options.update(|to| to.filter = event_target_value(&it));
    view! {
        <section class="panel list" id="list" aria-labelledby="list-title" on:focusin=move |_| ui.focused.set("list")>
            <div class="head">
                <h2 id="list-title">{words::FEATURES}</h2>
                <label>{words::SORT}<select id="sort" on:change=set_sort>{Sort::ALL.iter().map(sort).collect_view()}</select></label>
                <label>{words::GROUP}<select id="group" on:change=set_group>{Group::ALL.iter().map(group).collect_view()}</select></label>
                <button type="button" class="large" aria-label="Make the list large or small" on:click=click(move || ui.maximise("list"))>"⤢"</button>
            </div>
            <input id="filter" type="search" placeholder=words::FILTER aria-label="Filter the features"
                prop:value=move || ui.options.read().filter.clone() on:input=set_filter/>
            <p class="faint" id="list-place">{text(move || ui.place_words())}</p>
            <Counts ui/>
            <Rows ui/>
        </section>
    }
}

/// How many there are, and what is hidden, with a way to show it.
#[component]
fn Counts(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let words = move || {
        let list = ui.list.read();
        let mut out = words::count(list.n_rows, "feature");
        if list.n_filtered > 0 {
            out.push_str(&format!(", {} do not match", list.n_filtered));
        }
        out
    };
    let hidden = memo(move || ui.list.read().n_hidden_common);
    let showing = memo(move || ui.options.read().show_common);
    let common = move || {
        let (hidden, showing) = (hidden.get(), showing.get());
        let said = match showing {
            true => "common ones too".into(),
            false => words::hidden(hidden),
        };
        let toggle = click(move || ui.options.update(|it| it.show_common = !it.show_common));
        let name = if showing { "Hide" } else { words::SHOW };
        (hidden != 0 || showing).then(|| {
            view! {
                <span>{said}</span>
                <button type="button" id="show-common" on:click=toggle>{name}</button>
            }
        })
    };
    let by_effect = move || {
        let sorted = ui.options.read().sort == Sort::Effect;
        let target = ui.desk.read().target;
        let shown = ui.shown.get()?;
        let next = shown.record.next.get(&shown.record.last())?;
        let found = next.top.iter().find(|it| Some(it.id) == target)?;
        sorted.then(|| format!("Effects on “{}”.", found.piece.trim()))
    };
    view! {
        <p class="counts" id="list-counts" role="status">
            <span>{text(words)}</span>
            {part(common)}
            <span class="faint">{text(move || by_effect().unwrap_or_default())}</span>
            <span class="alarm">{text(move || ui.trouble("effects"))}</span>
        </p>
    }
}

/// The rows in view.
#[component]
fn Rows(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let scrolled = RwSignal::new((0.0, HEIGHT_PX, ROW_PX));
    let place = NodeRef::<html::Div>::new();
    let look = move |_: ev::Event| {
        if let Some(it) = place.get_untracked() {
            scrolled.set((
                it.scroll_top() as f32,
                it.client_height() as f32,
                row_px(&it),
            ));
        }
    };
    let window = memo(move || {
        let (top, height, row) = scrolled.get();
        rows::window(top, height, row, ui.list.read().items.len())
    });
    let body = move || {
        let (list, window) = (ui.list.get(), window.get());
        let items = list.items.get(window.clone()).unwrap_or_default().to_vec();
        let item = |(at, it): (usize, Item)| match it {
            Item::Head(it) => {
                view! { <div class="row group" role="row"><span role="gridcell">{it}</span></div> }
                    .into_any()
            }
            Item::Row(row) => view! { <RowView ui at=window.start + at row/> }.into_any(),
        };
        items.into_iter().enumerate().map(item).collect_view()
    };
    let room = |n_rows: usize| format!("height:calc(var(--row) * {n_rows})");
    let above = move || room(window.get().start);
    let below = move || room(ui.list.read().items.len() - window.get().end);
    reveal(ui, place);
    let n_rows = move || ui.list.read().n_rows.to_string();
    let nothing = move || (ui.list.read().n_rows == 0).then_some(words::NO_FEATURES_HERE);
    view! {
        <p class="faint">{text(move || nothing().unwrap_or_default())}</p>
        <div class="rows" id="rows" role="grid" aria-label="Features" aria-rowcount=text(n_rows) tabindex="0" node_ref=place
            on:scroll=look on:keydown=move |it| keys(ui, &it) on:pointerleave=move |_| ui.point(Spot::default())>
            <div style=text(above)></div>
            {part(body)}
            <div style=text(below)></div>
        </div>
    }
}

/// How high a row is.
fn row_px(place: &web_sys::HtmlDivElement) -> f32 {
    let row = place.query_selector(".row").ok().flatten();
    let row = row.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok());
    let height = row.map(|it| it.offset_height() as f32);
    height.filter(|it| *it >= 1.0).unwrap_or(ROW_PX)
}

/// Arrows go from feature to feature.
fn keys(ui: Ui, it: &ev::KeyboardEvent) {
    let by = match it.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    if !it.shift_key() && !it.ctrl_key() {
        it.prevent_default();
        it.stop_propagation();
        ui.next_feature(by);
    }
}

/// Keeps the chosen feature in view.
fn reveal(ui: Ui, place: NodeRef<html::Div>) {
    effect(move || {
        let list = ui.list.get_untracked();
        let at = ui.kept.read().lock.feature.and_then(|it| {
            list.items
                .iter()
                .position(|item| matches!(item, Item::Row(row) if row.feature == it))
        });
        if let (Some(at), Some(place)) = (at, place.get_untracked()) {
            let (top, height) = (place.scroll_top() as f32, place.client_height() as f32);
            let row_px = row_px(&place);
            let row = at as f32 * row_px;
            if row < top || row + row_px > top + height {
                place.set_scroll_top((row - height / 2.0).max(0.0) as i32);
            }
        }
    });
}

/// One feature.
#[component]
fn RowView(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which row of the whole list.
    at: usize,
    /// What it holds.
    row: Row,
) -> impl IntoView {
    let feature = row.feature;
    let label = move || ui.label(feature).unwrap_or_else(|| "—".into());
    let chosen = move || ui.kept.read().lock.feature == Some(feature);
    let pinned = move || ui.kept.read().pins.iter().position(|it| *it == feature);
    let pin_class = move || match pinned() {
        Some(n) => format!("pin pin-{}", n % N_PIN_COLOURS),
        None => "pin".into(),
    };
    let pin_name = move || match pinned() {
        Some(n) => format!("{}: pin of {feature}", n + 1),
        None => format!("Pin {feature}"),
    };
    let pin_text = move || pinned().map_or_else(|| "○".to_string(), |it| (it + 1).to_string());
    let enter = move |_: ev::PointerEvent| {
        ui.point(Spot {
            layer: Some(feature.layer),
            pos: Some(row.pos),
            feature: Some(feature),
        });
    };
    let choose = move |it: ev::MouseEvent| match it.ctrl_key() || it.meta_key() {
        true => ui.selection.update(|it| it.pin(feature)),
        false => ui.choose(feature),
    };
    let pin = click(move || ui.selection.update(|it| it.pin(feature)));
    let mark = if row.is_session_largest { "*" } else { "" };
    let share = format!("{:.0} %{mark}", 100.0 * row.share);
    let last = move || match (ui.options.read().sort, row.effect, row.density) {
        (Sort::Effect, Some(it), _) => strip::number(it),
        (Sort::Rarity, _, Some(it)) => strip::percent(it),
        _ => share.clone(),
    };
    let hint = if row.is_session_largest {
        "share of the largest met in this session: the labels file has no figure"
    } else {
        "share of its largest activation"
    };
    view! {
        <div class="row" role="row" aria-rowindex=at + 1 aria-selected=text(move || chosen().to_string()) class:locked=flag(chosen) on:pointerenter=enter>
            <span role="gridcell"><button type="button" class=text(pin_class) aria-label=text(pin_name) tabindex="-1"
                aria-pressed=text(move || pinned().is_some().to_string()) on:click=pin>{text(pin_text)}</button></span>
            <span role="gridcell" class="name"><button type="button" class="feature" tabindex="-1" on:click=choose>
                <span class="id">{words::id(feature)}</span>
                <span class="label">{text(label)}</span>
            </button></span>
            <span role="gridcell" class="number" title="activation where it is strongest">{strip::number(row.activation)}</span>
            <span role="gridcell" class="number" title=hint>{text(last)}</span>
        </div>
    }
}
