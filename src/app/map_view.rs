//! The map of tokens by layers: one canvas, and over it rings, labels and a grid for the keyboard. Leaves geometry to `map`.

use super::{
    erased::{click, flag, memo, part, text},
    map::{self, Grid, Layout},
    options::Metric,
    pointer_view::Pointer,
    selection::{Region, Spot},
    strip,
    ui::{Ui, effect},
    words,
};
use leptos::{ev, html, prelude::*, web_sys};

/// Colours of the canvas: ink and ground, in the light and in the dark; what is not rebuilt has an ink of its own.
const INK: [[u8; 3]; 2] = [[0xe0, 0x82, 0x14], [0xf5, 0xa3, 0x4b]];
const ERROR_INK: [[u8; 3]; 2] = [[0x00, 0x79, 0x6b], [0x4d, 0xb6, 0xac]];
const GROUND: [[u8; 3]; 2] = [[0xff, 0xff, 0xff], [0x1e, 0x20, 0x26]];
/// Features named of the cell under the pointer.
const N_TOLD: usize = 5;

/// The map with its menu.
#[component]
pub(super) fn MapPanel(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let option = move |it: &Metric| {
        let it = *it;
        let chosen = flag(move || ui.options.read().metric == it);
        view! { <option value=it.name() selected=chosen>{it.words()}</option> }
    };
    let choose = move |it: ev::Event| ui.measure(Metric::of(&event_target_value(&it)));
    let log = move |_| ui.options.update(|it| it.log = !it.log);
    let told = memo(move || told(ui));
    let no_error = move || {
        let is_error = ui.options.read().metric == Metric::Error;
        let missing = ui.shown.get().is_none_or(|it| it.record.errors.is_empty());
        match ui.trouble("errors") {
            _ if !(is_error && missing) => String::new(),
            it if it.is_empty() => words::NO_RECON.into(),
            it => it,
        }
    };
    view! {
        <section class="panel map" id="map" aria-labelledby="map-title" on:focusin=move |_| ui.focused.set("map")>
            <div class="head">
                <h2 id="map-title">{words::MAP}</h2>
                <label>{words::SHADE}<select id="metric" on:change=choose>{Metric::ALL.iter().map(option).collect_view()}</select></label>
                <label><input type="checkbox" prop:checked=move || ui.options.read().log on:change=log/>{words::LOG}</label>
                <button type="button" class="large" aria-label="Make the map large or small" on:click=click(move || ui.maximise("map"))>"⤢"</button>
            </div>
            <p class="faint">{text(no_error)}</p>
            <Map ui told/>
            <p class="faint told" id="map-told" role="status" aria-live="polite">{text(move || told.get())}</p>
        </section>
    }
}

/// The map itself.
#[component]
fn Map(
    /// What is shown and what can be done.
    ui: Ui,
    /// The cell that is looked at, in words.
    told: Memo<String>,
) -> impl IntoView {
    let grid = grid_memo(ui);
    let layout = memo(move || {
        let it = grid.read();
        Layout::fit(it.n_pos, it.n_layers, room_px(ui))
    });
    let canvas = NodeRef::<html::Canvas>::new();
    effect(move || {
        if let Some(it) = canvas.get() {
            draw(ui, &it, &grid.read());
        }
    });
    let size = move || {
        let it = layout.read();
        format!("width:{}px;height:{}px", it.width(), it.height())
    };
    let is_error = move || ui.options.read().metric == Metric::Error;
    view! {
        <div class="scroll map-scroll">
            <div class="map-grid">
                <LayerLabels ui layout grid/>
                <div class="map-body">
                    <TokenLabels ui layout/>
                    <div class="map-cells" class:hatched=is_error style=size>
                        <canvas node_ref=canvas></canvas>
                        <Rings ui layout/>
                        <Pointer ui layout told/>
                    </div>
                    <TokenBars grid layout/>
                </div>
            </div>
        </div>
    }
}

fn room_px(ui: Ui) -> f32 {
    match ui.maximised.get() {
        Some("map") => 2.0 * map::ROOM_PX,
        _ => map::ROOM_PX,
    }
}

