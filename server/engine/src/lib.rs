//! ClickHouse's engine inside this process, behind the protocol of a ClickHouse server: the official client talks
//! to it over an in-memory pipe, other clients over a loopback port. It never links the engine's library: the file
//! is opened when the engine is.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = engine::Engine::open(&engine::Options::new("data/clickhouse"))?;
//! let one: u8 = engine.client().query("SELECT 1").fetch_one().await?;
//! engine.close().await;
//! # Ok(()) }
//! ```
//!
//! The engine's C interface has traps, numbered in the code and its tests where they are met ("trap G7"). Four of
//! them the caller must know:
//!
//! - G7: [`Engine::close`] before the process ends. One that does not is closed for at exit, as far as that goes.
//! - G10: an insert is committed in blocks of 1 048 449 rows. Send at most a million rows in one insert, or raise
//!   `max_insert_block_size` with it, and give each insert a deduplication token.
//! - G11: the engine keeps no `query_log`, `part_log` or `asynchronous_metrics`. What must be known later about a
//!   statement has to be recorded by who sends it; nothing here reads those tables.
//! - G12: users, row policies and quotas do not exist, and SQL can read files and open connections. Never pass on
//!   SQL that somebody else wrote.

mod access;
mod adapter;
mod connector;
mod control;
mod failure;
mod ffi;
mod frames;
pub mod library;
mod listen;
mod multipart;
mod open;
mod options;
mod output;
mod params;
mod pipe;
mod run;
mod sessions;
mod state;
mod statement;
mod tokens;
mod upload;

pub use access::Access;
pub use connector::Connector;
pub use open::{Engine, OpenError};
pub use options::Options;
