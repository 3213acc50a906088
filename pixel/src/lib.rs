//! The pixel: what runs in the visitor's browser and reports pages, events and people to the collector.
//!
//! Reading order: [`pixel`] is the whole behaviour as a function from calls to effects; each rule it uses has
//! a file of its own. `browser` (only on wasm) is the one function through which `loader/loader.js` calls it,
//! `page` what it keeps in the browser through web-sys: cookie and storage. The loader hooks into the page, gathers
//! what a call needs, and sends.
//!
//! Everything a visitor downloads is counted in bytes: no std on wasm, no `core::fmt`, no serde, no url crate.
//! It never blocks the page, and nothing is stored, sent or minted without consent.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(not(target_arch = "wasm32"))]
extern crate alloc;

pub mod address;
pub mod checkout;
pub mod config;
pub mod consent;
#[cfg(not(target_arch = "wasm32"))]
pub mod draft;
pub mod pixel;
pub mod session;
pub mod spa;
pub mod text;
pub mod touch;
pub mod visitor;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod heap;
#[cfg(target_arch = "wasm32")]
mod page;
