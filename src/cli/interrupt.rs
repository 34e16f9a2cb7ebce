//! Ctrl-C: the first asks a command to stop and keeps what it has, the second ends the program.

use super::session::Session;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What a program is left with that was interrupted. Source: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: i32 = 130;

/// Whether the program was interrupted.
#[derive(Clone, Default)]
pub struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// Whether it was.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// From now on an interrupt cancels command `id`. Where the system can't tell of interrupts, they end the program as ever.
pub fn cancels(session: &mut Session, id: u32) -> Interrupted {
    let interrupted = Interrupted::default();
    let (set, cancel) = (interrupted.clone(), session.cancel(id));
    let watch = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            set.0.store(true, Ordering::Relaxed);
            cancel.now();
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(INTERRUPTED);
            }
        });
    };
    // Without the thread interrupts end the program, and what has arrived is kept all the same.
    let _ = std::thread::Builder::new()
        .name("interrupts".into())
        .spawn(watch);
    interrupted
}
