//! Orders: from what providers tell, in versions and in any order, to one state of each object.
//!
//! A provider's normaliser turns every delivery and every polled object into [`Fact`]s, which are appended and
//! never changed. The state of an object is a *fold* of all its facts: a pure function that does not depend on
//! the order of the facts and does not mind duplicates. Nothing here knows any provider's field names.

mod checkout;
mod customer;
mod dispute;
mod excess;
mod fact;
mod fold;
mod newest;
mod payment;
mod refund;
mod reported;
mod root;
mod subscription;

pub use checkout::{CheckoutFact, CheckoutState, CheckoutStatus, fold_checkout};
pub use customer::{CustomerFact, CustomerState, fold_customer};
pub use dispute::{DISPUTE_REASON, DisputeFact, DisputeStatus};
pub use fact::{
    Amounts, Fact, Head, Metadata, OrderFact, OrderKind, OrderStatus, POLL, RefundFact, RefundStatus,
};
pub use fold::{Basis, Booking, OrderState, fold_order};
pub use newest::newest;
pub use payment::PaymentFact;
pub use refund::RefundEntry;
pub use reported::{Reported, reported};
pub use root::{Member, anchor_ms, inherits, kinds_of, root_of};
pub use subscription::{
    Interval, SubscriptionFact, SubscriptionState, SubscriptionStatus, fold_subscription,
};
