//! `fetch`: brings a set of a test Hub into a folder and ends, as a process that others may kill. What `gemscope fetch` does, with sizes of
//! the caller's choosing.

use anyhow::{Result, anyhow, bail};
use gemscope::{
    hub::HubConfig,
    session::{
        Client, EngineOptions, LibraryOptions,
        protocol::{
            CommandBody, FetchFrom, FetchRequest, ModelRef, OpenRequest, Outcome, TranscoderRef,
            TranscoderRequest,
        },
    },
    spec::{Half, Precision, Trust},
};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// The Hub.
    #[arg(long)]
    origin: String,
    /// The set: synth/NAME and synth/NAME-transcoders.
    #[arg(long)]
    name: String,
    /// The folder.
    #[arg(long)]
    store: PathBuf,
    #[arg(long, default_value_t)]
    precision: Precision,
    /// By which pieces are proven as they come.
    #[arg(long)]
    manifest: Option<String>,
    /// Bytes of a range, of a piece and between two entries of the journal.
    #[arg(long, value_delimiter = ',')]
    sizes: Option<Vec<u64>>,
}

/// Fetches, and prints bytes received and seconds.
///
/// Errors: what the engine tells; a set that is not proven in the end.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut hub = HubConfig::default();
    match arguments.sizes.as_deref() {
        None => (),
        Some(&[range, piece, journal]) => {
            hub.most_range_bytes = range;
            hub.piece_bytes = piece as usize;
            hub.journal_bytes = journal;
        }
        Some(_) => bail!("--sizes takes three numbers: RANGE,PIECE,JOURNAL"),
    }
    let options = EngineOptions {
        library: LibraryOptions {
            folder: Some(arguments.store.clone()),
            hub,
            ..LibraryOptions::default()
        },
        ..EngineOptions::default()
    };
    let said = |it: gemscope::spec::Failure| anyhow!("{} {} ({})", it.what, it.remedy, it.detail);
    let mut client = Client::start(options).map_err(said)?;
    let body = CommandBody::Fetch(request(arguments)?);
    let Outcome::Fetched(it) = client.call(body, &mut |_| ()).map_err(said)? else {
        bail!("the set is not fetched");
    };
    if it.trust < Trust::Manifest {
        bail!("the set ends at level `{}`", it.trust);
    }
    println!("{} {}", it.received_bytes, it.seconds);
    Ok(())
}

fn request(arguments: &Arguments) -> Result<FetchRequest> {
    let repo = |name: String| format!("{}/synth/{name}", arguments.origin).parse();
    let name = &arguments.name;
    let transcoders = TranscoderRequest {
        place: TranscoderRef::Hub {
            repo: repo(format!("{name}-transcoders"))?,
        },
        layers: None,
        halves: vec![Half::Encoder, Half::Decoder],
        average_l0: vec![],
    };
    Ok(FetchRequest {
        set: OpenRequest {
            model: ModelRef::Hub {
                repo: repo(name.clone())?,
            },
            transcoders: Some(transcoders),
            precision: arguments.precision,
            n_ctx: None,
            n_kept: None,
            max_gpu_bytes: None,
        },
        from: FetchFrom::Hub,
        manifest: arguments.manifest.clone(),
        update: false,
    })
}
