//! From a browser's hit to rows in ClickHouse. `pipeline.rs` decides, `inbox.rs` makes durable,
//! `flusher.rs` delivers. Nothing here knows orders or money.

pub mod inbox;
pub mod outcome;
pub mod rows;