/// What the cells tell; of the pointer only a feature changes it, and only where features are told.
fn grid_memo(ui: Ui) -> Memo<Grid> {
    let metric = memo(move || ui.options.read().metric);
    let feature = memo(move || {
        let of_feature = metric.get() == Metric::Locked;
        ui.feature.get().filter(|_| of_feature)
    });
    let pins = memo(move || ui.kept.read().pins.clone());
    memo(move || {
        let shown = ui.shown.read();
        let record = shown.as_ref().map(|it| &it.record);
        record.map_or_else(Grid::default, |it| {
            map::grid(it, metric.get(), feature.get(), &pins.read())
        })
    })
}

/// Paints the whole grid at one pixel a cell; the browser makes it large without smoothing.
fn draw(ui: Ui, canvas: &web_sys::HtmlCanvasElement, grid: &Grid) {
    let dark = usize::from(ui.is_dark());
    let options = ui.options.read();
    let ink = if options.metric == Metric::Error {
        ERROR_INK
    } else {
        INK
    };
    let pixels = map::pixels(grid, ink[dark], GROUND[dark], options.log);
    let (width, height) = (grid.n_pos as u32, grid.n_layers as u32);
    if width == 0 || height == 0 {
        return;
    }
    canvas.set_width(width);
    canvas.set_height(height);
    put(canvas, &pixels, width, height);
}

#[cfg(target_arch = "wasm32")]
fn put(canvas: &web_sys::HtmlCanvasElement, pixels: &[u8], width: u32, height: u32) {
    use leptos::wasm_bindgen::{Clamped, JsCast};
    let pixels = Clamped(pixels);
    let image = ::web_sys::ImageData::new_with_u8_clamped_array_and_sh(pixels, width, height);
    let context = canvas.get_context("2d").ok().flatten();
    let context = context.and_then(|it| it.dyn_into::<::web_sys::CanvasRenderingContext2d>().ok());
    if let (Ok(image), Some(context)) = (image, context) {
        // It fails only for images that are not there.
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}

/// There is no canvas outside a browser.
#[cfg(not(target_arch = "wasm32"))]
fn put(_: &web_sys::HtmlCanvasElement, _: &[u8], _: u32, _: u32) {}

/// Layers, the highest on top, each with its bar; a click chooses the whole layer.
#[component]
fn LayerLabels(
    /// What is shown and what can be done.
    ui: Ui,
    /// Where cells lie.
    layout: Memo<Layout>,
    /// What they tell.
    grid: Memo<Grid>,
) -> impl IntoView {
    let labels = move || {
        let shares = map::layer_shares(&grid.read());
        let label = |layer: usize| {
            let share = shares[layer].clone();
            let chosen = flag(move || ui.kept.read().lock.layer == Some(layer));
            let choose = click(move || {
                ui.want(layer);
                ui.selection.update(|it| it.lock_place(Some(layer), None));
            });
            view! {
                <button type="button" tabindex="-1" class="layer" class:locked=chosen style=("--share", share)
                    title=format!("Layer {layer}") on:click=choose>{format!("L{layer}")}</button>
            }
        };
        (0..shares.len()).rev().map(label).collect_view()
    };
    let height = move || format!("{}px", layout.read().cell_height);
    view! { <div class="layers" style=("--cell", text(height))>{part(labels)}</div> }
}

/// The tokens over the columns; a click chooses the whole column.
#[component]
fn TokenLabels(
    /// What is shown and what can be done.
    ui: Ui,
    /// Where cells lie.
    layout: Memo<Layout>,
) -> impl IntoView {
    let labels = move || {
        let tokens = ui
            .shown
            .get()
            .map(|it| strip::shown(&it.record.tokens, false))
            .unwrap_or_default();
        let layout = layout.get();
        let label = |(pos, it): (usize, strip::Shown)| {
            let chosen = flag(move || ui.kept.read().lock.pos == Some(pos));
            let choose = click(move || ui.selection.update(|it| it.lock_place(None, Some(pos))));
            let name = format!("Token {pos}, {}", it.text.trim());
            let shown = if layout.names(pos) {
                it.text.trim()
            } else {
                ""
            };
            view! {
                <button type="button" tabindex="-1" class="column" class:locked=chosen aria-label=name
                    on:click=choose><span dir="auto">{shown.to_string()}</span></button>
            }
        };
        tokens.into_iter().enumerate().map(label).collect_view()
    };
    let width = move || format!("{}px", layout.read().cell_width);
    view! { <div class="columns" style=("--cell", text(width))>{part(labels)}</div> }
}

/// A bar for each token under the map.
#[component]
fn TokenBars(
    /// What cells tell.
    grid: Memo<Grid>,
    /// Where they lie.
    layout: Memo<Layout>,
) -> impl IntoView {
    let bars = move || {
        let bar = |share: String| view! { <span style=("--share", share)></span> };
        let shares = map::token_shares(&grid.read());
        shares.into_iter().map(bar).collect_view()
    };
    let width = move || format!("{}px", layout.read().cell_width);
    view! { <div class="bars" aria-hidden="true" style=("--cell", text(width))>{part(bars)}</div> }
}

/// Rings around what is pointed at and what is chosen.
#[component]
fn Rings(
    /// What is shown and what can be done.
    ui: Ui,
    /// Where cells lie.
    layout: Memo<Layout>,
) -> impl IntoView {
    let ring = move |class: &'static str, region: Option<Region>| {
        region.map(|it| {
            let layout = layout.read();
            let (x, y, _, _) = layout.cell(it.layers.1, it.positions.0);
            let (right, bottom, width, height) = layout.cell(it.layers.0, it.positions.1);
            let style = format!(
                "left:{x}px;top:{y}px;width:{}px;height:{}px",
                right + width - x,
                bottom + height - y
            );
            view! { <div class=class style=style></div> }
        })
    };
    let chosen = move || {
        let kept = ui.kept.read();
        ring("ring", kept.region.or_else(|| whole(ui, kept.lock)))
    };
    let hovered = move || ring("ring hover", whole(ui, ui.hover.get()));
    view! { {part(chosen)}{part(hovered)} }
}

