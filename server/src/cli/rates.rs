//! `tributary rates`: exchange rates by hand. Works beside a running server, which converts what waited at once.

use std::path::PathBuf;

use anyhow::Context;
use domain::money::ecb;

use crate::config::Config;
use crate::jobs::rates::IMPORTED;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Store the days of a file of the European Central Bank: eurofxref-hist.csv, eurofxref-hist.xml or a daily file,
    /// unzipped. Days that are known stay as they are.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// What is known: how many days, the newest of them, and its rates.
    List,
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = super::open_settings(config).await?;
        match self {
            Command::Import { file } => {
                let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                let days = ecb::read(&String::from_utf8_lossy(&text))
                    .with_context(|| format!("{} was not imported", file.display()))?;
                let kept = app.control.keep_rates(&days, IMPORTED, app.clock.now_ms()).await?;
                let known = days.len() - kept.new.len();
                println!("{} days stored, {known} known already", kept.new.len());
                for day in &kept.differing {
                    println!("{day}: the file says otherwise than what is stored, which stays");
                }
            }
            Command::List => {
                let book = app.control.rate_book().await?;
                match book.latest().and_then(|day| Some((day, book.get(day)?))) {
                    None => println!("no rates are known yet"),
                    Some((day, rates)) => {
                        println!(
                            "{} days, the newest {day} ({}), units for one euro:",
                            book.len(),
                            rates.source
                        );
                        for (currency, rate) in &rates.rates {
                            println!("{currency}\t{rate}");
                        }
                    }
                }
            }
        }
        app.control.close().await;
        Ok(())
    }
}
