//! `tributary workspace set`: changes what is named and nothing else. A running server notices within seconds; what
//! was decided under the old settings stays as it is.

use anyhow::{Context, ensure};
use domain::identity::{BindingRules, ROLE_VISITORS_MAX};

use super::given;
use crate::cli::preview::binding;
use crate::control::rule_versions::{RuleTerms, RuleVersion};
use crate::control::workspaces::Workspace;
use crate::jobs::attribute::preview::texts;

/// Change a workspace: only what is named. Also beside a running server.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["name", "timezone", "currency", "domains", "domains_away", "metadata_keys", "metadata_keys_away",
           "ref_params", "ref_params_away", "bindings", "bindings_away", "role_visitors_max"]))]
pub struct Set {
    /// ws_…
    id: String,
    /// What people call it.
    #[arg(long, value_parser = given::name)]
    name: Option<String>,
    /// IANA time zone; the days of every report are days there. Statements that were made keep theirs.
    #[arg(long, value_parser = given::timezone)]
    timezone: Option<String>,
    /// Report currency: of what is booked from now on. What was converted before keeps its currency until its order
    /// changes.
    #[arg(long, value_parser = given::currency)]
    currency: Option<String>,
    /// One more host or domain of the merchant's own site; repeat for several.
    #[arg(long = "domain", value_name = "HOST", value_parser = given::domain)]
    domains: Vec<String>,
    /// A domain that is the merchant's no more; hits from there are refused.
    #[arg(long = "remove-domain", value_name = "HOST")]
    domains_away: Vec<String>,
    /// One more key of the provider's metadata that carries a visitor id.
    #[arg(long = "metadata-key", value_name = "KEY", value_parser = given::key)]
    metadata_keys: Vec<String>,
    #[arg(long = "remove-metadata-key", value_name = "KEY")]
    metadata_keys_away: Vec<String>,
    /// One more query parameter that carries a partner's code.
    #[arg(long = "ref-param", value_name = "NAME", value_parser = given::key)]
    ref_params: Vec<String>,
    #[arg(long = "remove-ref-param", value_name = "NAME")]
    ref_params_away: Vec<String>,
    /// Let this join a sale to visits as well: email, folded_email, user, customer or handover. For orders from now on;
    /// `tributary attribute --preview --binding …` shows what it would move of the past.
    #[arg(long = "binding", value_name = "KIND", value_parser = binding)]
    bindings: Vec<String>,
    /// Let this no more join a sale to visits.
    #[arg(long = "remove-binding", value_name = "KIND", value_parser = binding)]
    bindings_away: Vec<String>,
    /// Visitors that an address of a role (billing@) may be bound to before it names nobody.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(ROLE_VISITORS_MAX)))]
    role_visitors_max: Option<u32>,
}

impl Set {
    /// Keeps the changed workspace and prints it.
    pub async fn run(self, app: &crate::cli::Settings) -> anyhow::Result<()> {
        let before = app.workspace(&self.id).await?;
        let workspace = self.changed(before.clone())?;
        let now_ms = app.clock.now_ms();
        app.control.update_workspace(&workspace, now_ms).await?;
        let counting = &workspace.settings.bindings;
        if *counting != before.settings.bindings {
            let terms = RuleTerms::read(&workspace, app.config.attribution.window_days);
            app.control.keep_rule_version(&RuleVersion::of(&workspace, terms, 0, now_ms)).await?;
        }
        let Workspace { id, name, timezone, currency, settings } = &workspace;
        println!("{id}\t{name}\t{timezone}\t{currency}");
        println!("domains\t{}", settings.domains.join(","));
        println!("metadata keys\t{}", settings.metadata_keys.join(","));
        println!("parameters of partners\t{}", settings.ref_params.join(","));
        println!("bindings\t{}", texts(&counting.kinds().collect::<Vec<_>>()).join(","));
        Ok(())
    }

