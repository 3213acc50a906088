//! The HTTP edge: `router.rs` shows the whole surface; a file per noun.

pub mod auth;
pub mod health;
pub mod keys;
pub mod openapi;
pub mod orders;
pub mod problem;
pub mod reports;
pub mod router;
