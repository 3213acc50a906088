//! Identity: which visitors are one person, and since when.

mod email;

pub use email::{EmailHasher, EmailKey, EmailKeyError, HashedEmail, is_role_address};