    fn changed(&self, mut workspace: Workspace) -> anyhow::Result<Workspace> {
        let Workspace { name, timezone, currency, settings, .. } = &mut workspace;
        for (field, given) in [(name, &self.name), (timezone, &self.timezone), (currency, &self.currency)] {
            if let Some(given) = given {
                field.clone_from(given);
            }
        }
        change(&mut settings.domains, &self.domains, &self.domains_away).context("--remove-domain")?;
        change(&mut settings.metadata_keys, &self.metadata_keys, &self.metadata_keys_away)
            .context("--remove-metadata-key")?;
        change(&mut settings.ref_params, &self.ref_params, &self.ref_params_away)
            .context("--remove-ref-param")?;
        let mut kinds = texts(&settings.bindings.kinds().collect::<Vec<_>>());
        change(&mut kinds, &self.bindings, &self.bindings_away).context("--remove-binding")?;
        let kinds = kinds.iter().map(|kind| kind.parse()).collect::<Result<Vec<_>, _>>()?;
        let role_visitors_max = self.role_visitors_max.unwrap_or(settings.bindings.role_visitors_max());
        settings.bindings = BindingRules::new(kinds, role_visitors_max)?;
        Ok(workspace)
    }
}

/// Takes away, whatever the case, then adds what is not there.
fn change(list: &mut Vec<String>, more: &[String], away: &[String]) -> anyhow::Result<()> {
    for value in away {
        let before = list.len();
        list.retain(|known| !known.eq_ignore_ascii_case(value));
        ensure!(list.len() < before, "{value:?} is not among them: {}", list.join(", "));
    }
    for value in more {
        if !list.iter().any(|known| known.eq_ignore_ascii_case(value)) {
            list.push(value.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::control::workspaces::Settings;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        set: Set,
    }

    impl std::fmt::Debug for Set {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.id)
        }
    }

    fn shop() -> Workspace {
        Workspace {
            id: "ws_shop".into(),
            name: "Shop".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings: Settings { domains: vec!["example.com".into()], ..Settings::default() },
        }
    }

    #[test]
    fn what_is_named_changes_and_nothing_else() {
        let line = [
            "t",
            "ws_shop",
            "--domain",
            "Example.net",
            "--domain",
            "example.com",
            "--remove-ref-param",
            "aff",
        ];
        let changed = Line::try_parse_from(line).unwrap().set.changed(shop()).unwrap();
        let mut expected = shop();
        expected.settings.domains.push("example.net".into());
        expected.settings.ref_params.retain(|name| name != "aff");
        assert_eq!(changed, expected);
        let line = ["t", "ws_shop", "--remove-binding", "email", "--remove-binding", "folded_email"];
        let changed = Line::try_parse_from(line).unwrap().set.changed(shop()).unwrap().settings.bindings;
        assert_eq!(changed.unused().count(), 2);
        let gone = Line::try_parse_from(["t", "ws_shop", "--remove-domain", "EXAMPLE.com"]).unwrap();
        assert!(gone.set.changed(shop()).unwrap().settings.domains.is_empty());
    }

    #[test]
    fn wrong_values_are_wrong_use_with_the_field_and_the_reason() {
        for (line, field, reason) in [
            (&["t", "ws_shop", "--currency", "EURO"][..], "--currency", "three letters"),
            (&["t", "ws_shop", "--timezone", "Berlin"], "--timezone", "IANA"),
            (&["t", "ws_shop", "--domain", "https://example.com"], "--domain", "without https://"),
            (&["t", "ws_shop"], "--name", "required"),
        ] {
            let refused = Line::try_parse_from(line).unwrap_err();
            assert_eq!(refused.exit_code(), 2);
            let said = refused.to_string();
            assert!(said.contains(field) && said.contains(reason), "{said}");
        }
        let alone = Line::try_parse_from(["t", "ws_shop", "--remove-binding", "email"]).unwrap();
        let refused = alone.set.changed(shop()).unwrap_err().to_string();
        assert!(refused.contains("folded_email"), "{refused}");
        let unknown = Line::try_parse_from(["t", "ws_shop", "--remove-domain", "example.org"]).unwrap();
        assert!(unknown.set.changed(shop()).is_err());
    }
}
