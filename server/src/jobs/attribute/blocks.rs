//! Blocks of rows on their way from whoever reads to whoever writes: never more than a few wait, so that memory stays
//! bounded when the store writes slower than it reads.

use std::sync::Mutex;

use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Blocks that wait for the writer.
const WAITING_MAX: usize = 1;

/// The reader's side.
pub struct Blocks<T> {
    /// Filled while a chunk was read; sent between two chunks.
    filled: Mutex<Vec<T>>,
    sender: Sender<T>,
}

/// Both sides.
pub fn blocks<T>() -> (Blocks<T>, Receiver<T>) {
    let (sender, receiver) = channel(WAITING_MAX);
    (Blocks { filled: Mutex::default(), sender }, receiver)
}

impl<T> Blocks<T> {
    /// Puts a block down; [`Blocks::send`] takes it further.
    pub fn put(&self, block: T) {
        self.filled.lock().expect("no holder panics").push(block);
    }

    /// Sends what was put down, as fast as the writer takes it.
    pub async fn send(&self) {
        let filled = std::mem::take(&mut *self.filled.lock().expect("no holder panics"));
        for block in filled {
            // The writer only goes away with an error, which whoever waits for it gets.
            let _ = self.sender.send(block).await;
        }
    }
}
