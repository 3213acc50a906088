//! The stand-in over HTTP, with a receiver that keeps what it was sent. No test sleeps: `idle` waits.

mod api;
mod delivery;
mod history;
mod lifecycle;
mod scenes;
mod support;
