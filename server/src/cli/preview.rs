//! `tributary attribute --preview`, `--apply` and `--rules`: what a change of the rules would move, then the change, and
//! the rules as they are. Beside a running server it is asked; else the stores are opened.

use anyhow::Context;
use domain::attribution::model_index;
use domain::identity::BindingKind;
use domain::order::Basis;

use super::client::{Errand, Of, Server, Source};
use super::money::shown;
use crate::config::Config;
use crate::control::rule_versions::RuleTerms;
use crate::http::attribution::RulesDocument;
use crate::jobs::attribute::preview::{self, Applied, Change, Given, Moved, Preview};
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
    /// A rule of channels, as in 'source=partnerblog -> Affiliates'; repeat for the whole list, in its order.
    #[arg(long = "rule", value_name = "RULE", requires = "preview")]
    rules: Vec<String>,
    /// Have no rules of channels but the built-in ones.
    #[arg(long, requires = "preview", conflicts_with = "rules")]
    no_rules: bool,
    /// Visits that may not earn, as in channel=Direct or 'referrer*=intranet'; repeat for the whole list.
    #[arg(long = "exclude", value_name = "TEST", requires = "preview")]
    exclusions: Vec<String>,
    /// Let every visit earn.
    #[arg(long, requires = "preview", conflicts_with = "exclusions")]
    no_exclusions: bool,
    /// What may join a sale to visits, beside a visitor's id on the sale: email, folded_email, user, customer or
    /// handover; repeat for all that count.
    #[arg(long = "binding", value_name = "KIND", requires = "preview", value_parser = binding)]
    bindings: Vec<String>,
    /// Let nothing join a sale to visits but a visitor's id on the sale itself.
    #[arg(long, requires = "preview", conflicts_with = "bindings")]
    no_bindings: bool,
    /// Visitors that an address of a role (billing@) may be bound to before it names nobody.
    #[arg(long, value_name = "N", requires = "preview")]
    role_visitors_max: Option<u32>,
    /// Show the rules as they are, and every change of them.
    #[arg(long = "rules", id = "show_rules", conflicts_with_all = ["all", "apply", "preview"])]
    shows_rules: bool,
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

/// The name of a kind of binding.
pub fn binding(text: &str) -> Result<String, String> {
    let kind: Result<BindingKind, _> = text.parse();
    kind.map(|kind| kind.name().to_owned()).map_err(|error| error.to_string())
}

impl Asked {
    pub fn is_asked(&self) -> bool {
        self.preview || self.apply.is_some() || self.shows_rules
    }

    /// The whole list that is asked for; none when it is to stay.
    fn list(given: &[String], emptied: bool) -> Option<Vec<String>> {
        (emptied || !given.is_empty()).then(|| given.to_vec())
    }

    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if self.shows_rules {
            print!("{}", rules_told(&self.rules_now(config).await?));
            return Ok(());
        }
        match &self.apply {
            Some(token) => {
                let applied = self.apply(config, token).await?;
                println!(
                    "{} visits and {} orders moved, {} rows of credits written",
                    applied.visits, applied.orders, applied.written
                );
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
        let rules = Asked::list(&self.rules, self.no_rules);
        let exclusions = Asked::list(&self.exclusions, self.no_exclusions);
        let bindings = Asked::list(&self.bindings, self.no_bindings);
        if let Some(server) = Server::find(&config).await? {
            let pairs = [
                ("rules", rules.map(|rules| rules.join("\n"))),
                ("exclusions", exclusions.map(|exclusions| exclusions.join("\n"))),
                ("bindings", bindings.map(|bindings| bindings.join("\n"))),
                ("role_visitors_max", self.role_visitors_max.map(|count| count.to_string())),
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
        let change = Change::read(&Given {
            window_days: self.window_days,
            basis: self.basis,
            rules,
            exclusions,
            bindings,
            role_visitors_max: self.role_visitors_max,
        })?;
        let found = preview::preview(&app, &workspace.id, change, model).await;
        app.close().await;
        Ok(found?)
    }

    async fn rules_now(&self, config: Config) -> anyhow::Result<RulesDocument> {
        if let Some(server) = Server::find(&config).await? {
            return server.client(&self.of, Errand::Ask).await?.read("/v1/attribution/rules", &[]).await;
        }
        let Source::Stores(app, workspace) = Source::find(config, &self.of).await? else {
            anyhow::bail!("the server has just begun to answer; try again")
        };
        let changes = app.control.rule_versions(&workspace.id).await;
        let now = RuleTerms::of(&app, &workspace);
        app.close().await;
        Ok(RulesDocument { now, changes: changes? })
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
        "window {} to {} days, basis {} to {}: {} visits and {} orders would move (shown under {})\n",
        preview.window_days_from,
        preview.window_days_to,
        preview.basis_from,
        preview.basis_to,
        preview.visits,
        preview.orders,
        preview.model
    );
    text.push_str(&list_told("rules", &preview.rules_from, &preview.rules_to));
    text.push_str(&list_told("excluded", &preview.exclusions_from, &preview.exclusions_to));
    let without = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|kind| !other.contains(kind)).cloned().collect()
    };
    let (from, to) = (&preview.bindings_from, &preview.bindings_to);
    text.push_str(&list_told("bindings that count", &without(from, to), &without(to, from)));
    if preview.role_visitors_max_from != preview.role_visitors_max_to {
        text.push_str(&format!(
            "an address of a role names somebody with up to {} visitors, before {}\n",
            preview.role_visitors_max_to, preview.role_visitors_max_from
        ));
    }
    for Moved { channel, currency, from, to, difference } in &preview.channels {
        let shown = |minor: &i64| shown(*minor, currency);
        text.push_str(&format!("  {channel}: {} to {} ({})\n", shown(from), shown(to), shown(difference)));
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

/// What a list is, or what it was and would be.
fn list_told(name: &str, from: &[String], to: &[String]) -> String {
    let line = |sign: &str, text: &String| format!("  {sign} {text}\n");
    if from == to {
        return match from {
            [] => String::new(),
            same => format!(
                "{name}, as they are:\n{}",
                same.iter().map(|text| line(" ", text)).collect::<String>()
            ),
        };
    }
    let (gone, new): (String, String) =
        (from.iter().map(|text| line("-", text)).collect(), to.iter().map(|text| line("+", text)).collect());
    format!("{name}:\n{gone}{new}")
}

fn rules_told(document: &RulesDocument) -> String {
    let now = &document.now;
    let mut text = format!("window {} days, basis {}\n", now.window_days, now.basis);
    text.push_str(&list_told("rules", &now.rules, &now.rules));
    text.push_str(&list_told("excluded", &now.exclusions, &now.exclusions));
    text.push_str(&format!(
        "bindings that count: {}; an address of a role with up to {} visitors\n",
        if now.bindings.is_empty() { "none".to_owned() } else { now.bindings.join(", ") },
        now.role_visitors_max
    ));
    for change in &document.changes {
        let when = jiff::Timestamp::from_millisecond(change.applied_at_ms).unwrap_or_default();
        text.push_str(&format!(
            "change {} of {}: window {} days, basis {}, {} rules, {} exclusions; {} orders moved\n",
            change.number,
            when.strftime("%Y-%m-%d %H:%M UTC"),
            change.terms.window_days,
            change.terms.basis,
            change.terms.rules.len(),
            change.terms.exclusions.len(),
            change.orders
        ));
    }
    text
}
