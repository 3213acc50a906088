//! The real program on a real disk: killed, stopped, without room, with a disk that lies, and without power.

mod disk;
mod import;
mod kill;
mod paypal;
mod power;
mod program;
mod stop;
mod trace;
