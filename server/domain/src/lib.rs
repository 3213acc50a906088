//! The rules of Tributary, as functions from values to values: what a visit is, what an order is, who a
//! person is, and which touch earned which cent.
//!
//! Nothing here reads a clock, a file, the network or a source of chance, and nothing here is async: `now`
//! comes in as an argument, randomness as bytes. That is what lets the server, the tests and the explanation
//! shown to a merchant run the very same code.
//!
//! Where to start: [`attribution::credits`] turns a journey into exact credits, [`order::fold_order`] turns a
//! provider's versions into one order, [`identity::resolve`] turns bindings into persons.
#![forbid(unsafe_code)]

pub mod affiliate;
pub mod attribution;
pub mod books;
pub mod cookie_life;
pub mod erasure;
pub mod identity;
pub mod ids;
pub mod journey;
pub mod match_watch;
pub mod matching;
pub mod money;
pub mod order;
pub mod report;
pub mod retry;
pub mod visit;
pub mod visitor_token;
