//! `Command` -> stream of `Event`: plain data in the visitor's words; owns the map of runs. Leaves drawing and terminals to others.
//!
//! An [`Engine`] is an actor. Whoever uses it posts [`protocol::Command`]s into its [`Inbox`] from any thread or task and gets
//! [`Message`]s back through the sink that was given at the start. It executes one command at a time, and fetching and what looks after
//! the store beside it, on its own thread (natively, see [`Client`]) or in its own worker (on the web, see `src/bin/engine.rs`). This page is the manual of the engine; the types,
//! with a sentence for each field, are in [`protocol`].
//!
//! # The life of a command
//!
//! A command has an id of the caller's choosing, above 0 and not in use. The first must be `Hello`, with the version of the protocol.
//!
//! * Its events carry its id and are numbered by `seq` from 0: `Progress` at most ten times a second, `Partial`s, and at the end
//!   exactly one of `Done`, `Failed` and `Cancelled`. Id 0 tells the engine's own state, and refusals of what was no command.
//! * Of one command, eight partials may be under way. `Ack` gives credits back, and without them the engine waits; only `Cancel`
//!   ends that wait. Numbers travel beside an event as raw bytes: [`protocol::Array`] says type, shape and which part.
//! * `Cancel` takes effect when it is posted: a waiting command never runs, a running one stops at its next submit. Nothing is then
//!   half-done: no run is kept, and the next command works as if the stopped one had never been.
//! * `Hello`, `Open`, `Close` and `ResetGpu` keep their place; between two of them an `Ask` overtakes a `Run`, and both the rest.
//! * `Fetch`, `Variants`, `Stored`, `Verify`, `Export`, `Import`, `Manifest` and `Snapshot` wait for no turn: they begin when they are posted, in
//!   that order, and run beside the command whose turn it is, whenever that waits or has made a submit. `Prioritise`, `Pause` and
//!   `Token` take effect likewise, also while a long `Run` computes. Only a `Remove` that waits holds back what was posted after it.
//! * The commands whose names begin with `Label`, but for `Labels` itself, wait for no turn either. A file of the visitor's travels
//!   beside a command as raw bytes: `[json, ...buffers]` on the web, [`Inbox::post_with`] natively.
//! * A lost device is replaced, the model loaded again and the command tried again, once; what the caller sees is two `State`
//!   events. Partials already told are not told again.
//!
//! # Opening
//!
//! `Open` names a model, a precision, a context, and if wanted transcoders: their place, layers, halves. `Plan` tells what that
//! would take, without loading. The encoder half is enough to see features; the decoder half is needed for whatever puts a
//! reconstruction or a feature back (`Out`, splices, interventions, metrics, effects, logits of a feature, nearest ones). A layer
//! that is not loaded can't be asked about; "all layers" means all that are loaded. Under `max_gpu_bytes` decoders are
//! paged in first, then encoders, then the model's layers: slower, with the same numbers.
//!
//! The same `Open` again is answered at once; another closes what was open, and its runs.
//!
//! # Fetching
//!
//! `Fetch` brings a set of a hub into the store: a model and transcoders, in a precision. Its partials are [`protocol::FetchTold`]:
//!
//! | told | when | under credits |
//! | --- | --- | --- |
//! | `Plan` | before the first byte of weights, and whenever more is known: other headers, the room that reserving found | all, in order |
//! | `Part` | a part is whole and of use | all, in order |
//! | `Progress` | bytes, rate, time left, phase, files, what is waited for | the last, at most ten a second, and the last of all |
//!
//! It ends with `Fetched`, `Failed` or `Cancelled`. Whatever the end, what has arrived is kept and the same `Fetch` again goes on from
//! there; closing the engine stops fetches and waits until what they have is safe. The very set that is being fetched is refused a
//! second time, and other sets are fetched beside it. What another tab or program fetches into the same store is followed, not fetched
//! twice. What is requested never depends on what was typed: what comes first is [`crate::spec::OPENING`], the same for everyone.
//!
//! `Prioritise` and `Pause` reach every fetch under way; a pause also holds those that begin later, which tell their plan and wait.
//! `Token` keeps an access token in memory for one server, to which alone it is sent; no event, error or address ever shows it.
//! `Variants` asks a hub which transcoders a repository has.
//!
//! # What is stored
//!
//! The store is a folder natively ([`LibraryOptions`]) and the origin's own storage in a browser. It is opened by the first command
//! that needs it, and so is the network: before that nothing is requested and no storage is asked for. Without a store (a private
//! window) these commands fail with the reason, and all others work.
//!
//! `Open` and `Plan` take repositories by what is kept of them and request nothing; a set of which nothing is kept fails with that.
//! A model of a hub may be opened with transcoders of a folder, not the other way round. A set may be opened before it is whole:
//! an event `Ready` of id 0 tells with it what can be asked, and again when parts have arrived, by this engine's fetching or another's,
//! which the engine takes up between two commands. A `Run` that was made before goes on from where it was.
//!
//! `Stored` lists what is kept. `Verify` compares it with the hashes it was kept with; with `repair` damaged pieces are forgotten, and
//! a `Fetch` brings them again. `Remove` takes away, but nothing that belongs to the open model. `Export` and `Import` copy whole parts
//! between the store and a folder, `Manifest` hashes a folder's files for `Fetch`. A page has no disk of its own: it hands a folder or
//! files over with the message, which is then `[json, ...attachments]`; `Export` takes a `FileSystemDirectoryHandle` that may be
//! written, `Import` one that may be read or the `File`s of an export, and the place that the command names is not looked at.
//!
//! # What it costs and whether it fits
//!
//! `Price` tells what a set costs before anything of it is there: bytes to download, on the disk, on the GPU, and what of it is kept
//! already. It requests nothing. Where nothing was asked of a hub yet, the sizes are those of the publisher's files, by the name of
//! the repository. Whether it fits is known in three ways. `limits` is what the device allows, which is certain and says nothing of
//! memory; `budget` is what the caller allows, and what does not fit into it is paged; a trial, `Try`, takes, writes and releases as
//! many bytes as the plan has, on a device of its own, and its answer holds for that moment. Nothing is concluded from names of
//! adapters. What does not fit comes with sets that do.
//!
//! `Check` holds what is open against figures that are known of it: published ones for Gemma 2 2B, the golden for the demo model.
//! What it runs for that it forgets.
//!
//! # Runs
//!
//! `Run` computes a prompt and gives its [`protocol::RunKey`], a hash of all that goes into it: model, transcoders, precision,
//! tokens, changes. Asking twice computes once, and `kept` says which it was. With transcoders open, the active features of every
//! loaded layer are listed on the way, BOS included, and never cut short. Activations at sites are kept if they are in `want`;
//! others are computed again when asked for. `writes` change activations at sites; such a run has features, but is not clean.
//!
//! `Derive` makes a variation of a clean run: interventions on features, a splice (reconstructions in place of what MLPs add,
//! position 0 excepted), or both. It starts at the lowest layer touched. An intervention sets, scales, adds to or ablates a feature
//! at positions; what it scales or adds to is the feature's activation in the *clean* run. `mode` says what stays as it was there:
//!
//! | mode | attention patterns | scales of norms | outputs of MLPs |
//! | --- | --- | --- | --- |
//! | `frozen` | kept | computed | computed |
//! | `free` | computed | computed | computed |
//! | `direct` | kept | kept | kept, but for the interventions |
//!
//! The mode is about interventions: a splice alone leaves all three computed. In `frozen` and `free` the feature is first taken out
//! as the run itself has it at that layer, in `direct` as the clean run has it. A `Derive` of a derived run is one of its clean run,
//! with the interventions of both, the later mode, and the later splice where there is one; it has the key that asking for all at
//! once has. Two interventions on one feature at one position contradict each other and are refused.
//!
//! `Generate` continues any run. On a derived one, interventions at open positions (`4-`, `*`) and splices hold for every token
//! generated too; nothing is frozen there, and multiples are of what the run itself has, as there is no clean one.
//!
//! # Questions
//!
//! `Ask` answers in partials, of the positions asked for, and layers in the order in which they are asked for:
//!
//! | `What` | partials | of |
//! | --- | --- | --- |
//! | `Site` | kept sites first; then as the pass goes by, so many positions of a site each | any run |
//! | `Probs` | one for each position | any run |
//! | `Features` | one for each layer (more where it has over 131,072), features by position and index | any run |
//! | `Dense` | layer by layer, `Pre` and `Acts` before `Out` within as many positions as a pass takes at once | any run |
//! | `Lens` | layer by layer, one for each position; needs no transcoders, but `n_kept` | clean runs |
//! | `Metrics` | one for each splice; of the whole prompt, which needs two tokens besides BOS | clean runs |
//! | `Effects` | as `Features`, with the direct effect on one token's logit, before the softcap | clean runs |
//!
//! Features of a derived run are told beside those of the clean one: every feature active in either, 0 where it is not. With them,
//! in `applied`, what interventions were to set: `clean`, `applied`, and `activation`, which is what the encoder of that layer reads
//! in the derived run. The latter comes before the intervention, so it is as in the clean run unless something below changed.
//!
//! `Feature` tells a feature's own numbers and needs no run; a half that is not loaded leaves its fields empty.
//!
//! `Labels` reads what somebody found out about features from data: labels, how often and how strongly they fire, and sentences in
//! which they do most. It needs no model, and tells a [`protocol::Partial::Labels`] for each layer. From then on `Feature` tells
//! the feature's label, and sentences if asked for some; nothing checks that the labels belong to what is open. If it fails or is
//! cancelled, what was read before stays.
//!
//! `LabelsLoad` does the same for a named set, of the page's own bytes too, without telling each label unless asked: the real
//! transcoders have half a million. A file that names another set is refused. Half a million are searched by `LabelsSearch` in
//! slices of 20 ms, so that a download goes on; the newest search cancels the one before. `LabelsOf` tells labels of single features.
//!
//! With `keep` the file is kept for its set over visits, as it came, until another is or `LabelsDrop` takes it away; `Kept` reads that one,
//! or the place named instead. What can't be kept is read all the same, and `not_kept` says why.
//!
//! `LabelEdit` keeps what the visitor calls a feature, by set, apart from the store of models; where there is no store it lives as
//! long as the engine, and `not_kept` says why. Own labels come first in searches, and stand beside others in `Feature`.
//! `LabelsExport` writes them as a labels file. `LabelsMerge` takes in somebody else's: where both call a feature differently,
//! the visitor's own words stay, and the conflict is told with both. `LabelsForget` takes all of them away, and what others said. `LabelsImport` makes a
//! labels file of the exports of Neuronpedia that lie in a folder of the disk.
//!
//! `HostedLabel` tells what Neuronpedia says of one feature of Gemma 2 2B's transcoders: what is kept of an earlier time, otherwise
//! what it answers now, but only if the caller says `ask`. One request holds the feature's number and nothing else, goes to the one
//! host of the table that is for features, carries no token and follows nobody elsewhere. It was made with other activations, so it
//! is told apart from all else: no search, no card, no file holds it.
//!
//! # Links, witnesses, files
//!
//! `Link` writes a [`View`](crate::spec::View) as the fragment of an address: readable while that has at most 300 characters, packed
//! beyond (`!1`, and letters). `ReadLink` reads one, with or without the page's address before it, and whatever else may be pasted:
//! `12/9377`, an id, a feature or a graph of Neuronpedia. What it can't read it leaves out and says in `notes`; only a text of which
//! nothing can be read fails. Both need neither model nor device and go before a waiting `Run`; with a model open, `ReadLink` also
//! leaves out layers and features that it does not have, if the link is about that model.
//!
//! A link may name a snapshot at an address. `ReadLink` tells whom that would ask, in `snapshot`, and asks nobody; `Snapshot` brings its
//! bytes, from a server of the host table or the page's own site, once the visitor has agreed.
//!
//! `Witness` tells the next token, its probability and the strongest features of a run, and holds them against those of a link's
//! sender. `Document` makes a file of a run, or of a feature of the open model: tables, pictures, arrays, text. `Picture` makes an SVG of
//! a map as it is shown. Bytes come in [`protocol::Partial::Document`]s in order, then [`protocol::Outcome::Document`] names the file.
//! Every file says which model, precision, adapter and build it comes from, and whose labels it holds.
//!
//! # As it arrives
//!
//! A model is open before all of it is there. Memory is planned and taken for the whole; what has come is taken up between two
//! commands, each part once: rows of the table of tokens, attention and MLP of a layer, encoder and decoder of a layer.
//! [`Readiness`](crate::spec::Readiness) says what can be asked. Everything works on what is there, and says what is missing:
//!
//! * A prompt can be run once the rows of its tokens are there: those of the opening set come first, then all. Its run goes as far
//!   as the layers do, and [`Reached`](protocol::Reached) says how far. A layer's features need the attention of that layer and
//!   all of those below, not its MLP.
//! * The same `Run` again goes on from the stream that is kept of it, not from the tokens; asking does that too. A layer whose encoder
//!   comes later is looked at in that stream, and no layer runs again. A prompt that the pool has no room for, or a run with
//!   `writes`, is run again from the tokens. In the end everything is as if the model had been opened whole, bit for bit.
//! * "All layers" means all that can be told now. What needs more fails with the part that is missing: distributions, metrics,
//!   effects and `Generate` need all layers and the whole table of tokens, the lens the table and the layers asked for,
//!   `Derive` all layers of the model and both halves of the layers touched, a site what it lies behind.
//! * The name of a run does not depend on what has arrived. A lost device takes nothing of what has: it is loaded again.
//!
//! # What is kept, where and for how long
//!
//! * The *book* of runs, in host memory: tokens, changes, wanted activations, active features (12 bytes each). All runs together
//!   stay within [`EngineOptions`]`::kept_bytes` (1 GiB, on the web 64 MiB); the least recently used are forgotten, and asking about
//!   one fails with "run the prompt again". A run too large alone stays without its numbers, which are computed when asked for.
//!   `Drop` forgets one. A derived run outlives its clean one: what it needs of that is computed again.
//! * The *pool*, on the GPU: `n_kept` positions of clean runs, from which others are derived and which the lens, metrics and effects
//!   read. Prompts take turns by last use and are run again when they are gone. A prompt longer than the pool can be run and its
//!   features asked for, but nothing derived from it.
//! * The *context*, on the GPU: keys and values of the run made last. A question about another run makes that one again first.
//!
//! A lost device takes pool and context, not the book. `Close` and another `Open` take all three. Labels outlive them all, until
//! others are read.
//!
//! # Failures
//!
//! [`protocol::Failure`] says in the visitor's words what is wrong, naming the file, layer, feature, position or token, and in
//! `remedy` what can be done; `detail` is for a report. A failed `Open` leaves nothing open, refused memory closes the model, any
//! other failure leaves everything as it was.

