//! From a browser's hit to rows in ClickHouse. `pipeline.rs` decides, `inbox.rs` makes durable,
//! `flusher.rs` delivers. Nothing here knows orders or money.

pub mod collector;
mod encode;
pub mod flusher;
pub mod inbox;
pub mod limits;
pub mod networks;
pub mod outcome;
pub mod pipeline;
pub mod rows;
pub mod seen;
pub mod site;
