//! What Polar's lists say of money: few fields, read apart from the facts.

use domain::money::Currency;
use serde_json::Value;

use super::transform::order_status;
use super::wire::{Minor, Time};
use crate::billing::books::Said;
use crate::billing::{NormaliseError, ObjectKind};
use serde::Deserialize;

/// What an object says; `None` when it moved no money and never will by itself.
pub(super) fn said(kind: ObjectKind, object: &Value) -> Result<Option<Said>, NormaliseError> {
    let field = |name: &'static str| Field { kind, name, value: &object[name] };
    let changed = || field("modified_at").time().or_else(|_| field("created_at").time());
    match kind {
        ObjectKind::Order => {
            let word = object["status"].as_str().unwrap_or_default();
            let status = order_status(word, object["paid"].as_bool());
            let paid = object["paid"]
                .as_bool()
                .unwrap_or(matches!(word, "paid" | "refunded" | "partially_refunded"));
            Ok(Some(Said::Order {
                id: field("id").text()?,
                created_ms: field("created_at").time()?,
                changed_ms: changed()?,
                status: status.name(),
                paid,
                currency: field("currency").currency()?,
                net_minor: field("net_amount").minor()?,
                refunded_minor: field("refunded_amount").minor().unwrap_or(0),
            }))
        }
        ObjectKind::Refund if object["status"] == "succeeded" => Ok(Some(Said::Refund {
            order_id: field("order_id").text()?,
            at_ms: field("created_at").time()?,
            amount_minor: field("amount").minor()?,
        })),
        ObjectKind::Dispute if object["status"] == "lost" => Ok(Some(Said::Dispute {
            order_id: field("order_id").text()?,
            at_ms: changed()?,
            amount_minor: field("amount").minor()?,
        })),
        _ => Ok(None),
    }
}

struct Field<'a> {
    kind: ObjectKind,
    name: &'static str,
    value: &'a Value,
}

impl Field<'_> {
    fn bad(&self) -> NormaliseError {
        NormaliseError::Shape {
            event_type: format!("poll.{}", self.kind.name()),
            why: format!("{} does not read", self.name),
        }
    }

    fn text(&self) -> Result<String, NormaliseError> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.bad())
    }

    fn time(&self) -> Result<i64, NormaliseError> {
        Time::deserialize(self.value).map(|at| at.0).map_err(|_| self.bad())
    }

    fn minor(&self) -> Result<i64, NormaliseError> {
        Minor::deserialize(self.value).map(|minor| minor.0).map_err(|_| self.bad())
    }

    fn currency(&self) -> Result<Currency, NormaliseError> {
        self.value.as_str().and_then(|code| code.parse().ok()).ok_or_else(|| self.bad())
    }
}
