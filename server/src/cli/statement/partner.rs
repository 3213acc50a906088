//! `tributary statement partner`: a partner's monthly statements, listed or exported. Works on the control store alone.

use std::path::PathBuf;

use anyhow::Context;
use domain::affiliate::statement::to_csv;

use super::super::affiliate::{affiliates, open};
use super::super::client::Of;
use super::super::money::shown;
use crate::config::Config;

#[derive(clap::Args)]
pub struct Partner {
    /// prt_…
    partner: String,
    /// Such as 2026-10; without it the statements are listed.
    #[arg(long)]
    month: Option<String>,
    /// CSV instead of JSON.
    #[arg(long, requires = "month")]
    csv: bool,
    /// Write it there instead of printing it.
    #[arg(long, value_name = "FILE", requires = "month")]
    out: Option<PathBuf>,
    #[command(flatten)]
    of: Of,
}

impl Partner {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (settings, workspace) = open(config, &self.of).await?;
        let affiliates = affiliates(&settings, &workspace);
        let Some(month) = &self.month else {
            for row in affiliates.partner_statements(&self.partner).await?.rows {
                for total in &row.totals {
                    let money = |minor| shown(minor, &total.currency);
                    println!(
                        "{}\topening {}\tearned {}\treversed {}\tpaid {}\tclosing {}\t{}",
                        row.month,
                        money(total.opening),
                        money(total.earned),
                        money(total.reversed),
                        money(total.paid),
                        money(total.closing),
                        row.hash
                    );
                }
            }
            settings.control.close().await;
            return Ok(());
        };
        let sealed = affiliates.partner_statement(&self.partner, month).await?;
        settings.control.close().await;
        let text = if self.csv { to_csv(&sealed) } else { serde_json::to_string(&sealed)? };
        match &self.out {
            Some(path) => {
                std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
            }
            None => {
                print!("{text}");
                Ok(())
            }
        }
    }
}
