//! The real program on a real disk: killed, stopped, without room, and with a disk that lies.

mod disk;
mod kill;
mod program;
mod stop;
