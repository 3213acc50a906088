//! `tributary orders`: the orders of a period, newest first, page by page.

use anyhow::Context;
use serde_json::Value;

use super::client::{Of, Source};
use super::money::shown;
use super::selection::Selection;
use crate::config::Config;
use crate::report::Reports;

/// List orders, newest first; `tributary explain` tells one of them.
#[derive(clap::Args)]
pub struct Orders {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    selection: Selection,
    /// A code like USD: only orders in that currency.
    #[arg(long)]
    currency: Option<String>,
    /// Orders on a page.
    #[arg(long)]
    limit: Option<String>,
    /// What the page before ended with.
    #[arg(long)]
    after: Option<String>,
    /// Print what the API answers.
    #[arg(long)]
    json: bool,
}

impl Orders {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let pairs = self.pairs()?;
        let page = match Source::find(config, &self.of).await? {
            Source::Server(client) => client.ask("/v1/orders", &pairs).await?,
            Source::Stores(app, workspace) => {
                let reports = Reports::of(&app, &workspace);
                let given = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                let page = match reports.parse_orders(given) {
                    Ok(query) => reports.orders(&query).await,
                    Err(error) => Err(error),
                };
                app.close().await;
                serde_json::to_string(&page?)?
            }
        };
        match self.json {
            true => println!("{page}"),
            false => print!("{}", told(&serde_json::from_str(&page).context("the answer does not read")?)),
        }
        Ok(())
    }

    /// The question as the API takes it.
    fn pairs(&self) -> anyhow::Result<Vec<(String, String)>> {
        self.selection.pairs(&[("currency", &self.currency), ("limit", &self.limit), ("after", &self.after)])
    }
}

/// A line an order: when, its id, what it is, what it came to and how its buyer was matched.
fn told(page: &Value) -> String {
    let mut text = String::new();
    let word = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    for row in page["rows"].as_array().map_or(&[][..], Vec::as_slice) {
        let at = row["at_ms"].as_i64().and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok());
        let amount = |field: &str| shown(row[field].as_i64().unwrap_or(0), &word(row, "currency"));
        let refunded = match row["refunded"].as_i64() {
            None | Some(0) => String::new(),
            Some(_) => format!(", {} refunded", amount("refunded")),
        };
        let method = match word(row, "match_method").as_str() {
            "" | "none" => "not matched".to_owned(),
            method => method.to_owned(),
        };
        text.push_str(&format!(
            "{}\t{}\t{}\t{}\t{}{refunded}\t{method}\n",
            at.map_or_else(String::new, |at| at.to_string()),
            word(row, "id"),
            word(row, "status"),
            word(row, "kind"),
            amount("net"),
        ));
    }
    if let Some(after) = page["after"].as_str() {
        text.push_str(&format!("more: --after {after}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_a_line_and_the_next_page_is_named() {
        let row = json!({ "id": "ord_1", "at_ms": 1_790_845_200_000_i64, "status": "paid", "kind": "renewal",
            "currency": "USD", "net": 4900, "refunded": 100, "match_method": "metadata" });
        let page = json!({ "rows": [row], "after": "xyz" });
        assert_eq!(
            told(&page),
            "2026-10-01T09:00:00Z\tord_1\tpaid\trenewal\t49.00 USD, 1.00 USD refunded\tmetadata\nmore: --after xyz\n"
        );
    }
}
