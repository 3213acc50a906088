//! `tributary explain`: who earned an order, and why, to be read from top to bottom.

use anyhow::Context;

use super::client::{Of, Source};
use crate::config::Config;
use crate::report::Reports;

/// Explain an order: how it was matched, every touch, and each model's division to the cent.
#[derive(clap::Args)]
pub struct Explain {
    /// Our id (ord_…) or the provider's.
    order: String,
    #[command(flatten)]
    of: Of,
    /// Print what the API answers.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let text = match Source::find(config, &self.of).await? {
            Source::Server(client) => {
                let id: String = url::form_urlencoded::byte_serialize(self.order.as_bytes()).collect();
                let format = if self.json { "json" } else { "text" };
                let pairs = [("format".to_owned(), format.to_owned())];
                client.ask(&format!("/v1/orders/{id}/explain"), &pairs).await?
            }
            Source::Stores(app, workspace) => {
                let reports = Reports::of(&app, &workspace);
                let story = reports.explain(&self.order).await;
                app.close().await;
                let story = story?.with_context(|| format!("there is no order {:?}", self.order))?;
                match self.json {
                    true => serde_json::to_string_pretty(&story)?,
                    false => story.to_text(&reports.zone()),
                }
            }
        };
        print!("{text}{}", if text.ends_with('\n') { "" } else { "\n" });
        Ok(())
    }
}