/// A cell, a row or a column as a region.
fn whole(ui: Ui, spot: Spot) -> Option<Region> {
    let shown = ui.shown.read();
    let record = &shown.as_ref()?.record;
    let (top, last) = (record.n_layers.checked_sub(1)?, record.last());
    if spot.layer.is_none() && spot.pos.is_none() {
        return None;
    }
    Some(Region {
        layers: spot.layer.map_or((0, top), |it| (it, it)),
        positions: spot.pos.map_or((0, last), |it| (it, it)),
    })
}

/// The cell that is pointed at, or the locked one.
pub(super) fn cursor(ui: Ui) -> Option<(usize, usize)> {
    let of = |it: Spot| it.layer.zip(it.pos);
    of(ui.hover.get()).or_else(|| of(ui.kept.read().lock))
}

/// The cell in words: where it is, how many fire, and the strongest.
fn told(ui: Ui) -> String {
    let Some((layer, pos)) = cursor(ui) else {
        return ui.place_words();
    };
    let shown = ui.shown.read();
    let Some(record) = shown
        .as_ref()
        .map(|it| &it.record)
        .filter(|it| pos < it.n_pos())
    else {
        return String::new();
    };
    let mut firings = record.firings[record.cell(layer, pos)].to_vec();
    firings.sort_unstable_by(|a, b| b.activation.total_cmp(&a.activation));
    let strongest = firings.iter().take(N_TOLD).map(|it| {
        let label = ui
            .label(it.feature())
            .map_or_else(String::new, |it| format!(" “{it}”"));
        format!("{}{label} {}", it.feature(), strip::number(it.activation))
    });
    let strongest: Vec<String> = strongest.collect();
    let piece = record.tokens[pos].piece.trim();
    format!(
        "Layer {layer}, token {pos} “{piece}”: {} active. {}",
        firings.len(),
        strongest.join("; ")
    )
}
