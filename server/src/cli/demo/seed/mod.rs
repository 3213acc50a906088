//! Sends the planned history: visits through the import API, sales through the Polar stand-in, whose
//! webhooks reach the server as Polar's would. Ends with the report's own reconciliation.

mod partners;
mod sales;
mod visits;

use anyhow::{Context, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::ToSpan;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::plan::{Plan, Size};
use crate::config::Config;
use crate::effects::Clock;

/// How much history, and where to.
#[derive(clap::Args)]
pub struct Seed {
    /// The same seed makes the same history.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(7..=365))]
    days: u32,
    #[arg(long, default_value_t = 50_000)]
    visits: u32,
    #[arg(long, default_value_t = 2_000)]
    customers: u32,
    /// Address of the Polar stand-in.
    #[arg(long, default_value = "http://127.0.0.1:4602")]
    polar: String,
}

/// Where the history goes.
struct Target {
    http: reqwest::Client,
    server: String,
    polar: String,
    key: SecretString,
}

impl Seed {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let key_file = super::key_file(&config);
        let key = std::fs::read_to_string(&key_file).with_context(|| {
            format!("{} is missing; run `tributary demo prepare` first", key_file.display())
        })?;
        let target = Target {
            http: reqwest::Client::builder().timeout(std::time::Duration::from_secs(120)).build()?,
            server: format!("http://{}", config.http.listen),
            polar: self.polar,
            key: SecretString::from(key.trim().to_owned()),
        };
        let size = Size {
            seed: self.seed,
            days: self.days,
            visits: self.visits,
            customers: self.customers,
            end_ms: Clock::system().now_ms(),
        };
        let plan = Plan::make(size);
        visits::send(&target, &plan).await?;
        sales::send(&target, &plan).await?;
        partners::click(&target).await?;
        target.settled(&plan, size).await?;
        partners::pay(&target).await
    }
}

impl Target {
    /// Waits until every sale is attributed, then shows that nothing is missing.
    async fn settled(&self, plan: &Plan, size: Size) -> anyhow::Result<()> {
        let bar = bar("attributing", 0);
        let verified = loop {
            let verified = self.get("/v1/verify").await?;
            let checks = verified["checks"].as_array().context("/v1/verify has no checks")?;
            let folded = checks.iter().find(|check| check["check"] == "folded");
            let folded = folded.context("/v1/verify does not say what waits")?;
            if folded["passed"] == Value::Bool(true) {
                break verified;
            }
            bar.set_message(format!("{} waiting", folded["failures"]));
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        };
        bar.finish_and_clear();
        ensure!(verified["passed"] == Value::Bool(true), "verify found violations; see `tributary verify`");
        // A day more at both ends: the workspace's days are not those of UTC.
        let end = jiff::Timestamp::from_millisecond(size.end_ms)?.to_zoned(jiff::tz::TimeZone::UTC).date();
        let (from, to) = (end.saturating_sub((i64::from(size.days) + 1).days()), end.saturating_add(1.day()));
        let report = self.get(&format!("/v1/reports/channels?from={from}&to={to}")).await?;
        let lines = report["reconciliation"].as_array().context("the report has no reconciliation")?;
        for line in lines {
            ensure!(line["difference"] == 0, "credits and orders differ: {line}");
        }
        println!(
            "{} visits and {} customers sent; every cent is accounted for",
            plan.visits.len(),
            plan.purchases.len()
        );
        Ok(())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.server)).bearer_auth(self.key.expose_secret());
        answer(request).await
    }
}

/// Sends a request; anything but success is an error with what the other side said.
async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.context("is everything started? `make run` starts it")?;
    let (status, path) = (response.status(), response.url().path().to_owned());
    let body = response.text().await?;
    if !status.is_success() {
        bail!("{path} answered {status}: {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("{path} did not answer JSON"))
}

/// A progress bar on a terminal; plain lines elsewhere are indicatif's to leave out.
fn bar(what: &'static str, length: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix:12} {bar:32} {pos}/{len} {msg}").expect("a fixed template");
    ProgressBar::new(length).with_style(style).with_prefix(what)
}
