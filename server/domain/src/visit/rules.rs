//! A workspace's own rules: one field, one test, one channel. They come before every rule of ours.

use serde::{Deserialize, Serialize};

use super::Channel;

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleField {
    /// `utm_source` as it was given, else the name of the resolved source.
    Source,
    /// `utm_medium`.
    Medium,
    /// `utm_campaign`.
    Campaign,
    /// Host of the referrer, or the app id.
    Referrer,
}

/// How a rule compares; never with regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleTest {
    /// The whole text.
    Equals,
    /// Some part of it.
    Contains,
    /// Its start.
    Prefix,
}

/// One rule of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRule {
    /// What to look at.
    pub field: RuleField,
    /// How to compare.
    pub test: RuleTest,
    /// What to compare with. A rule with an empty value never fits.
    pub value: String,
    /// The channel of a touch that fits.
    pub channel: Channel,
    /// The source of a touch that fits, when it should be renamed.
    #[serde(default)]
    pub source: Option<String>,
}

impl WorkspaceRule {
    pub(crate) fn fits(&self, text: &str) -> bool {
        let (text, value) = (text.to_lowercase(), self.value.to_lowercase());
        !value.is_empty()
            && match self.test {
                RuleTest::Equals => text == value,
                RuleTest::Contains => text.contains(&value),
                RuleTest::Prefix => text.starts_with(&value),
            }
    }
}
