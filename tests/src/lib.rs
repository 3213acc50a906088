//! What scenarios are written with: a shop with real parts (the pixel's rules, the collector, the engine, the
//! jobs, the API) and a clock that the test moves. Nothing here writes to a table, reads the machine's clock or
//! waits for time to pass; every effect goes through the surfaces that browsers and Polar use.
//!
//! ```text
//! let shop = Shop::open().await;
//! let ada = shop.visitor();
//! ada.visit("/?utm_source=newsletter&utm_medium=email").await;
//! shop.after(days(3));
//! ada.arrives_from("https://www.google.com/", "/pricing").await;
//! let order = ada.buys(usd(49_00)).await;
//! assert_eq!(shop.channels("last_non_direct").await, rows([("Organic Search", 49_00)]));
//! shop.reconciles().await;
//! ```
#![forbid(unsafe_code)]

mod account;
mod app;
mod bank;
mod dice;
mod gate;
mod mailbox;
pub mod polar;
mod purchase;
mod receiver;
mod report;
mod shop;
mod stores;
mod tables;
mod visitor;

pub use account::Account;
pub use app::{Answer, TestApp};
pub use bank::Bank;
pub use dice::Dice;
pub use gate::Gate;
pub use mailbox::{Mail, Mailbox};
pub use polar::{Event, Key};
pub use purchase::{OpenCheckout, Order, PendingRefund, Purchase};
pub use receiver::{Manner, Received, Receiver};
pub use report::{Explanation, rows};
pub use shop::{ORIGIN, Shop};
pub use visitor::Visitor;

/// What a browser says of itself.
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Every model there is, by name, in stored order.
pub fn models() -> impl Iterator<Item = &'static str> {
    domain::attribution::MODELS.iter().map(|model| model.name())
}

/// Money in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub minor: i64,
    /// Lower case, as Polar writes it.
    pub currency: &'static str,
}

/// US cents.
pub fn usd(minor: i64) -> Price {
    Price { minor, currency: "usd" }
}

/// Euro cents.
pub fn eur(minor: i64) -> Price {
    Price { minor, currency: "eur" }
}

/// Yen, which have no smaller unit.
pub fn jpy(minor: i64) -> Price {
    Price { minor, currency: "jpy" }
}

/// Kuwaiti fils, a thousand to the dinar, for which the European Central Bank has no rate.
pub fn kwd(minor: i64) -> Price {
    Price { minor, currency: "kwd" }
}

/// A stretch of time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub i64);

pub fn millis(count: i64) -> Span {
    Span(count)
}

pub fn seconds(count: i64) -> Span {
    Span(count * 1000)
}

pub fn minutes(count: i64) -> Span {
    seconds(count * 60)
}

pub fn hours(count: i64) -> Span {
    minutes(count * 60)
}

pub fn days(count: i64) -> Span {
    hours(count * 24)
}
