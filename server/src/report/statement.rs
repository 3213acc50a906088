//! One SQL file made ready: placeholders filled from closed lists, values bound as parameters.
//! Text from a request never becomes part of a statement. The placeholders are documented in
//! `sql/clickhouse/reports/README.md`.

use clickhouse::query::Query as Prepared;
use domain::attribution::MODELS;
use domain::money::MoneyView;
use domain::order::Basis;
use domain::report::{DateView, Dimension, Filter, Period, Query};

use crate::store::Store;

/// A value bound to a parameter.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Number(i64),
    Texts(Vec<String>),
    Numbers(Vec<i64>),
}

/// SQL with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    sql: String,
    values: Vec<(String, Value)>,
}

impl Statement {
    /// Fills `template` for a question over `period`.
    pub fn new(template: &str, workspace_id: &str, query: &Query, period: &Period) -> Statement {
        let mut statement = Statement::plain(template, workspace_id);
        let (of_order, of_touch): (Vec<&Filter>, Vec<&Filter>) =
            query.filters.iter().partition(|filter| filter.dimension.is_of_order());
        let touch_filters = match statement.conditions(&of_touch, "touch") {
            conditions if conditions.is_empty() => String::new(),
            conditions => format!(
                "AND facet_id IN (SELECT facet_id FROM facets WHERE workspace_id = {{workspace:String}}{conditions})"
            ),
        };
        let mut order_filters = statement.conditions(&of_order, "order");
        if let Some(currency) = query.currency {
            order_filters.push_str(" AND currency = {currency:String}");
            statement.text("currency", currency.code());
        }
        let columns: String = DIMENSIONS_OF_ORDERS
            .iter()
            .filter(|dimension| query.group_by.contains(dimension))
            .map(|dimension| format!(", {}", dimension.column()))
            .collect();
        let each = |column: &str| -> String {
            let sums = MODELS.iter().map(|model| format!("toInt64(sign * {column}_{})", model.name()));
            sums.collect::<Vec<_>>().join(", ")
        };
        let at = match query.date {
            DateView::Cash => "booked_at",
            DateView::Order => "order_at",
            DateView::Touch => "touch_at",
        };
        let seen = SeenMoney::of(query);
        statement.fill("view", &format!("AND bitAnd(views, {}) != 0", seen.view));
        statement.fill("order_currency", seen.currency);
        statement.fill("order_amount", seen.amount);
        statement.fill("order_refunds", seen.refunds);
        statement.fill("model", MODELS[query.model].name());
        statement.fill("at", at);
        statement.fill("order_columns", &columns);
        statement.fill("values", &values(query));
        statement.fill("touch_filters", &touch_filters);
        statement.fill("order_filters", &order_filters);
        statement.fill("amounts", &each("amount"));
        statement.fill("parts", &each("parts"));
        statement.number("from_ms", period.start_ms()).number("to_ms", period.end_ms());
        statement
    }

    /// A statement without a question: only the workspace is bound.
    pub fn plain(template: &str, workspace_id: &str) -> Statement {
        let mut statement = Statement { sql: template.to_owned(), values: Vec::new() };
        statement.text("workspace", workspace_id);
        statement
    }

    /// Replaces `/*name*/` by SQL of ours.
    pub fn fill(&mut self, name: &str, sql: &str) -> &mut Self {
        self.sql = self.sql.replace(&format!("/*{name}*/"), sql);
        self
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.value(name, Value::Text(value.to_owned()))
    }

    pub fn number(&mut self, name: &str, value: i64) -> &mut Self {
        self.value(name, Value::Number(value))
    }

    pub fn texts(&mut self, name: &str, values: Vec<String>) -> &mut Self {
        self.value(name, Value::Texts(values))
    }

    pub fn numbers(&mut self, name: &str, values: Vec<i64>) -> &mut Self {
        self.value(name, Value::Numbers(values))
    }

    /// The text, for a part of another statement that binds the same values.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Ready to be fetched from `store`.
    pub fn on(&self, store: &Store) -> Prepared {
        self.values.iter().fold(store.client().query_raw(&self.sql), |prepared, (name, value)| match value {
            Value::Text(text) => prepared.param(name, text),
            Value::Number(number) => prepared.param(name, number),
            Value::Texts(texts) => prepared.param(name, texts),
            Value::Numbers(numbers) => prepared.param(name, numbers),
        })
    }

