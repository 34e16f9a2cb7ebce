//! A body on its way: in chunks, paced, counted, and bent by the faults that concern bytes.
//!
//! Which bytes and which faults is left to `data` and `answer`.

use super::{content::Content, fault::Fault, log::Record, shared::Shared};
use axum::body::{Body, Bytes};
use futures_util::stream;
use std::{
    future, io,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// The most that is held of a body at once.
pub const CHUNK_BYTES: u64 = 64 * 1024;
/// Paced bodies come in so many chunks per second, or the rate would be one of large lumps.
const CHUNKS_PER_SECOND: u64 = 20;
/// Shorter waits are added to the next one: timers are no finer.
const SHORTEST_WAIT_MILLIS: f64 = 1.0;

/// A rate that all who use it share.
#[derive(Default)]
pub struct Pace(Mutex<Line>);

#[derive(Default)]
struct Line {
    bytes_per_second: Option<u64>,
    free_at_millis: f64,
}

impl Pace {
    /// None is as fast as it goes.
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        let out = Self::default();
        out.set(bytes_per_second);
        out
    }

    /// Holds from the next chunk on.
    pub fn set(&self, bytes_per_second: Option<u64>) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.bytes_per_second = bytes_per_second.map(|it| it.max(1));
        line.free_at_millis = 0.0;
    }

    fn chunk_bytes(&self) -> u64 {
        let line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paced = |it: u64| (it / CHUNKS_PER_SECOND).clamp(1, CHUNK_BYTES);
        line.bytes_per_second.map_or(CHUNK_BYTES, paced)
    }

    /// Takes a place in the line; the wait until those bytes are through.
    fn wait_millis(&self, n_bytes: u64, now_millis: f64) -> f64 {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate) = line.bytes_per_second else {
            return 0.0;
        };
        let takes_millis = n_bytes as f64 * 1000.0 / rate as f64;
        line.free_at_millis = line.free_at_millis.max(now_millis) + takes_millis;
        line.free_at_millis - now_millis
    }
}

/// What happens to the bytes of a body.
#[derive(Default)]
pub struct Bent {
    cut_after_bytes: Option<u64>,
    stall_after_bytes: Option<u64>,
    short_by_bytes: u64,
    flip_at_bytes: Vec<u64>,
    slow: Option<Pace>,
}

impl Bent {
    /// By the faults that concern bytes; others are left out.
    pub fn by(faults: &[Fault]) -> Self {
        let mut out = Self::default();
        for fault in faults {
            match *fault {
                Fault::Cut { after_bytes } => lower(&mut out.cut_after_bytes, after_bytes),
                Fault::Stall { after_bytes } => lower(&mut out.stall_after_bytes, after_bytes),
                Fault::Short { by_bytes } => {
                    out.short_by_bytes = out.short_by_bytes.saturating_add(by_bytes);
                }
                Fault::Flip { offset_bytes } => out.flip_at_bytes.push(offset_bytes),
                Fault::Slow { bytes_per_second } => {
                    out.slow = Some(Pace::new(Some(bytes_per_second)));
                }
                _ => (),
            }
        }
        out
    }
}

fn lower(limit: &mut Option<u64>, to: u64) {
    *limit = Some(limit.map_or(to, |it| it.min(to)));
}

/// A body that begins to be read when the client takes it.
pub struct Flow {
    /// Whose bytes.
    pub content: Arc<dyn Content>,
    /// Which; beyond the end of the content there are zeros.
    pub span: Range<u64>,
    /// What goes wrong.
    pub bent: Bent,
    /// The pace of all bodies together, and the clock.
    pub shared: Arc<Shared>,
    /// What counts.
    pub record: Record,
}

