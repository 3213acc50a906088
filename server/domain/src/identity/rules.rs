//! Which bindings count in a workspace: by what a sale may be joined to visits, beside a visitor's id that the sale
//! itself carries, which always counts. Bindings that do not count are kept, and left out when persons are resolved, so
//! that the rules can be changed, and changed back.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Binding, Limits, PersonKey};

/// The largest bound of [`BindingRules::role_visitors_max`].
pub const ROLE_VISITORS_MAX: u32 = 1_000;

/// By what visitors can be bound to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingKind {
    /// The address as typed.
    Email,
    /// The address without its tag, at Gmail also without dots.
    FoldedEmail,
    /// The merchant's own id of the user.
    User,
    /// The provider's customer.
    Customer,
    /// A sister site that handed the visitor over.
    Handover,
}

impl BindingKind {
    pub const ALL: [BindingKind; 5] = [
        BindingKind::Email,
        BindingKind::FoldedEmail,
        BindingKind::User,
        BindingKind::Customer,
        BindingKind::Handover,
    ];

    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            BindingKind::Email => "email",
            BindingKind::FoldedEmail => "folded_email",
            BindingKind::User => "user",
            BindingKind::Customer => "customer",
            BindingKind::Handover => "handover",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            BindingKind::Email => "e-mail",
            BindingKind::FoldedEmail => "e-mail without tags and Gmail's dots",
            BindingKind::User => "your own id of the user",
            BindingKind::Customer => "the provider's customer",
            BindingKind::Handover => "hand-over between your sites",
        }
    }

    fn of(key: &PersonKey) -> BindingKind {
        match key {
            PersonKey::Email(_) => BindingKind::Email,
            PersonKey::WeakEmail(_) => BindingKind::FoldedEmail,
            PersonKey::UserId(_) => BindingKind::User,
            PersonKey::Customer { .. } => BindingKind::Customer,
            PersonKey::Visitor(_) => BindingKind::Handover,
        }
    }
}

impl fmt::Display for BindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BindingKind {
    type Err = BindingRulesError;

    fn from_str(text: &str) -> Result<BindingKind, BindingRulesError> {
        let found = BindingKind::ALL.into_iter().find(|kind| kind.name() == text.trim());
        found.ok_or_else(|| BindingRulesError::Unknown(text.trim().to_owned()))
    }
}

/// Why bindings cannot be chosen so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingRulesError {
    #[error("there are no bindings by {0:?}; use email, folded_email, user, customer or handover")]
    Unknown(String),
    #[error("folded_email is worth no more than the address it was folded from: name email as well")]
    FoldedAlone,
    #[error("role_visitors_max: use a whole number from 0 to {ROLE_VISITORS_MAX}")]
    Role,
}

/// Which bindings count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BindingRules {
    kinds: BTreeSet<BindingKind>,
    role_visitors_max: u32,
}

impl Default for BindingRules {
    /// All of them.
    fn default() -> BindingRules {
        let role_visitors_max = Limits::default().role_visitors_max;
        BindingRules {
            kinds: BindingKind::ALL.into(),
            role_visitors_max: u32::try_from(role_visitors_max).unwrap_or(ROLE_VISITORS_MAX),
        }
    }
}

impl BindingRules {
    /// `role_visitors_max` is the number of visitors that an address of a role (`billing@`) may be bound to before it
    /// names nobody; zero: it never does.
    pub fn new(
        kinds: impl IntoIterator<Item = BindingKind>,
        role_visitors_max: u32,
    ) -> Result<BindingRules, BindingRulesError> {
        let kinds: BTreeSet<BindingKind> = kinds.into_iter().collect();
        if kinds.contains(&BindingKind::FoldedEmail) && !kinds.contains(&BindingKind::Email) {
            return Err(BindingRulesError::FoldedAlone);
        }
        match role_visitors_max > ROLE_VISITORS_MAX {
            true => Err(BindingRulesError::Role),
            false => Ok(BindingRules { kinds, role_visitors_max }),
        }
    }

