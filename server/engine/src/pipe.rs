//! An in-memory pipe between the client and the adapter. Unlike tokio's, it never splits a small write between two
//! reads: clients look for an error's trailer at the end of what one read gave them, and a trailer cut in two would
//! pass for data.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Bytes on their way in one direction before the writer must wait.
const WAITING_BYTES_MAX: usize = 512 * 1024;
/// Writes up to this size are read in one piece. hyper reads into at least this much space.
const WHOLE_BYTES_MAX: usize = 8 * 1024;

/// Both ends of a new pipe.
pub fn pipe() -> (End, End) {
    let (there, back) = (Arc::default(), Arc::default());
    (
        End { incoming: Arc::clone(&there), outgoing: Arc::clone(&back) },
        End { incoming: back, outgoing: there },
    )
}

/// One end. Dropping it ends both directions.
pub struct End {
    incoming: Arc<Mutex<Lane>>,
    outgoing: Arc<Mutex<Lane>>,
}

/// One direction: a ring of bytes and the lengths in which they were written.
#[derive(Default)]
struct Lane {
    ring: Vec<u8>,
    start: usize,
    /// Bytes in the ring.
    length: usize,
    /// Lengths of the pieces in the ring, oldest first. Only large pieces may be read in parts.
    pieces: std::collections::VecDeque<Piece>,
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy)]
struct Piece {
    length: usize,
    whole: bool,
}

fn locked(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().expect("no panic while a lane is held")
}

impl Lane {
    /// Takes what fits; a small piece is taken whole or not at all.
    fn push(&mut self, data: &[u8]) -> usize {
        if self.ring.is_empty() {
            self.ring = vec![0; WAITING_BYTES_MAX + WHOLE_BYTES_MAX];
        }
        let whole = data.len() <= WHOLE_BYTES_MAX;
        // The ring has room for one whole piece beyond the mark at which writers wait.
        let room = WAITING_BYTES_MAX.saturating_sub(self.length);
        let count = if whole && room > 0 { data.len() } else { data.len().min(room) };
        if count == 0 {
            return 0;
        }
        let end = (self.start + self.length) % self.ring.len();
        let first = count.min(self.ring.len() - end);
        self.ring[end..end + first].copy_from_slice(&data[..first]);
        self.ring[..count - first].copy_from_slice(&data[first..count]);
        self.length += count;
        match self.pieces.back_mut() {
            Some(last) if !whole && !last.whole => last.length += count,
            _ => self.pieces.push_back(Piece { length: count, whole }),
        }
        count
    }

    /// How many bytes a reader with `room` gets now.
    fn readable(&self, room: usize) -> usize {
        let mut count = 0;
        for piece in &self.pieces {
            if count + piece.length > room {
                let split = !piece.whole || count == 0;
                return if split { room } else { count };
            }
            count += piece.length;
        }
        count
    }

    /// The next `count` bytes, in the two parts in which the ring holds them.
    fn front(&self, count: usize) -> (&[u8], &[u8]) {
        let first = count.min(self.ring.len() - self.start);
        (&self.ring[self.start..self.start + first], &self.ring[..count - first])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count) % self.ring.len();
        self.length -= count;
        let mut left = count;
        while let Some(piece) = self.pieces.front_mut().filter(|_| left > 0) {
            if piece.length > left {
                piece.length -= left;
                return;
            }
            left -= piece.length;
            self.pieces.pop_front();
        }
    }

    fn close(&mut self) {
        self.closed = true;
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Read for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut lane = locked(&self.incoming);
        let count = lane.readable(buffer.remaining());
        if count == 0 && !lane.closed && buffer.remaining() > 0 {
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if count > 0 {
            let (first, second) = lane.front(count);
            buffer.put_slice(first);
            buffer.put_slice(second);
            lane.consume(count);
            if let Some(writer) = lane.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut lane = locked(&self.outgoing);
        if lane.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut written = 0;
        let mut wanted = 0;
        for slice in data {
            wanted += slice.len();
            let count = lane.push(slice);
            written += count;
            if count < slice.len() {
                break;
            }
        }
        if written == 0 && wanted > 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(reader) = lane.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self;
        ready!(this.as_mut().poll_flush(cx))?;
        locked(&this.outgoing).close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        locked(&self.outgoing).close();
        locked(&self.incoming).close();
    }
}

impl Connection for End {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lane: &mut Lane, room: usize) -> Vec<u8> {
        let count = lane.readable(room);
        let (first, second) = lane.front(count);
        let out = [first, second].concat();
        lane.consume(count);
        out
    }

    #[test]
    fn a_small_write_is_never_split_between_reads() {
        let trailer = [7u8; 5_000];
        for before in (WAITING_BYTES_MAX - 6_000..WAITING_BYTES_MAX).step_by(97) {
            let mut lane = Lane::default();
            assert_eq!(lane.push(&vec![1; before]), before);
            assert_eq!(lane.push(&trailer), trailer.len());
            let mut seen = Vec::new();
            while lane.length > 0 {
                seen.push(read(&mut lane, WHOLE_BYTES_MAX));
            }
            let last = seen.last().unwrap();
            assert!(last.ends_with(&trailer), "after {before} bytes");
        }
    }

    #[test]
    fn bytes_come_out_in_order_round_and_round_the_ring() {
        let mut lane = Lane::default();
        let (mut next_in, mut next_out) = (0u8, 0u8);
        let mut step = 1usize;
        for _ in 0..3_000 {
            step = (step * 48_271) % 65_521;
            let data: Vec<u8> = (0..step % 40_000).map(|n| next_in.wrapping_add(n as u8)).collect();
            let taken = lane.push(&data);
            next_in = next_in.wrapping_add(taken as u8);
            for byte in read(&mut lane, step % 50_000) {
                assert_eq!(byte, next_out);
                next_out = next_out.wrapping_add(1);
            }
        }
        assert!(lane.length <= WAITING_BYTES_MAX + WHOLE_BYTES_MAX);
    }
}
