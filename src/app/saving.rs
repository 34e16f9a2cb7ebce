//! Files as the browser has them: downloads, the clipboard, pictures as bitmaps, and files that are chosen or dropped on the page.

use super::{
    ask::{Destination, Purpose, Question},
    later::Came,
    link::{hand_over, keep_picked},
    sharing::File,
    ui::Ui,
    words,
};
use crate::spec::{HandedFile, MAX_SNAPSHOT_BYTES};
use js_sys::{Array, Uint8Array};
use leptos::{ev, leptos_dom::helpers::window_event_listener, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement,
    HtmlImageElement, HtmlInputElement, Url,
};

/// What is said where a browser has no choice of folders.
const NO_FOLDERS: &str = "This browser lets no page write into a folder. Use Chrome or Edge for it, or `gemscope store export`.";
/// Pixels of a bitmap for each of the picture's.
const BITMAP_SCALE: f64 = 2.0;

/// Hands a file to the visitor.
pub fn save_file(file: File) {
    // A browser that refuses says so itself.
    let _ = match file.to {
        Destination::Clipboard => copy(&file),
        Destination::Disk => blob(&file).and_then(|it| download(&it, &file.name)),
        Destination::Bitmap => bitmap(file),
    };
}

fn copy(file: &File) -> Result<(), JsValue> {
    let text = String::from_utf8_lossy(&file.bytes);
    let _ = window().navigator().clipboard().write_text(&text);
    Ok(())
}

fn blob(file: &File) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(&file.mime);
    let bytes = Array::of1(&Uint8Array::from(file.bytes.as_slice()));
    Blob::new_with_u8_array_sequence_and_options(&bytes, &options)
}

fn download(blob: &Blob, name: &str) -> Result<(), JsValue> {
    let address = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The download has begun with the click; the address is needed a moment longer in some browsers.
    set_timeout(
        move || {
            let _ = Url::revoke_object_url(&address);
        },
        std::time::Duration::from_secs(60),
    );
    Ok(())
}

/// Draws a picture on a canvas, and saves that.
fn bitmap(file: File) -> Result<(), JsValue> {
    let image = HtmlImageElement::new()?;
    let text = String::from_utf8_lossy(&file.bytes);
    let address = format!(
        "data:image/svg+xml;charset=utf-8,{}",
        js_sys::encode_uri_component(&text)
    );
    let name = file.name.replace(".svg", ".png");
    let drawn = image.clone();
    let ready = Closure::once_into_js(move || {
        // Without a canvas there is no bitmap; the picture itself is still there.
        let _ = draw(&drawn, name);
    });
    image.set_onload(Some(ready.unchecked_ref()));
    image.set_src(&address);
    Ok(())
}

fn draw(image: &HtmlImageElement, name: String) -> Result<(), JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
    let size =
        [image.natural_width(), image.natural_height()].map(|it| f64::from(it) * BITMAP_SCALE);
    canvas.set_width(size[0] as u32);
    canvas.set_height(size[1] as u32);
    let context = canvas.get_context("2d")?.ok_or("no canvas")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.draw_image_with_html_image_element_and_dw_and_dh(image, 0.0, 0.0, size[0], size[1])?;
    let done = Closure::once_into_js(move |it: Option<Blob>| {
        if let Some(it) = it {
            let _ = download(&it, &name);
        }
    });
    canvas.to_blob(done.unchecked_ref())
}

/// Opens the file that was chosen.
pub fn picked(ui: Ui, input: &HtmlInputElement) {
    let file = input.files().and_then(|it| it.get(0));
    if let Some(it) = file {
        open(ui, it);
    }
    // The same file may be chosen again.
    input.set_value("");
}

/// Files that are dropped on the page are opened.
pub fn take_drops(ui: Ui) {
    let over = window_event_listener(ev::dragover, |it| it.prevent_default());
    let drop = window_event_listener(ev::drop, move |it| {
        it.prevent_default();
        let file = it
            .data_transfer()
            .and_then(|it| it.files())
            .and_then(|it| it.get(0));
        if let Some(it) = file {
            open(ui, it);
        }
    });
    on_cleanup(move || {
        over.remove();
        drop.remove();
    });
}

