//! Looking into the tables from beside: what two histories are compared by, and sums that do not pass through
//! the code under test. Reads only.

use std::collections::BTreeMap;

use crate::shop::Shop;
use crate::{TestApp, models};

/// Columns that tell when and how often something was computed, not what.
const RUN_COLUMNS: [&str; 4] = ["version", "updated_at", "received_at", "classified_at"];

impl Shop {
    /// Every order's state, a line of JSON each.
    pub async fn orders_table(&self) -> Vec<String> {
        self.settle().await;
        self.table("orders", "TRUE").await
    }

    /// Every credit that stands, a line of JSON each.
    pub async fn credits_table(&self) -> Vec<String> {
        self.settle().await;
        self.table("credits", "sign = 1").await
    }

    /// Every credit that stands, with the version of the run that posted it.
    pub async fn posted_credits(&self) -> Vec<String> {
        self.settle().await;
        let sql = format!(
            "SELECT order_id, entry_id, touch_id, version FROM credits FINAL WHERE workspace_id = '{}'",
            self.workspace()
        );
        let mut rows = lines(self.app(), &sql).await;
        rows.sort();
        rows
    }

    /// What was ever written for each order, by Polar's id: the version of its own row, and every row of its credits with
    /// the cancelled ones. Of an order nobody touched it stays the same, row for row.
    pub async fn written(&self) -> BTreeMap<String, Vec<String>> {
        self.settle().await;
        let workspace = self.workspace();
        let sql = format!(
            "SELECT sold.provider_order_id AS id, sold.version AS row, posted.* EXCEPT (workspace_id) \
             FROM (SELECT order_id, provider_order_id, version FROM orders FINAL WHERE workspace_id = '{workspace}') AS sold \
             LEFT JOIN (SELECT * FROM credits WHERE workspace_id = '{workspace}') AS posted USING (order_id)"
        );
        let mut written: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines(self.app(), &sql).await {
            let row: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
            written.entry(row["id"].as_str().unwrap_or_default().to_owned()).or_default().push(line);
        }
        written.values_mut().for_each(|rows| rows.sort());
        written
    }

    /// How many rows, merged or not, name a visitor (`vis_…`, unsigned): by its id, or in what a provider said.
    pub async fn rows_naming(&self, visitor: &str) -> u64 {
        self.settle().await;
        let id: domain::ids::VisitorId = visitor.parse().expect("a visitor id");
        let (id, mut found) = (format!("{:032x}", id.0), 0);
        let hyphens = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
        for (table, condition) in [
            ("hits", format!("visitor_id = '{hyphens}'")),
            ("touches", format!("visitor_id = '{hyphens}'")),
            ("bindings", format!("visitor_id = '{hyphens}'")),
            ("orders", format!("visitor_id = '{hyphens}' OR arrayExists(v -> v.1 = '{hyphens}', visitors)")),
            ("facts", format!("position(payload, '{visitor}') > 0")),
        ] {
            let sql = format!("SELECT count() FROM {table} WHERE {condition}");
            let rows: u64 =
                self.app().store.client().query_raw(&sql).fetch_one().await.expect("rows are counted");
            found += rows;
        }
        found
    }

    /// Rows of this shop in a table, merged, in a fixed order.
    async fn table(&self, table: &str, condition: &str) -> Vec<String> {
        let except = format!("SELECT * EXCEPT ({})", self.run_columns(table).await.join(", "));
        let workspace = self.workspace();
        let sql = format!("{except} FROM {table} FINAL WHERE workspace_id = '{workspace}' AND {condition}");
        let mut rows = lines(self.app(), &sql).await;
        rows.sort();
        rows
    }

    async fn run_columns(&self, table: &str) -> Vec<String> {
        let names = RUN_COLUMNS.map(|name| format!("'{name}'")).join(", ");
        let sql = format!(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{table}' \
             AND name IN ({names})"
        );
        self.app().store.client().query(&sql).fetch_all().await.expect("columns are listed")
    }

    /// Sums taken straight from the tables: under every model an order's credits add up to what was paid less
    /// what went back, its parts to one order, and no touch is below zero.
    pub async fn sums_are_exact(&self) {
        self.settle().await;
        let workspace = self.workspace();
        let of_model = |model| {
            format!(
                "SELECT '{model}' AS model, * FROM paid FULL JOIN \
                 (SELECT order_id, sum(earned) AS amount, sum(part) AS parts, min(earned) AS least \
                 FROM (SELECT order_id, touch_id, sum(sign * amount_{model}) AS earned, \
                 sum(sign * parts_{model}) AS part FROM credits WHERE workspace_id = '{workspace}' \
                 AND bitAnd(views, 1) != 0 GROUP BY order_id, touch_id) GROUP BY order_id) AS credited USING (order_id) \
                 WHERE paid.amount != credited.amount OR credited.parts != 1000000 OR credited.least < 0"
            )
        };
        let sql = format!(
            "WITH paid AS (SELECT order_id, net - arraySum(refund -> refund.3, refunds) AS amount \
             FROM orders FINAL WHERE workspace_id = '{workspace}' AND booked) {}",
            models().map(of_model).collect::<Vec<_>>().join(" UNION ALL ")
        );
        let wrong = lines(self.app(), &sql).await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

impl TestApp {
    /// Every row of every table as JSON, not merged: what somebody would read who copied the store.
    pub async fn tables_as_text(&self) -> String {
        let names = "SELECT name FROM system.tables WHERE database = currentDatabase()";
        let names: Vec<String> =
            self.store.client().query(names).fetch_all().await.expect("tables are listed");
        let mut text = String::new();
        for name in names {
            text += &lines(self, &format!("SELECT * FROM {name}")).await.join("\n");
        }
        text
    }

    /// How many rows a table holds, counting what arrived twice twice.
    pub async fn row_count(&self, table: &str) -> u64 {
        let sql = format!("SELECT count() FROM {table}");
        self.store.client().query(&sql).fetch_one().await.expect("rows are counted")
    }
}

async fn lines(app: &TestApp, sql: &str) -> Vec<String> {
    let mut answer =
        app.store.client().query_raw(sql).fetch_bytes("JSONEachRow").expect("a question is asked");
    let bytes = answer.collect().await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.lines().map(str::to_owned).collect()
}
