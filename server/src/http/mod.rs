//! The HTTP edge: `router.rs` shows the whole surface; a file per noun.

pub mod auth;
pub mod health;
pub mod problem;
pub mod router;
