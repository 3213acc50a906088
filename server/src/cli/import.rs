//! `tributary affiliate import`: partners, links and open balances out of another tool's CSV file.

use std::path::PathBuf;

use anyhow::Context;
use domain::affiliate::import::Tool;
use domain::money::Money;

use super::affiliate::{affiliates, open};
use super::client::Of;
use crate::affiliate::imports::{ImportDocument, ImportParams, LineDocument, LineOutcome};
use crate::config::Config;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Bring partners, links and open balances over from another tool's export.
    Import {
        /// rewardful, firstpromoter or dub.
        tool: Tool,
        file: PathBuf,
        /// prg_…
        #[arg(long)]
        program: String,
        /// Only say what would be brought over, line by line.
        #[arg(long)]
        dry_run: bool,
        /// Of amounts that do not say theirs: USD.
        #[arg(long)]
        currency: Option<String>,
        /// What a plain whole number is: major (dollars) or minor (cents).
        #[arg(long)]
        unit: Option<String>,
        /// Landing page of the links, on one of the workspace's hosts.
        #[arg(long)]
        destination: Option<String>,
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let Command::Import { tool, file, program, dry_run, currency, unit, destination, of } = self;
        let bytes = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let (settings, workspace) = open(config, &of).await?;
        let affiliates = affiliates(&settings, &workspace);
        let mut params = ImportParams { currency, unit, destination, token: None };
        let mut told = affiliates.preview_import(&program, tool.name(), &params, &bytes).await?;
        if let (false, Some(token)) = (dry_run, told.token.clone()) {
            params.token = Some(token);
            told = affiliates.apply_import(&program, tool.name(), &params, &bytes).await?;
        }
        print(&told, dry_run);
        settings.control.close().await;
        Ok(())
    }
}

/// Every line when only looked at; else those that did not go in.
fn print(told: &ImportDocument, is_looked_at: bool) {
    let is_shown = |line: &&LineDocument| is_looked_at || line.outcome == LineOutcome::Rejected;
    told.lines.iter().filter(is_shown).for_each(|line| println!("{}", line_told(line)));
    if is_looked_at {
        let columns = told.columns.iter();
        let read: Vec<String> = columns
            .clone()
            .filter_map(|column| Some(format!("{:?} as {}", column.heading, column.read_as.as_ref()?)))
            .collect();
        let left = columns.filter(|column| column.read_as.is_none());
        let left: Vec<String> = left.map(|column| format!("{:?}", column.heading)).collect();
        println!("columns read: {}", read.join(", "));
        println!("columns not read: {}", if left.is_empty() { "none".to_owned() } else { left.join(", ") });
    }
    let would = if is_looked_at { "would add" } else { "added" };
    println!("{would} {} partners, {} links", told.partners, told.links);
    for owed in &told.balances {
        println!("{would} {} balances of {}", owed.balances, shown(owed.total, &owed.currency));
    }
    println!(
        "lines: {} imported, {} known, {} nothing, {} rejected",
        told.imported, told.known, told.nothing, told.rejected
    );
}

fn line_told(line: &LineDocument) -> String {
    let field = line.field.as_ref().map_or(String::new(), |field| format!(" {field}"));
    let owed = line.amount.zip(line.currency.as_ref()).map(|(minor, currency)| shown(minor, currency));
    let what = if line.adds.is_empty() { "-".to_owned() } else { line.adds.join("+") };
    let name = line.name.as_deref().unwrap_or("-");
    let outcome = line.outcome.name();
    format!(
        "line {}\t{outcome}{field}\t{what}\t{name}\t{}\t{}",
        line.line,
        owed.unwrap_or_else(|| "-".to_owned()),
        line.reason
    )
}

fn shown(minor: i64, currency: &str) -> String {
    currency.parse().map_or_else(|_| format!("{minor} {currency}"), |code| Money::new(minor, code).format())
}
