//! Events -> signals -> views. Knows the protocol only: no GPU, no tensors, no network.

mod about_view;
mod acting;
#[cfg(target_arch = "wasm32")]
mod address;
mod advice;
mod amounts;
mod answers;
mod arriving;
mod ask;
mod card_here;
mod card_parts;
mod card_view;
mod checking;
mod choice;
mod desk;
mod dialog_view;
mod doing;
mod erased;
mod explain_view;
#[cfg(not(target_arch = "wasm32"))]
mod first;
mod fitting;
mod frame;
mod gathering;
mod getting;
mod glossary;
mod histogram;
mod hosted_view;
mod hosting;
mod installation_view;
mod job_view;
mod json;
mod keys;
mod labelling;
mod labels_view;
mod later;
mod library;
#[cfg(target_arch = "wasm32")]
mod link;
mod linking;
mod list_view;
mod looking;
mod map;
mod map_view;
mod model_view;
mod offering;
mod options;
mod palette;
mod palette_view;
mod panels;
mod parts;
mod pieces;
mod pointer_view;
mod prompt_view;
mod record;
mod recorded;
mod rows;
#[cfg(target_arch = "wasm32")]
mod saving;
mod seeking;
mod selection;
mod share_view;
mod sharing;
mod sheet_view;
mod site;
mod store_view;
mod storing;
mod strip;
mod strip_view;
mod supervisor;
mod ui;
mod viewing;
mod words;

#[cfg(target_arch = "wasm32")]
pub use address::{follow_address, fragment};
pub use advice::Browser;
pub use ask::{Destination, Purpose, Question};
pub use choice::{Choice, Origin};
pub use desk::{Atlas, Check, Desk, Engine, Prompt, Shown, Source};
#[cfg(not(target_arch = "wasm32"))]
pub use first::first_picture;
pub use fitting::Fitting;
pub use frame::Page;
pub use keys::{Act, Held, SHEET, act};
pub use labelling::Labelling;
pub use later::{Came, Later};
pub use library::{Fetching, Library};
#[cfg(target_arch = "wasm32")]
pub use link::{Hear, Link, base, engine_name, has_webgpu};
pub use linking::Linking;
pub use offering::Offer;
pub use options::{Group, Metric, Options, Sort, Theme};
pub use palette::feature_of;
pub use panels::Widths;
pub use parts::Parts;
pub use record::{Firing, Record};
pub use recorded::{Hint, Recording};
#[cfg(target_arch = "wasm32")]
pub use saving::{save_file, take_drops};
pub use selection::{Kept, N_PIN_COLOURS, Region, Selection, Spot};
pub use sharing::{File, Files, Snapshot};
#[cfg(target_arch = "wasm32")]
pub use site::requests;
pub use site::{Keeping, Request, Site, SiteDeed};
pub use supervisor::{Action, Supervisor};
pub use ui::{Dialog, Doings, Ui};
