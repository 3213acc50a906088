//! The HTTP edge: `router.rs` shows the whole surface; a file per noun.

pub mod attribution;
pub mod auth;
pub mod body;
pub mod codes;
pub mod collect;
pub mod connections;
pub mod dead_letters;
pub mod handover;
pub mod health;
pub mod import;
pub mod jobs;
pub mod keys;
pub mod metrics;
pub mod openapi;
pub mod orders;
pub mod people;
pub mod pixel_files;
pub mod problem;
pub mod proxies;
pub mod reconciliation;
pub mod reports;
pub mod router;
pub mod serve;
mod shield;
pub mod statements;
mod timed;
pub mod webhooks;
