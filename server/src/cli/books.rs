//! `tributary reconcile --provider`: our books against the provider's own lists, per day and currency, and the orders
//! that differ with the reason. Exit code 1 when somebody has to look.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::client::{Errand, Of, Server};
use super::money::shown;
use crate::app::App;
use crate::config::Config;
use crate::http::reconciliation::{
    Asked, ComparisonDocument, DifferenceDocument, LineDocument, ReconciliationDocument, SideDocument,
    document, start,
};
use crate::jobs::poll::books;

const LOOK_INTERVAL: Duration = Duration::from_millis(500);
const PATH: &str = "/v1/reconciliation";

/// What is compared, if anything.
#[derive(clap::Args)]
pub struct Books {
    #[command(flatten)]
    of: Of,
    /// Compare with the provider's own lists.
    #[arg(long)]
    provider: bool,
    /// First day, such as 2026-10-01; five weeks back when left out.
    #[arg(long, requires = "provider", value_name = "DAY")]
    since: Option<String>,
    /// Last day; today when left out.
    #[arg(long, requires = "provider", value_name = "DAY")]
    until: Option<String>,
    /// order: on the day of the order, as the provider's dashboard counts; cash: on the days money moved.
    #[arg(long, requires = "provider", default_value = "order")]
    date: String,
    /// Only this connection, con_….
    #[arg(long, requires = "provider")]
    connection: Option<String>,
    /// Print what the API answers.
    #[arg(long, requires = "provider")]
    json: bool,
}

impl Books {
    /// Nothing without --provider.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if !self.provider {
            return Ok(());
        }
        let found = match Server::find(&config).await? {
            Some(server) => {
                let client = server.client(&self.of, Errand::Work).await?;
                let mut found: ReconciliationDocument = client.post_with(PATH, &self.pairs()).await?;
                let days = self.days_of(&found);
                while is_open(&found) {
                    progress(&found);
                    tokio::time::sleep(LOOK_INTERVAL).await;
                    found = client.read(PATH, &days).await?;
                }
                found
            }
            None => self.by_ourselves(super::open(config).await?).await?,
        };
        match self.json {
            true => println!("{}", serde_json::to_string(&found)?),
            false => print!("{}", told(&found)),
        }
        let failed = found.connections.iter().filter(|row| row.state == "failed").count();
        ensure!(failed == 0, "{failed} comparisons were given up; each says why");
        let wrong: u64 = found.connections.iter().filter_map(|row| row.wrong).sum();
        ensure!(wrong == 0, "{wrong} orders differ from what the provider lists");
        Ok(())
    }

    async fn by_ourselves(&self, app: App) -> anyhow::Result<ReconciliationDocument> {
        let workspaces = app.directory().workspaces.clone();
        let wanted = |id: &str| self.of.workspace.as_deref().is_none_or(|wanted| wanted == id);
        let mut meant = workspaces.values().filter(|workspace| wanted(&workspace.id));
        let workspace = meant.next().context("there is no such workspace")?;
        ensure!(meant.next().is_none(), "several workspaces: say which with --workspace");
        let asked = Asked {
            from: self.since.clone(),
            to: self.until.clone(),
            date: Some(self.date.clone()),
            connection: self.connection.clone(),
        };
        let refused = |problem: crate::http::problem::Problem| anyhow::anyhow!(problem.detail);
        let question = start(&app, workspace, &asked).await.map_err(refused)?;
        loop {
            let more = books::step(&app).await?;
            let found = document(&app, workspace, &asked, Some(&question)).await.map_err(refused)?;
            if !is_open(&found) {
                app.close().await;
                return Ok(found);
            }
            progress(&found);
            if !more {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }

    fn pairs(&self) -> Vec<(String, String)> {
        let given = [("from", &self.since), ("to", &self.until), ("connection", &self.connection)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        given.chain([("date".to_owned(), self.date.clone())]).collect()
    }

    /// The same question with its days spelled out: midnight may pass.
    fn days_of(&self, begun: &ReconciliationDocument) -> Vec<(String, String)> {
        let first = begun.connections.iter().find(|row| row.from.is_some());
        let days = first.map(|row| [("from", row.from.clone()), ("to", row.to.clone())]);
        let days = days.into_iter().flatten().filter_map(|(name, day)| Some((name.to_owned(), day?)));
        let rest = self.pairs().into_iter().filter(|(name, _)| name != "from" && name != "to");
        days.chain(rest).collect()
    }
}

fn is_open(found: &ReconciliationDocument) -> bool {
    found.connections.iter().any(|row| matches!(row.state.as_str(), "waiting" | "reading"))
}

/// One line that replaces itself on a terminal; elsewhere nothing, so that logs stay short.
fn progress(found: &ReconciliationDocument) {
    if std::io::stderr().is_terminal() {
        let objects: u64 = found.connections.iter().map(|row| row.objects).sum();
        eprint!("\r\x1b[K{objects} objects of the provider's lists read");
    }
}

fn told(found: &ReconciliationDocument) -> String {
    let mut text = String::new();
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    for row in &found.connections {
        text.push_str(&format!("{} {} ({})\n", row.connection, row.name, row.provider));
        match row.orders {
            None => text.push_str(&format!("  {}\n", standing(row))),
            Some(orders) => {
                let (from, to) = (row.from.as_deref().unwrap_or(""), row.to.as_deref().unwrap_or(""));
                text.push_str(&format!("  {from} to {to}, {orders} orders\n"));
                row.totals.iter().for_each(|total| text.push_str(&line("total", total)));
                let unlike = row.lines.iter().filter(|line| line.ours != line.theirs);
                unlike.for_each(|day| text.push_str(&line(day.day.as_deref().unwrap_or(""), day)));
                row.differences.iter().for_each(|found| text.push_str(&difference(found)));
            }
        }
        if let Some(problem) = row.problem.as_ref().filter(|_| row.orders.is_some()) {
            text.push_str(&format!("  note: {}\n", problem.message));
        }
    }
    text
}

fn standing(row: &ComparisonDocument) -> String {
    match &row.problem {
        Some(problem) => format!("{}: {}", row.state, problem.message),
        None => format!("{}: it has no access token", row.state),
    }
}

fn line(name: &str, line: &LineDocument) -> String {
    let amount = |minor| shown(minor, &line.currency);
    let verdict = match line.ours == line.theirs {
        true => "✓ exact".to_owned(),
        false => format!("✗ differs by {}", amount(line.difference)),
    };
    format!(
        "  {name:<10}  paid {} refunded {} net {} = theirs {} {} {}  {verdict}\n",
        amount(line.ours.paid),
        amount(line.ours.refunded),
        amount(line.ours.net),
        amount(line.theirs.paid),
        amount(line.theirs.refunded),
        amount(line.theirs.net)
    )
}

fn difference(found: &DifferenceDocument) -> String {
    let side = |side: &Option<SideDocument>| {
        side.as_ref().map_or_else(
            || "nothing".to_owned(),
            |side| {
                let net = side.postings.iter().map(|posting| posting.paid - posting.refunded).sum();
                let mut days: Vec<&str> = side.postings.iter().map(|posting| posting.day.as_str()).collect();
                days.dedup();
                format!("{} {} {}", side.status, shown(net, &side.currency), days.join(","))
            },
        )
    };
    let mark = if found.wrong { "LOOK" } else { "note" };
    let why = found.why.replace('_', " ");
    format!(
        "  {mark}  {} {why}: ours {}; theirs {}\n",
        found.order_id,
        side(&found.ours),
        side(&found.theirs)
    )
}
