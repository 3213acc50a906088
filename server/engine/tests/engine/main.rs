//! The engine behind its protocol, in one process: the official client, the traps, a TCP listener.

mod client;
mod listen;
mod support;
mod traps;
