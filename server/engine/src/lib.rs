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
mod state;
mod statement;
mod upload;

pub use access::Access;
pub use connector::Connector;
pub use open::{Engine, OpenError};
pub use options::Options;
