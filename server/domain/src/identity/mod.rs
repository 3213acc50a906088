//! Identity: which visitors are one person, and since when.
//!
//! Somebody says who a visitor is (a sign-up, an order, an e-mail typed into a form): that is a [`Binding`].
//! [`resolve`] joins all bindings of a workspace into [`Persons`]. It computes from the whole set each time, so
//! the order in which bindings became known changes nothing. It knows no address: e-mails are keyed hashes.

mod binding;
mod disposable;
mod email;
mod keys;
mod persons;
mod resolve;
mod rules;

pub use binding::{Binding, BindingSource, Buyer, PersonKey, PersonKeyError, Strength};
pub use email::{EmailHasher, EmailKey, EmailKeyError, HashedEmail, is_role_address};
pub use persons::{EmailMatch, Person, Persons, Segment};
pub use resolve::{Conflict, Limits, resolve};
pub use rules::{BindingKind, BindingRules, BindingRulesError, ROLE_VISITORS_MAX};
