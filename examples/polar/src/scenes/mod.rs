//! What happens at Polar, and which events each happening sends, in Polar's order.
//!
//! A scene is one happening: it runs under the lock, moves its own time a little with every step so that
//! `modified_at` rises, changes the objects and writes the events. It never sends; the sender does.

pub mod checkout;
pub mod customer;
pub mod dispute;
pub mod plan;
mod record;
pub mod refund;
pub mod subscription;

use std::collections::VecDeque;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::Time;
use crate::render;
use crate::state::State;
use crate::webhook::{Event, Outcome};

/// How far a scene's time moves with each step: long enough to order, too short to lie about "now".
const STEP_US: i64 = 1_037;

/// Why a happening cannot happen.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No object has this id.
    NotFound,
    /// It exists, but not in a state that allows this; the text says why.
    NotNow(&'static str),
}

/// One happening.
pub struct Scene<'a> {
    pub state: &'a mut State,
    at: Time,
    lane: u64,
    only: Option<&'a [String]>,
}

impl<'a> Scene<'a> {
    /// Something that happens now.
    pub fn now(state: &'a mut State) -> Scene<'a> {
        let at = state.now();
        Scene { state, at, lane: 0, only: None }
    }

    /// Something that happened at `at`; its events go through `lane`, and only those of the types in `only`.
    pub fn past(state: &'a mut State, at: Time, lane: u64, only: Option<&'a [String]>) -> Scene<'a> {
        Scene { state, at, lane, only }
    }

    /// Moves the scene's time on and returns it.
    pub fn tick(&mut self) -> Time {
        self.at.0 += STEP_US;
        self.at
    }

    /// Moves the scene's time to `at`.
    pub fn set_time(&mut self, at: Time) {
        self.at = at;
    }

    /// The scene's time.
    #[must_use]
    pub fn time(&self) -> Time {
        self.at
    }

    /// Whether anybody gets events of this type: what nobody reads need not be written.
    fn is_wanted(&self, kind: &str) -> bool {
        self.only.is_none_or(|only| only.iter().any(|wanted| wanted == kind))
            && self
                .state
                .endpoints
                .iter()
                .any(|it| it.enabled && it.events.iter().any(|wanted| wanted == kind))
    }

    /// Writes the event for every endpoint that asked for its type.
    pub fn emit(&mut self, kind: &str, data: &Value) {
        let created_at = self.tick();
        if !self.is_wanted(kind) {
            return;
        }
        let state = &mut *self.state;
        for endpoint in &state.endpoints {
            if !endpoint.enabled || !endpoint.events.iter().any(|wanted| wanted == kind) {
                continue;
            }
            let body = json!({
                "type": kind, "timestamp": created_at, "api_version": endpoint.api_version, "data": data,
            });
            let waiting: &mut VecDeque<usize> =
                state.outbox.lanes.entry((endpoint.id, self.lane)).or_default();
            waiting.push_back(state.events.len());
            state.outbox.open += 1;
            state.events.push(Event {
                id: state.ids.uuid(),
                endpoint_id: endpoint.id,
                kind: kind.to_owned(),
                created_at,
                api_version: endpoint.api_version.clone(),
                body: body.to_string(),
                attempts: Vec::new(),
                outcome: Outcome::Pending,
            });
        }
    }

    pub fn emit_order(&mut self, kind: &str, id: Uuid) {
        if !self.is_wanted(kind) {
            self.tick();
            return;
        }
        if let Some(order) = self.state.orders.get(id) {
            let data = render::order(self.state, order);
            self.emit(kind, &data);
        }
    }

    pub fn emit_subscription(&mut self, kind: &str, id: Uuid) {
        if !self.is_wanted(kind) {
            self.tick();
            return;
        }
        if let Some(subscription) = self.state.subscriptions.get(id) {
            let data = render::subscription(self.state, subscription);
            self.emit(kind, &data);
        }
    }

    pub fn emit_checkout(&mut self, kind: &str, id: Uuid) {
        if !self.is_wanted(kind) {
            self.tick();
            return;
        }
        if let Some(checkout) = self.state.checkouts.get(id) {
            let data = render::checkout(self.state, checkout);
            self.emit(kind, &data);
        }
    }

    pub fn emit_refund(&mut self, kind: &str, id: Uuid) {
        if !self.is_wanted(kind) {
            self.tick();
            return;
        }
        if let Some(refund) = self.state.refunds.get(id) {
            let data = render::refund(self.state, refund);
            self.emit(kind, &data);
        }
    }

    pub fn emit_customer(&mut self, kind: &str, id: Uuid) {
        if !self.is_wanted(kind) {
            self.tick();
            return;
        }
        let data = render::customer(self.state.customer(id));
        self.emit(kind, &data);
    }

    pub fn emit_customer_state(&mut self, id: Uuid) {
        if !self.is_wanted("customer.state_changed") {
            self.tick();
            return;
        }
        let data = render::customer_state(self.state, self.state.customer(id));
        self.emit("customer.state_changed", &data);
    }
}
