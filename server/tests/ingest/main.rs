//! From a browser's request to rows in ClickHouse, over the real router, inbox and engine.

mod bad_days;
mod clock;
mod collect;
mod connections;
mod fault_proxy;
mod flush;
mod pixel;
mod store_faults;
mod support;
