//! From a browser's request to rows in ClickHouse, over the real router, inbox and engine.

mod bad_days;
mod collect;
mod connections;
mod flush;
mod pixel;
mod support;