    fn value(&mut self, name: &str, value: Value) -> &mut Self {
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), value));
        self
    }

    /// ` AND column IN {…}` for each filter, its values bound.
    fn conditions(&mut self, filters: &[&Filter], side: &str) -> String {
        let mut conditions = String::new();
        for (at, filter) in filters.iter().enumerate() {
            let (column, not) = (filter.dimension.column(), if filter.negated { "NOT " } else { "" });
            let name = format!("{side}_{at}");
            conditions.push_str(&format!(" AND {column} {not}IN {{{name}:Array(String)}}"));
            self.texts(&name, filter.values.clone());
        }
        conditions
    }
}

/// Where the money that is asked for stands: its bit in `credits.views`, and SQL for `orders`.
struct SeenMoney {
    view: u8,
    currency: &'static str,
    amount: &'static str,
    /// A list of (time, amount).
    refunds: &'static str,
}

impl SeenMoney {
    fn of(query: &Query) -> SeenMoney {
        match (query.money, query.basis) {
            (MoneyView::Native, Basis::Net) => SeenMoney {
                view: 1,
                currency: "currency",
                amount: "net",
                refunds: "arrayMap(refund -> (refund.2, refund.3), refunds)",
            },
            (MoneyView::Native, Basis::Gross) => SeenMoney {
                view: 2,
                currency: "currency",
                amount: "(net + tax)",
                refunds: "arrayMap(refund -> (refund.2, refund.3 + refund.4), refunds)",
            },
            (MoneyView::Report, Basis::Net) => SeenMoney {
                view: 4,
                currency: "report_currency",
                amount: "report_net",
                refunds: "arrayMap((refund, seen) -> (refund.2, seen.1), refunds, report_refunds)",
            },
            (MoneyView::Report, Basis::Gross) => SeenMoney {
                view: 8,
                currency: "report_currency",
                amount: "report_gross",
                refunds: "arrayMap((refund, seen) -> (refund.2, seen.2), refunds, report_refunds)",
            },
        }
    }
}

const DIMENSIONS_OF_ORDERS: [Dimension; 3] = [Dimension::Product, Dimension::Provider, Dimension::Connection];

/// The values a question groups by, as SQL: an array of texts, in a query that joins facets.
pub(super) fn values(query: &Query) -> String {
    let texts = query.group_by.iter().map(|dimension| format!("toString({})", place(*dimension)));
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

/// Where a dimension's column stands in a query that joins facets.
fn place(dimension: Dimension) -> String {
    match dimension.is_of_order() {
        true => dimension.column().to_owned(),
        false => format!("facet.{}", dimension.column()),
    }
}

#[cfg(test)]
mod tests {
    use domain::report::Defaults;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn values_from_a_request_are_bound_and_never_part_of_the_statement() {
        let evil = "x') OR 1=1 --";
        let group_by = vec![Dimension::Channel];
        let defaults = Defaults { zone: TimeZone::UTC, now_ms: 0, group_by, basis: Basis::Net };
        let pairs = [
            ("filter[source]", evil),
            ("filter[product][not]", evil),
            ("currency", "USD"),
            ("model", "linear"),
        ];
        let query = Query::parse(pairs, &defaults).unwrap();
        let template = "SELECT amount_/*model*/, /*values*/ WHERE 1 /*touch_filters*/ /*order_filters*/";
        let statement = Statement::new(template, "ws_x", &query, &query.period);
        assert_eq!(
            statement.sql,
            "SELECT amount_linear, [toString(facet.channel)] WHERE 1 AND facet_id IN (SELECT facet_id FROM facets \
             WHERE workspace_id = {workspace:String} AND source IN {touch_0:Array(String)})  AND product_id NOT IN \
             {order_0:Array(String)} AND currency = {currency:String}"
        );
        assert!(statement.values.contains(&("touch_0".to_owned(), Value::Texts(vec![evil.to_owned()]))));
    }
}
