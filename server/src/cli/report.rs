//! `tributary report`: the reports of the API, as a table, JSON or CSV.

use domain::report::{Format, Query};

use super::client::{Of, Source};
use super::selection::Selection;
use crate::config::Config;
use crate::report::{Kind, Reports};

/// Show a report: channels, timeseries, models, paths, timing, match-quality, overlap or rejects.
#[derive(clap::Args)]
pub struct Report {
    #[arg(value_enum)]
    kind: Kind,
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    selection: Selection,
    /// last_touch, last_non_direct, first_touch, linear, position_based, time_decay.
    #[arg(long)]
    model: Option<String>,
    /// Dimensions, separated by commas: channel, source, campaign, …
    #[arg(long)]
    group_by: Option<String>,
    /// report (converted to the report currency), native, or a code like USD: only money in that currency.
    #[arg(long)]
    currency: Option<String>,
    /// net or gross: without tax or with it.
    #[arg(long)]
    basis: Option<String>,
    /// cash, order or touch: which day an amount is shown on.
    #[arg(long)]
    date: Option<String>,
    /// previous_period, previous_year, or two days as FROM..TO.
    #[arg(long)]
    compare: Option<String>,
    /// hour, day, week or month.
    #[arg(long)]
    interval: Option<String>,
    /// A column; with - in front from large to small.
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    #[arg(long)]
    limit: Option<String>,
    /// Print what the API answers.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV.
    #[arg(long)]
    csv: bool,
}

impl Report {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let pairs = self.pairs()?;
        let text = match Source::find(config, &self.of).await? {
            Source::Server(client) => {
                client.ask(&format!("/v1/reports/{}", self.kind.name()), &pairs).await?
            }
            Source::Stores(app, workspace) => {
                let reports = Reports::of(&app, &workspace);
                let query = reports
                    .parse_for(self.kind, pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
                let text = self.written(&reports, &query).await;
                app.close().await;
                text?
            }
        };
        print!("{text}{}", if text.ends_with('\n') { "" } else { "\n" });
        Ok(())
    }

    async fn written(&self, reports: &Reports, query: &Query) -> anyhow::Result<String> {
        let report = reports.report(self.kind, query).await?;
        Ok(match query.format {
            Format::Json => report.to_json(),
            Format::Csv => report.to_csv(),
            Format::Text => report.to_text(),
        })
    }

    /// The question as the API takes it.
    fn pairs(&self) -> anyhow::Result<Vec<(String, String)>> {
        let format = if self.json {
            "json"
        } else if self.csv {
            "csv"
        } else {
            "text"
        };
        let mut pairs = vec![("format".to_owned(), format.to_owned())];
        pairs.extend(self.selection.pairs(&[
            ("model", &self.model),
            ("group_by", &self.group_by),
            ("currency", &self.currency),
            ("basis", &self.basis),
            ("date", &self.date),
            ("compare", &self.compare),
            ("interval", &self.interval),
            ("sort", &self.sort),
            ("limit", &self.limit),
        ])?);
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        report: Report,
    }

    #[test]
    fn the_command_line_asks_what_the_api_takes() {
        let line = Line::try_parse_from([
            "t",
            "match-quality",
            "--from",
            "2026-01-01",
            "--filter",
            "channel=Email",
            "--filter",
            "source!=a=b",
            "--sort",
            "-orders",
            "--csv",
        ])
        .unwrap();
        assert_eq!(line.report.kind, Kind::MatchQuality);
        let pairs = line.report.pairs().unwrap();
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("format", "csv"),
                ("from", "2026-01-01"),
                ("sort", "-orders"),
                ("filter[channel]", "Email"),
                ("filter[source][not]", "a=b")
            ]
        );
    }
}
