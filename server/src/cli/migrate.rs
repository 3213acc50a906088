//! `tributary migrate`: brings both stores up to date and stops.

use crate::config::Config;

/// Bring the tables of both stores up to date; safe to run again.
#[derive(clap::Args)]
pub struct Migrate {}

impl Migrate {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = super::open(config).await?;
        app.store.migrate_once(app.clock.now_ms()).await?;
        println!("both stores are up to date");
        app.close().await;
        Ok(())
    }
}
