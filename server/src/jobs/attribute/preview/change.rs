//! What is to be changed, the settings before and after it, and the token that says both. Pure: reads no store.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use domain::identity::{BindingKind, BindingRules};
use domain::order::Basis;
use domain::visit::{Exclusion, RULES_MAX, WorkspaceRule};
use serde::{Deserialize, Serialize};

use super::PreviewError;
use crate::app::App;
use crate::control::workspaces::{Settings, Workspace};

pub(super) const WINDOW_DAYS_MAX: u32 = 3_650;

/// What is to be changed; nothing: what became known since is brought in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// The whole list, in its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<WorkspaceRule>>,
    /// The whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusions: Option<Vec<Exclusion>>,
    /// All that count. Given, every order is looked at anew, also when they count already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<BTreeSet<BindingKind>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_visitors_max: Option<u32>,
}

/// A change as people write it, one rule, exclusion or kind of binding a text; none: it stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub window_days: Option<u32>,
    pub basis: Option<Basis>,
    pub rules: Option<Vec<String>>,
    pub exclusions: Option<Vec<String>>,
    pub bindings: Option<Vec<String>>,
    pub role_visitors_max: Option<u32>,
}

impl Change {
    /// Reads what was given.
    pub fn read(given: &Given) -> Result<Change, PreviewError> {
        let Given { window_days, basis, rules, exclusions, bindings, role_visitors_max } = given;
        let read_rules = |texts: &[String]| {
            texts.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>().map_err(PreviewError::Rules)
        };
        let read_exclusions = |texts: &[String]| {
            let read = texts.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>();
            read.map_err(PreviewError::Exclusions)
        };
        let read_bindings =
            |texts: &[String]| texts.iter().map(|text| text.parse()).collect::<Result<BTreeSet<_>, _>>();
        let rules = rules.as_deref().map(read_rules).transpose()?;
        let exclusions = exclusions.as_deref().map(read_exclusions).transpose()?;
        let bindings = bindings.as_deref().map(read_bindings).transpose()?;
        let longest = rules.as_ref().map_or(0, Vec::len).max(exclusions.as_ref().map_or(0, Vec::len));
        if longest > RULES_MAX {
            return Err(PreviewError::TooMany);
        }
        let (window_days, basis, role_visitors_max) = (*window_days, *basis, *role_visitors_max);
        Ok(Change { window_days, basis, rules, exclusions, bindings, role_visitors_max })
    }

    /// Whether orders are to be joined to visits anew.
    fn joins(&self) -> bool {
        self.bindings.is_some() || self.role_visitors_max.is_some()
    }
}

/// The settings before and after a change.
pub(super) struct Rules {
    pub workspace: Workspace,
    pub days: (u32, u32),
    pub basis: (Basis, Basis),
    /// As they are to be.
    pub after: Settings,
    change: Change,
}

impl Rules {
    pub fn of(app: &App, workspace_id: &str, change: Change) -> Result<Rules, PreviewError> {
        let workspace = app.directory().workspaces.get(workspace_id).cloned();
        let workspace = workspace.ok_or_else(|| PreviewError::NoWorkspace(workspace_id.to_owned()))?;
        let days = app.window_days(&workspace);
        Rules::changed(Workspace::clone(&workspace), days, change)
    }

    fn changed(workspace: Workspace, days: u32, change: Change) -> Result<Rules, PreviewError> {
        let days = (days, change.window_days.unwrap_or(days));
        if !(1..=WINDOW_DAYS_MAX).contains(&days.1) {
            return Err(PreviewError::Window);
        }
        let mut after = workspace.settings.clone();
        if days.0 != days.1 {
            after.window_days = Some(days.1);
        }
        let basis = (after.basis, change.basis.unwrap_or(after.basis));
        after.basis = basis.1;
        if let Some(rules) = change.rules.clone().filter(|rules| *rules != after.rules) {
            after.rules = rules;
            after.rules_version += 1;
        }
        if let Some(exclusions) = &change.exclusions {
            after.exclusions.clone_from(exclusions);
        }
        let kinds = change.bindings.clone().unwrap_or_else(|| after.bindings.kinds().collect());
        let role_visitors_max = change.role_visitors_max.unwrap_or(after.bindings.role_visitors_max());
        after.bindings = BindingRules::new(kinds, role_visitors_max)?;
        Ok(Rules { workspace, days, basis, after, change })
    }

    pub fn before(&self) -> &Settings {
        &self.workspace.settings
    }

    /// Whether orders are to be joined to visits anew.
    pub fn joins(&self) -> bool {
        self.change.joins()
    }

    /// What the token says: the whole change, which version of the rules it is a change of, and a digest of what it
    /// moves.
    pub fn token(&self, digest: &str) -> String {
        let change = Change {
            window_days: Some(self.days.1),
            basis: Some(self.basis.1),
            rules: self.change.rules.clone(),
            exclusions: self.change.exclusions.clone(),
            bindings: self.change.bindings.clone(),
            role_visitors_max: self.change.role_visitors_max,
        };
        let change = serde_json::to_vec(&change).expect("plain values");
        format!("{}.{}.{digest}", BASE64.encode(change), self.before().rules_version)
    }
}

/// The change that a token says.
pub(super) fn change_of(token: &str) -> Option<Change> {
    let mut parts = token.splitn(3, '.');
    let change = serde_json::from_slice(&BASE64.decode(parts.next()?).ok()?).ok()?;
    parts.next()?;
    parts.next()?;
    Some(change)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace {
            id: "ws_a".into(),
            name: "a".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings: Settings::default(),
        }
    }

    #[test]
    fn a_token_says_what_is_changed_and_other_text_is_none() {
        let given = Given {
            window_days: Some(30),
            basis: Some(Basis::Gross),
            rules: Some(vec!["source=a -> Email".to_owned()]),
            exclusions: Some(vec!["channel=Direct".to_owned()]),
            bindings: Some(vec!["user".to_owned()]),
            role_visitors_max: Some(1),
        };
        let change = Change::read(&given).expect("a change");
        let rules = Rules::changed(workspace(), 90, change.clone()).expect("a change");
        assert_eq!(change_of(&rules.token("00ff")), Some(change));
        for other in ["", "30", "30.gross.00", "e30", "e30.0", "x.y.z"] {
            assert_eq!(change_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_other_rules_make_another_version() {
        let rules = Some(vec!["source=a -> Email".to_owned()]);
        let first = Change::read(&Given { rules, ..Given::default() }).expect("a change");
        let mut merchant = workspace();
        merchant.settings = Rules::changed(merchant.clone(), 90, first.clone()).expect("a change").after;
        assert_eq!((merchant.settings.rules_version, merchant.settings.window_days), (1, None));
        let again = Rules::changed(merchant, 90, first).expect("a change");
        assert_eq!(again.after.rules_version, 1);
        for wrong in [
            Change { window_days: Some(0), ..Change::default() },
            Change { role_visitors_max: Some(1_000_000), ..Change::default() },
            Change { bindings: Some([BindingKind::FoldedEmail].into()), ..Change::default() },
        ] {
            assert!(Rules::changed(workspace(), 90, wrong.clone()).is_err(), "{wrong:?}");
        }
    }
}