fn open(ui: Ui, file: web_sys::File) {
    if file.size() > f64::from(MAX_SNAPSHOT_BYTES) {
        let what = format!(
            "This file has {:.0} MB; a snapshot has at most {} MB.",
            file.size() / 1e6,
            MAX_SNAPSHOT_BYTES >> 20
        );
        return ui.desk.update(|desk| desk.refuse_snapshot(what));
    }
    spawn_local(async move {
        let text = JsFuture::from(file.text()).await;
        let text = text.ok().and_then(|it| it.as_string());
        ui.fetch_later().await;
        let later = ui.later.get_untracked();
        ui.desk.update(|desk| match later {
            Came::Here(it) => it.open_snapshot(desk, &text.unwrap_or_default()),
            _ => desk.refuse_snapshot(words::PART_FAILED.into()),
        });
        ui.close();
    });
}

/// Lets the visitor choose a folder, and puts what is kept there. A browser without such a choice is told what to do instead.
pub(super) fn hand_folder(ui: Ui) {
    let pick = js_sys::Reflect::get(&window(), &"showDirectoryPicker".into());
    let Some(pick) = pick
        .ok()
        .and_then(|it| it.dyn_into::<js_sys::Function>().ok())
    else {
        return ui
            .desk
            .update(|desk| _ = desk.refuse_choice(NO_FOLDERS.into()));
    };
    let options = js_sys::Object::new();
    // It is a plain object.
    let _ = js_sys::Reflect::set(&options, &"mode".into(), &"readwrite".into());
    let Ok(chosen) = pick.call1(&window(), &options) else {
        return;
    };
    spawn_local(async move {
        // The visitor may let it be.
        if let Ok(folder) = JsFuture::from(chosen.unchecked_into::<js_sys::Promise>()).await {
            hand_over(Array::of1(&folder));
            ui.ask(|desk| vec![Question::new(Purpose::Copy, desk.export())]);
        }
    });
}

/// Takes in the files of an export.
pub(super) fn hand_files(ui: Ui, input: &HtmlInputElement) {
    let files = input.files().map(|it| Array::from(&it)).unwrap_or_default();
    if files.length() > 0 {
        hand_over(files);
        ui.ask(|desk| vec![Question::new(Purpose::Copy, desk.import())]);
    }
    input.set_value("");
}

/// Takes note of the files of a folder that was chosen; they are read when they are fetched from, piece by piece.
pub(super) fn pick_folder(ui: Ui, input: &HtmlInputElement) {
    let all = input.files().map(|it| Array::from(&it)).unwrap_or_default();
    let (mut files, mut size_bytes) = (Vec::new(), 0);
    for it in all.iter() {
        let it: web_sys::File = it.unchecked_into();
        // Of a folder each file says where in it it lies.
        let path = js_sys::Reflect::get(&it, &"webkitRelativePath".into()).ok();
        let path = path.and_then(|it| it.as_string()).unwrap_or_default();
        size_bytes += it.size() as u64;
        files.push(HandedFile {
            name: if path.is_empty() { it.name() } else { path },
            modified_millis: it.last_modified() as u64,
        });
    }
    if !files.is_empty() {
        keep_picked(all);
        ui.ask(|desk| desk.pick(files, size_bytes));
    }
    input.set_value("");
}

/// Reads the labels file that was chosen, as labels of the set or as one's own.
pub(super) fn hand_labels(ui: Ui, input: &HtmlInputElement, of_set: bool) {
    let file = input.files().and_then(|it| it.get(0));
    input.set_value("");
    let Some(file) = file else {
        return;
    };
    spawn_local(async move {
        // What can't be read comes as nothing, which the engine refuses in words.
        if let Ok(buffer) = JsFuture::from(file.array_buffer()).await {
            hand_over(Array::of1(&buffer));
        }
        let name = file.name();
        ui.ask(|desk| match of_set {
            true => desk.read_labels(name),
            false => desk.merge_labels(name),
        });
    });
}
