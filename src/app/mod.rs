//! Events -> signals -> views. Knows the protocol only: no GPU, no tensors, no network.

mod advice;
mod answers;
mod ask;
mod card_here;
mod card_parts;
mod card_view;
mod checking;
mod desk;
mod doing;
mod erased;
mod explain_view;
#[cfg(not(target_arch = "wasm32"))]
mod first;
mod frame;
mod gathering;
mod histogram;
mod json;
mod keys;
#[cfg(target_arch = "wasm32")]
mod link;
mod list_view;
mod map;
mod map_view;
mod options;
mod panels;
mod parts;
mod pointer_view;
mod prompt_view;
mod record;
mod recorded;
mod rows;
mod selection;
mod sheet_view;
mod strip;
mod strip_view;
mod supervisor;
mod ui;
mod words;

pub use advice::Browser;
pub use ask::{Purpose, Question};
pub use desk::{Atlas, Check, Desk, Engine, Prompt, Shown, Source};
#[cfg(not(target_arch = "wasm32"))]
pub use first::first_picture;
pub use frame::Page;
pub use keys::{Act, Held, SHEET, act};
#[cfg(target_arch = "wasm32")]
pub use link::{Link, base, engine_name, has_webgpu};
pub use options::{Group, Metric, Options, Sort, Theme};
pub use panels::Widths;
pub use parts::Parts;
pub use record::{Firing, Record};
pub use recorded::{Hint, Recording};
pub use selection::{Kept, N_PIN_COLOURS, Region, Selection, Spot};
pub use supervisor::{Action, Supervisor};
pub use ui::{Doings, Ui};