    pub fn uses(&self, kind: BindingKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Those that count, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = BindingKind> {
        self.kinds.iter().copied()
    }

    /// Those that do not, sorted.
    pub fn unused(&self) -> impl Iterator<Item = BindingKind> {
        BindingKind::ALL.into_iter().filter(|kind| !self.uses(*kind))
    }

    pub fn role_visitors_max(&self) -> u32 {
        self.role_visitors_max
    }

    /// The bounds that [`super::resolve`] works by.
    pub fn limits(&self) -> Limits {
        Limits { role_visitors_max: self.role_visitors_max as usize }
    }

    /// What does not count, as a sentence; none when everything does.
    pub fn unused_sentence(&self) -> Option<String> {
        let titles: Vec<&str> = self.unused().map(BindingKind::title).collect();
        let (last, first) = titles.split_last()?;
        let mut sentence = match first.is_empty() {
            true => format!("{last} is not used in this workspace."),
            false => format!("{} and {last} are not used in this workspace.", first.join(", ")),
        };
        sentence[..1].make_ascii_uppercase();
        Some(sentence)
    }

    /// What is left of bindings when only those that count do: as if nothing else had ever been said.
    pub fn counting(&self, mut bindings: Vec<Binding>) -> Vec<Binding> {
        if self.unused().next().is_none() {
            return bindings;
        }
        for binding in &mut bindings {
            binding.keys.retain(|key| self.uses(BindingKind::of(key)));
        }
        bindings.retain(|binding| !binding.keys.is_empty());
        bindings
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BindingSource, EmailHasher, Strength, resolve};
    use super::*;
    use crate::ids::VisitorId;

    /// A sign-up with an address and a user id, and a hand-over to another visitor.
    fn bindings() -> Vec<Binding> {
        let email = EmailHasher::new(b"secret", "ws").hash("ada+shop@example.com").expect("an address");
        let [strong, weak] = email.keys();
        let binding = |visitor, keys| Binding {
            visitor: Some(VisitorId(visitor)),
            keys,
            at_ms: 5,
            source: BindingSource::Identify,
            strength: Strength::Said,
            role_address: false,
        };
        vec![
            binding(1, vec![PersonKey::UserId("7".into()), strong, weak]),
            binding(2, vec![PersonKey::Visitor(VisitorId(1))]),
        ]
    }

    fn rules(names: &[&str]) -> Result<BindingRules, BindingRulesError> {
        let kinds = names.iter().map(|name| name.parse()).collect::<Result<Vec<_>, _>>()?;
        BindingRules::new(kinds, 3)
    }

    #[test]
    fn everything_counts_unless_said_otherwise() {
        let standard = BindingRules::default();
        assert_eq!(standard.counting(bindings()), bindings());
        assert_eq!((standard.limits(), standard.unused_sentence()), (Limits::default(), None));
        assert_eq!(serde_json::from_str::<BindingRules>("{}").expect("settings of before"), standard);
    }

    #[test]
    fn what_does_not_count_names_nobody_and_joins_nothing() {
        let [strong, _] = EmailHasher::new(b"secret", "ws").hash("ada+shop@example.com").expect("one").keys();
        let user = PersonKey::UserId("7".into());
        for (names, by_email, by_user, is_handed) in [
            (&["email", "user", "handover"][..], true, true, true),
            (&["user", "customer"], false, true, false),
            (&["email", "folded_email"], true, false, false),
            (&["handover"], false, false, false),
            (&[], false, false, false),
        ] {
            let rules = rules(names).expect("rules");
            let persons = resolve(&rules.counting(bindings()), rules.limits());
            assert_eq!(persons.person_of_key(&strong).is_some(), by_email, "{names:?}");
            assert_eq!(persons.person_of_key(&user).is_some(), by_user, "{names:?}");
            assert_eq!(persons.person_of(VisitorId(2), 9).is_some(), is_handed, "{names:?}");
        }
    }

    #[test]
    fn what_does_not_count_is_said_in_a_sentence() {
        let said =
            |names: &[&str]| rules(names).expect("rules").unused_sentence().expect("something is unused");
        let but_email = ["user", "customer", "handover"];
        assert_eq!(
            said(&but_email),
            "E-mail and e-mail without tags and Gmail's dots are not used in this workspace."
        );
        let but_customer = ["email", "folded_email", "user", "handover"];
        assert_eq!(said(&but_customer), "The provider's customer is not used in this workspace.");
    }

    #[test]
    fn wrong_choices_are_refused_with_a_reason() {
        assert_eq!(rules(&["phone"]), Err(BindingRulesError::Unknown("phone".into())));
        assert_eq!(rules(&["folded_email", "user"]), Err(BindingRulesError::FoldedAlone));
        assert_eq!(BindingRules::new([], ROLE_VISITORS_MAX + 1), Err(BindingRulesError::Role));
    }
}
