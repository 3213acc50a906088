//! A workspace's own rules: one field, one test, one channel. They come before every rule of ours.
//!
//! As text a rule is `source=partnerblog -> Affiliates as the partner blog`: a test, the channel, and, where it should
//! be renamed, the source. A test is `=` the whole text, `^=` its start, `*=` some part of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Channel;
use super::channel::UnknownChannel;

/// The longest value a rule compares with, and the longest source it names, in bytes.
const VALUE_BYTES_MAX: usize = 200;
/// Rules of one workspace.
pub const RULES_MAX: usize = 200;

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

impl RuleTest {
    /// Whether `text` passes against `value`; nothing does against an empty value.
    pub(crate) fn fits(self, text: &str, value: &str) -> bool {
        let (text, value) = (text.to_lowercase(), value.to_lowercase());
        !value.is_empty()
            && match self {
                RuleTest::Equals => text == value,
                RuleTest::Contains => text.contains(&value),
                RuleTest::Prefix => text.starts_with(&value),
            }
    }

    /// As it stands between field and value.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            RuleTest::Equals => "=",
            RuleTest::Contains => "*=",
            RuleTest::Prefix => "^=",
        }
    }
}

impl RuleField {
    const ALL: [RuleField; 4] =
        [RuleField::Source, RuleField::Medium, RuleField::Campaign, RuleField::Referrer];

    fn name(self) -> &'static str {
        match self {
            RuleField::Source => "source",
            RuleField::Medium => "medium",
            RuleField::Campaign => "campaign",
            RuleField::Referrer => "referrer",
        }
    }
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
        self.test.fits(text, &self.value)
    }
}

/// The text is no rule, or no exclusion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error(
        "`{0}` names no channel: write a test, `->` and a channel, as in `source=partnerblog -> Affiliates`"
    )]
    NoChannel(String),
    #[error(
        "`{0}` is no test: write `=` (the whole text), `^=` (its start) or `*=` (some part), as in `source=partnerblog`"
    )]
    NoTest(String),
    #[error("`{given}` cannot be tested: there are {known}")]
    Field { given: String, known: String },
    #[error(transparent)]
    Channel(#[from] UnknownChannel),
    #[error("`{0}…` is too long: values and sources have at most {VALUE_BYTES_MAX} bytes")]
    TooLong(String),
}

/// `source^=news` as its three parts.
pub(super) fn test_of(text: &str) -> Result<(&str, RuleTest, &str), RuleError> {
    let no_test = || RuleError::NoTest(text.trim().to_owned());
    let (left, value) = text.split_once('=').ok_or_else(no_test)?;
    let (field, test) = match (left.strip_suffix('*'), left.strip_suffix('^')) {
        (Some(field), _) => (field, RuleTest::Contains),
        (_, Some(field)) => (field, RuleTest::Prefix),
        _ => (left, RuleTest::Equals),
    };
    let (field, value) = (field.trim(), value.trim());
    if field.is_empty() || value.is_empty() {
        return Err(no_test());
    }
    Ok((field, test, short(value)?))
}

fn short(text: &str) -> Result<&str, RuleError> {
    match text.len() {
        ..=VALUE_BYTES_MAX => Ok(text),
        _ => Err(RuleError::TooLong(text[..text.floor_char_boundary(40)].to_owned())),
    }
}

impl fmt::Display for WorkspaceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorkspaceRule { field, test, value, channel, source } = self;
        write!(f, "{}{}{value} -> {channel}", field.name(), test.sign())?;
        source.as_ref().map_or(Ok(()), |source| write!(f, " as {source}"))
    }
}

impl FromStr for WorkspaceRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<WorkspaceRule, RuleError> {
        let no_channel = || RuleError::NoChannel(text.trim().to_owned());
        let (test, channel) = text.rsplit_once("->").ok_or_else(no_channel)?;
        let (given, test, value) = test_of(test)?;
        let field = RuleField::ALL.into_iter().find(|field| field.name() == given);
        let field = field.ok_or_else(|| {
            let known = RuleField::ALL.map(RuleField::name).join(", ");
            RuleError::Field { given: given.to_owned(), known }
        })?;
        let (channel, source) = match channel.split_once(" as ") {
            Some((channel, source)) => (channel, Some(short(source.trim())?.to_owned())),
            None => (channel, None),
        };
        let channel: Channel = channel.trim().parse()?;
        // Money without a visitor has it by itself; no visit can be of it.
        if channel == Channel::Unattributed {
            return Err(UnknownChannel(channel.to_string()).into());
        }
        let source = source.filter(|source| !source.is_empty());
        Ok(WorkspaceRule { field, test, value: value.to_owned(), channel, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_it_is_written() {
        for text in [
            "source=partnerblog -> Affiliates as the partner blog",
            "campaign^=spring=sale -> Paid Social",
            "referrer*=intranet -> Direct",
            "medium=a->b -> SMS",
        ] {
            let rule: WorkspaceRule = text.parse().expect(text);
            assert_eq!(rule.to_string(), text);
        }
        let loose: WorkspaceRule =
            " source *= Blog->  paid social ".parse().expect("spaces and case are free");
        assert_eq!(loose.to_string(), "source*=Blog -> Paid Social");
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, said) in [
            ("source=x", "names no channel"),
            ("source -> Email", "is no test"),
            ("source= -> Email", "is no test"),
            ("colour=red -> Email", "there are source, medium, campaign, referrer"),
            ("source=x -> Mail", "there is no channel `Mail`"),
            ("source=x -> Unattributed", "there is no channel"),
        ] {
            let error = text.parse::<WorkspaceRule>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        let long = format!("source={} -> Email", "ä".repeat(200));
        assert!(matches!(long.parse::<WorkspaceRule>(), Err(RuleError::TooLong(_))));
    }
}
