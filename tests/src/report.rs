//! What a shop asks of the reports, in the few words that scenarios assert with.

use serde_json::Value;

use crate::Order;
use crate::shop::Shop;

/// Every day that scenarios touch.
const ALWAYS: &str = "from=2026-01-01&to=2028-12-31";

/// A channel's or source's net money, as scenarios write it down.
pub fn rows<const N: usize>(rows: [(&str, i64); N]) -> Vec<(String, i64)> {
    rows.map(|(name, minor)| (name.to_owned(), minor)).to_vec()
}

impl Shop {
    /// Net money of each channel that earned an order, the most first. For histories in one currency.
    pub async fn channels(&self, model: &str) -> Vec<(String, i64)> {
        self.earned("channel", model, "revenue.net").await
    }

    /// Net money of each source.
    pub async fn sources(&self, model: &str) -> Vec<(String, i64)> {
        self.earned("source", model, "revenue.net").await
    }

    /// One number (`revenue.renewal`, `visits`, …) of each value of a dimension that earned an order.
    pub async fn earned(&self, dimension: &str, model: &str, number: &str) -> Vec<(String, i64)> {
        let report = self.report(dimension, model).await;
        let rows = report["rows"].as_array().expect("a report has rows");
        let currencies = report["totals"].as_array().map_or(0, Vec::len);
        assert!(currencies < 2, "a history in several currencies is asked by `report`");
        rows.iter()
            .filter(|row| row["orders"] != 0)
            .map(|row| (text(&row[dimension]), at(row, number).as_i64().expect("a whole number")))
            .collect()
    }

    /// The channels report grouped by `dimension`, after everything has settled.
    pub async fn report(&self, dimension: &str, model: &str) -> Value {
        self.settle().await;
        self.ask(&format!("/v1/reports/channels?{ALWAYS}&group_by={dimension}&model={model}")).await
    }

    /// The story of an order.
    pub async fn explain(&self, order: &Order) -> Explanation {
        self.settle().await;
        Explanation(self.ask(&format!("{}/explain", order.path())).await)
    }

    /// Polar's ids of all orders, newest first.
    pub async fn order_ids(&self) -> Vec<String> {
        self.settle().await;
        let page = self.ask(&format!("/v1/orders?{ALWAYS}&limit=200")).await;
        let rows = page["rows"].as_array().expect("a page has rows");
        rows.iter().map(|row| text(&row["provider_order_id"])).collect()
    }

    /// Every proof there is: reports say that the credits are exactly what Polar was paid (by a model that gives
    /// all to one and one that divides; `verify` looks at every model), each order's stored credits are what its explanation says, `verify` finds nothing, and the tables add up.
    pub async fn reconciles(&self) {
        self.settle().await;
        for model in ["last_non_direct", "linear"] {
            let report = self.report("channel", model).await;
            // A currency in which nothing is left has no line.
            for line in report["reconciliation"].as_array().into_iter().flatten() {
                assert_eq!(line["difference"], 0, "{model}: {line}");
            }
        }
        // With tax and in the report currency as well.
        for view in ["currency=report", "basis=gross", "currency=report&basis=gross"] {
            let report = self.ask(&format!("/v1/reports/channels?{ALWAYS}&model=linear&{view}")).await;
            for line in report["reconciliation"].as_array().into_iter().flatten() {
                assert_eq!(line["difference"], 0, "{view}: {line}");
            }
        }
        for id in self.order_ids().await {
            let story = self.ask(&format!("/v1/orders/{id}/explain")).await;
            assert_eq!(story["stored_agrees"], true, "{id}: {}", story["disagreements"]);
        }
        assert_eq!(self.failing_checks().await, [""; 0]);
        self.sums_are_exact().await;
    }

    /// Names of the checks that `verify` finds failing.
    pub async fn failing_checks(&self) -> Vec<String> {
        self.settle().await;
        let verification = self.ask("/v1/verify").await;
        let checks = verification["checks"].as_array().expect("there are checks");
        assert!(checks.len() >= 11, "{verification}");
        checks.iter().filter(|check| check["passed"] != true).map(|check| text(&check["check"])).collect()
    }
}

/// Why an order's money went where it went.
pub struct Explanation(pub Value);

impl Explanation {
    /// Source and net credit of every touch that was looked at, oldest first.
    pub fn credits(&self, model: &str) -> Vec<(String, i64)> {
        let touches = self.0["touches"].as_array().expect("a story lists touches");
        touches
            .iter()
            .map(|touch| (text(&touch["source"]), touch["credits"][model].as_i64().unwrap_or(0)))
            .collect()
    }

    /// Source and standing (`eligible`, `after_anchor`, …) of every touch, oldest first.
    pub fn standings(&self) -> Vec<(String, String)> {
        let touches = self.0["touches"].as_array().expect("a story lists touches");
        touches.iter().map(|touch| (text(&touch["source"]), text(&touch["standing"]))).collect()
    }
}

fn at<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(row, |value, name| &value[name])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
