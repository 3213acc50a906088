//! Whole histories through the public surfaces: hits, webhooks, questions. A file per theme; each scenario says
//! in its name what must hold. Sums are asserted to the cent.

mod accounts;
mod affiliate_imports;
mod affiliate_pages;
mod affiliates;
mod api;
mod bad_days;
mod bindings;
mod click;
mod collector_headers;
mod collector_limits;
mod collector_signals;
mod commissions;
mod currencies;
mod customers;
mod deliveries;
mod endpoint_secrets;
mod events;
mod flag_limits;
mod flags;
mod handover;
mod identity;
mod late;
mod match_watch;
mod matching;
mod models;
mod odd_lists;
mod outages;
mod overlap;
mod partner_mail;
mod partner_statements;
mod payments;
mod payouts;
mod paypal;
mod polling;
mod portal;
mod preview;
mod reattribution;
mod recompute;
mod reconciliation;
mod refunds;
mod security;
mod simulate;
mod statements;
mod subscriptions;
mod terms;
mod windows;
mod year;

/// A link in the shop's newsletter.
const NEWSLETTER: &str = "/?utm_source=newsletter&utm_medium=email";
/// A search engine, as browsers name it.
const SEARCH: &str = "https://www.google.com/";
