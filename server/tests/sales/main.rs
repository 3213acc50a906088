//! From a provider's webhook to credits, over the real surface, inbox and engine. One engine for the process, a
//! database per test. Touches and identify bindings are written as the collector's flusher writes them.

mod journeys;
mod proofs;
mod repeats;
mod support;
mod webhooks;
