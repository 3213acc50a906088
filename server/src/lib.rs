//! Tributary's server: collector, billing, jobs, reports, dashboard and command line in one program.
//! Start reading at `http/router.rs` (the whole surface) or `cli/mod.rs` (every command).
#![forbid(unsafe_code)]

// Hits are made on one thread and let go of on another; the system's allocator locks and wakes for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod affiliate;
pub mod app;
pub mod billing;
pub mod cli;
pub mod config;
pub mod control;
pub mod dashboard;
pub mod effects;
pub mod endpoints;
pub mod events;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod mail;
pub mod metrics;
pub mod migrations;
pub mod outbound;
pub mod paypal;
pub mod person_keys;
pub mod portal;
pub mod report;
pub mod secrets;
pub mod statements;
pub mod store;
