//! What an attacker, a careless proxy or a curious operator may try, each with its figure. `docs/security.md` is
//! the table of these files.

mod affiliates;
mod bodies;
mod doors;
mod erasure;
mod outbound;
mod pages;
mod portal;
mod sealed;
mod sources;
mod traces;
mod webhooks;