impl Flow {
    /// As a stream of chunks.
    pub fn into_body(mut self) -> Body {
        let n_bytes = self.span.end - self.span.start;
        self.span.end -= self.bent.short_by_bytes.min(n_bytes);
        let whole = self.span.is_empty() && self.bent.stall_after_bytes.is_none();
        let first_byte = self.span.start;
        self.record.update(|it| {
            it.first_byte = first_byte;
            it.finished = whole;
        });
        let state = Some((self, 0));
        Body::from_stream(stream::unfold(state, |state| async {
            let (mut flow, sent) = state?;
            match flow.next(sent).await {
                Some(Ok(it)) => {
                    let sent = sent + it.len() as u64;
                    Some((Ok(it), Some((flow, sent))))
                }
                Some(Err(it)) => Some((Err(it), None)),
                None => None,
            }
        }))
    }

    async fn next(&mut self, sent: u64) -> Option<io::Result<Bytes>> {
        if self.bent.cut_after_bytes == Some(sent) || self.shared.is_away() {
            self.linger().await;
            return Some(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.bent.stall_after_bytes == Some(sent) {
            return future::pending().await;
        }
        let n_bytes = self.chunk_bytes(sent);
        if n_bytes == 0 {
            if self.bent.short_by_bytes > 0 {
                self.linger().await;
            }
            self.record.update(|it| it.finished = true);
            return None;
        }
        self.wait(n_bytes).await;
        let chunk = self.read(self.span.start + sent, n_bytes);
        let last = self.span.start + sent + n_bytes == self.span.end;
        self.record.update(|it| {
            it.bytes_sent += n_bytes;
            it.finished = last; // a client that counts does not ask for the end
        });
        Some(chunk)
    }

    async fn linger(&self) {
        let millis = self.shared.linger_millis;
        if millis > 0.0 {
            self.shared.clock.sleep(millis).await;
        }
    }

    fn chunk_bytes(&self, sent: u64) -> u64 {
        let slow = self.bent.slow.as_ref();
        let end = self.span.end - self.span.start;
        [
            self.bent.cut_after_bytes,
            self.bent.stall_after_bytes,
            Some(end),
        ]
        .into_iter()
        .flatten()
        .map(|it| it.saturating_sub(sent))
        .chain([self.shared.pace.chunk_bytes()])
        .chain(slow.map(Pace::chunk_bytes))
        .min()
        .unwrap_or_default()
    }

    async fn wait(&self, n_bytes: u64) {
        let now_millis = self.shared.clock.now_millis();
        let shared = self.shared.pace.wait_millis(n_bytes, now_millis);
        let slow = self.bent.slow.as_ref();
        let millis = slow.map_or(0.0, |it| it.wait_millis(n_bytes, now_millis));
        let millis = millis.max(shared);
        if millis >= SHORTEST_WAIT_MILLIS {
            self.shared.clock.sleep(millis).await;
        }
    }

    fn read(&self, at: u64, n_bytes: u64) -> io::Result<Bytes> {
        let mut out = vec![0; n_bytes as usize];
        let there = self.content.size_bytes().saturating_sub(at).min(n_bytes);
        if there > 0 {
            self.content.read(at, &mut out[..there as usize])?;
        }
        for offset in &self.bent.flip_at_bytes {
            let inside = offset.checked_sub(at).map(|it| it as usize);
            if let Some(it) = inside.and_then(|it| out.get_mut(it)) {
                *it ^= 1;
            }
        }
        Ok(out.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_pace_is_a_line() {
        let pace = Pace::new(Some(1000));
        assert_eq!(pace.wait_millis(100, 0.0), 100.0);
        assert_eq!(pace.wait_millis(100, 0.0), 200.0);
        assert_eq!(pace.wait_millis(100, 1000.0), 100.0);
        assert_eq!(pace.chunk_bytes(), 50);
        pace.set(None);
        assert_eq!(pace.wait_millis(1 << 40, 0.0), 0.0);
        assert_eq!(pace.chunk_bytes(), CHUNK_BYTES);
    }

    #[test]
    fn the_earliest_end_counts() {
        let bent = Bent::by(&[
            Fault::Cut { after_bytes: 9 },
            Fault::Cut { after_bytes: 5 },
            Fault::Html,
        ]);
        assert_eq!(bent.cut_after_bytes, Some(5));
        assert_eq!(bent.stall_after_bytes, None);
    }
}
