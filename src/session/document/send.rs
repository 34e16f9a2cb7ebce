//! Carries a file out in pieces as it is made, so that little of it is held.

use super::super::{
    courier::Courier,
    inbox::Job,
    outbox::{Outbox, Piece},
    protocol::Partial,
    trouble::Trouble,
};

/// Bytes of one piece at most.
const PIECE_BYTES: usize = 1 << 20;

/// A file on its way out.
pub struct Parcel<'a> {
    courier: Courier<'a>,
    held: Vec<u8>,
    size_bytes: u64,
}

impl<'a> Parcel<'a> {
    /// Nothing yet.
    pub fn new(outbox: &'a Outbox, job: &'a Job) -> Self {
        Self {
            courier: Courier::new(outbox, job),
            held: Vec::new(),
            size_bytes: 0,
        }
    }

    /// The next bytes.
    ///
    /// Errors: [`Trouble::Stopped`].
    pub async fn put(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        for bytes in bytes.chunks(PIECE_BYTES) {
            self.held.extend_from_slice(bytes);
            if self.held.len() >= PIECE_BYTES {
                let rest = self.held.split_off(PIECE_BYTES);
                self.send().await?;
                self.held = rest;
            }
        }
        Ok(())
    }

    /// The last of it; how many bytes there were.
    ///
    /// Errors: [`Trouble::Stopped`].
    pub async fn finish(mut self) -> Result<u64, Trouble> {
        self.send().await?;
        Ok(self.size_bytes)
    }

    async fn send(&mut self) -> Result<(), Trouble> {
        let bytes = std::mem::take(&mut self.held);
        if bytes.is_empty() {
            return Ok(());
        }
        let first = self.size_bytes;
        self.size_bytes += bytes.len() as u64;
        self.courier.take(Piece {
            partial: Partial::Document { first },
            parts: vec![bytes],
        });
        self.courier.flush().await
    }
}
