//! `tributary attribute --preview` and `--apply`: what a change of the rules would move, then the change. Beside a
//! running server it is asked; else the stores are opened.

use anyhow::Context;
use domain::attribution::model_index;
use domain::money::Money;
use domain::order::Basis;

use super::client::{Errand, Of, Server, Source};
use crate::config::Config;
use crate::jobs::attribute::preview::{self, Applied, Change, Moved, Preview};
use crate::jobs::settle;

#[derive(clap::Args)]
pub struct Asked {
    /// Show which orders the change would move and by how much; nothing is changed.
    #[arg(long, conflicts_with_all = ["all", "apply"])]
    preview: bool,
    /// Make exactly the change that a preview showed.
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    apply: Option<String>,
    /// Days before a purchase in which a visit can earn.
    #[arg(long, requires = "preview")]
    window_days: Option<u32>,
    /// What counts as revenue in reports that do not say: net or gross.
    #[arg(long, requires = "preview", value_parser = basis)]
    basis: Option<Basis>,
    /// Under which model the difference is shown.
    #[arg(long, requires = "preview")]
    model: Option<String>,
    #[command(flatten)]
    of: Of,
}

fn basis(text: &str) -> Result<Basis, String> {
    let found = Basis::ALL.into_iter().find(|basis| basis.name() == text);
    found.ok_or_else(|| "use net or gross".to_owned())
}

impl Asked {
    pub fn is_asked(&self) -> bool {
        self.preview || self.apply.is_some()
    }

    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match &self.apply {
            Some(token) => {
                let applied = self.apply(config, token).await?;
                println!("{} orders moved, {} rows of credits written", applied.orders, applied.written);
            }
            None => print!("{}", told(&self.look(config).await?)),
        }
        Ok(())
    }

    async fn look(&self, config: Config) -> anyhow::Result<Preview> {
        let model = match self.model.as_deref() {
            None => None,
            Some(name) => Some(model_index(name).with_context(|| format!("there is no model {name:?}"))?),
        };
        if let Some(server) = Server::find(&config).await? {
            let pairs = [
                ("window_days", self.window_days.map(|days| days.to_string())),
                ("basis", self.basis.map(|basis| basis.name().to_owned())),
                ("model", self.model.clone()),
            ];
            let given = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let client = server.client(&self.of, Errand::Work).await?;
            return client.post_with("/v1/attribution/preview", &given.collect::<Vec<_>>()).await;
        }
        let Source::Stores(app, workspace) = Source::find(config, &self.of).await? else {
            anyhow::bail!("the server has just begun to answer; try again")
        };
        settle(&app).await?;
        let change = Change { window_days: self.window_days, basis: self.basis };
        let found = preview::preview(&app, &workspace.id, change, model).await;
        app.close().await;
        Ok(found?)
    }

    async fn apply(&self, config: Config, token: &str) -> anyhow::Result<Applied> {
        if let Some(server) = Server::find(&config).await? {
            let client = server.client(&self.of, Errand::Work).await?;
            return client
                .post_with("/v1/attribution/apply", &[("token".to_owned(), token.to_owned())])
                .await;
        }
        let Source::Stores(app, workspace) = Source::find(config, &self.of).await? else {
            anyhow::bail!("the server has just begun to answer; try again")
        };
        let applied = preview::apply(&app, &workspace.id, token).await;
        app.close().await;
        Ok(applied?)
    }
}

fn told(preview: &Preview) -> String {
    let mut text = format!(
        "window {} to {} days, basis {} to {}: {} orders would move (shown under {})\n",
        preview.window_days_from,
        preview.window_days_to,
        preview.basis_from,
        preview.basis_to,
        preview.orders,
        preview.model
    );
    for Moved { channel, currency, from, to, difference } in &preview.channels {
        let shown = |minor: i64| {
            currency.parse().map_or_else(|_| minor.to_string(), |code| Money::new(minor, code).format())
        };
        text.push_str(&format!("  {channel}: {} to {} ({})\n", shown(*from), shown(*to), shown(*difference)));
    }
    for balance in &preview.differences {
        text.push_str(&format!(
            "  all channels: {} minor units of {}\n",
            balance.difference, balance.currency
        ));
    }
    text.push_str(&format!("apply it with: tributary attribute --apply {}\n", preview.token));
    text
}