#[cfg(feature = "engine")]
mod arrival;
#[cfg(all(test, feature = "engine"))]
mod arrival_bench;
#[cfg(all(test, feature = "engine"))]
mod arrival_tests;
#[cfg(feature = "engine")]
mod ask;
#[cfg(feature = "engine")]
mod attached;
#[cfg(feature = "engine")]
mod background;
#[cfg(feature = "engine")]
mod bell;
#[cfg(feature = "engine")]
mod bench;
#[cfg(feature = "engine")]
mod captures;
#[cfg(feature = "engine")]
mod check;
#[cfg(all(feature = "engine", not(target_arch = "wasm32")))]
mod client;
#[cfg(feature = "engine")]
mod courier;
#[cfg(feature = "engine")]
mod derive;
#[cfg(feature = "engine")]
mod document;
#[cfg(feature = "engine")]
mod engine;
mod event;
#[cfg(feature = "engine")]
mod failure;
#[cfg(feature = "engine")]
mod fetching;
#[cfg(feature = "engine")]
mod firings;
#[cfg(feature = "engine")]
mod hosted;
#[cfg(feature = "engine")]
mod inbox;
#[cfg(feature = "engine")]
mod keeping;
#[cfg(feature = "engine")]
mod label_import;
#[cfg(feature = "engine")]
mod label_reading;
#[cfg(feature = "engine")]
mod labels;
#[cfg(feature = "engine")]
mod librarian;
#[cfg(feature = "engine")]
mod link;
#[cfg(feature = "engine")]
mod linking;
#[cfg(feature = "engine")]
mod listed;
#[cfg(feature = "engine")]
mod look;
#[cfg(feature = "engine")]
mod measure;
#[cfg(feature = "engine")]
mod onward;
#[cfg(feature = "engine")]
mod open;
#[cfg(feature = "engine")]
mod outbox;
#[cfg(feature = "engine")]
mod price;
pub mod protocol;
#[cfg(feature = "engine")]
mod recipe;
#[cfg(feature = "engine")]
mod requests;
#[cfg(feature = "engine")]
mod runs;
#[cfg(all(feature = "engine", target_arch = "wasm32"))]
mod selftest;
#[cfg(feature = "engine")]
mod snapshot;
#[cfg(feature = "engine")]
mod stored;
#[cfg(feature = "engine")]
mod teller;
#[cfg(feature = "engine")]
mod trial;
#[cfg(feature = "engine")]
mod trouble;
#[cfg(any(feature = "engine", feature = "page"))]
pub mod wire;
#[cfg(feature = "engine")]
mod witness;
#[cfg(feature = "engine")]
mod words;

#[cfg(feature = "engine")]
pub use crate::gpu::Faults;
#[cfg(feature = "engine")]
pub use crate::hub::HubConfig;
#[cfg(feature = "engine")]
pub use attached::Attachment;
#[cfg(all(feature = "engine", not(target_arch = "wasm32")))]
pub use client::{Client, Told};
#[cfg(feature = "engine")]
pub use engine::{Engine, EngineOptions};
#[cfg(feature = "engine")]
pub use inbox::Inbox;
#[cfg(feature = "engine")]
pub use librarian::{Instead, LibraryOptions, MakeDisk, MakeNet};
#[cfg(feature = "engine")]
pub use outbox::{Message, Outbox};
#[cfg(all(feature = "engine", target_arch = "wasm32"))]
pub use selftest::{hash_seconds, selftest};
