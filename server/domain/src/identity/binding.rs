//! A binding: that somebody, at some time, said which person a visitor is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{EmailKey, HashedEmail};
use crate::ids::VisitorId;

/// What names a person. As text: `user:<id>`, `customer:<connection>:<id>`, `email:<hex>`, `weak_email:<hex>`,
/// `visitor:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonKey {
    /// The merchant's own id of the user.
    UserId(String),
    /// A buyer at one provider account. The connection's id holds no colon.
    Customer { connection: String, id: String },
    /// The address as typed.
    Email(EmailKey),
    /// The address with tags and dots folded: joins nothing, found only when nothing stronger is.
    WeakEmail(EmailKey),
    /// Another visitor whose browser this one is: names nobody by itself.
    Visitor(VisitorId),
}

impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PersonKey::UserId(id) => write!(f, "user:{id}"),
            PersonKey::Customer { connection, id } => write!(f, "customer:{connection}:{id}"),
            PersonKey::Email(key) => write!(f, "email:{key}"),
            PersonKey::WeakEmail(key) => write!(f, "weak_email:{key}"),
            PersonKey::Visitor(id) => write!(f, "visitor:{id}"),
        }
    }
}

/// The text is not a person key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a person key is `user:…`, `customer:<connection>:…`, `email:<hex>`, `weak_email:<hex>` or `visitor:vis_…`"
)]
pub struct PersonKeyError;

impl FromStr for PersonKey {
    type Err = PersonKeyError;

    fn from_str(text: &str) -> Result<PersonKey, PersonKeyError> {
        let (kind, rest) = text.split_once(':').ok_or(PersonKeyError)?;
        let email = || rest.parse().map_err(|_| PersonKeyError);
        match kind {
            "user" => Ok(PersonKey::UserId(rest.to_owned())),
            "customer" => {
                let (connection, id) = rest.split_once(':').ok_or(PersonKeyError)?;
                Ok(PersonKey::Customer { connection: connection.to_owned(), id: id.to_owned() })
            }
            "email" => Ok(PersonKey::Email(email()?)),
            "weak_email" => Ok(PersonKey::WeakEmail(email()?)),
            "visitor" => Ok(PersonKey::Visitor(rest.parse().map_err(|_| PersonKeyError)?)),
            _ => Err(PersonKeyError),
        }
    }
}

impl Serialize for PersonKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PersonKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PersonKey, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a binding became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingSource {
    /// `identify` on the site.
    Identify,
    /// A paid order that carried the visitor.
    Order,
    /// A checkout that carried the visitor.
    Checkout,
    /// A provider's customer record: joins keys, names no visitor.
    Customer,
    /// A sister site handed the visitor over: one browser with two ids.
    Handover,
    /// Brought in from another system.
    Import,
}

/// How much a binding is worth when two contradict each other at the same millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The visitor's id was not signed, or somebody only typed an address.
    Weak,
    /// The site said it (`identify` with a signed visitor).
    Said,
    /// Money: an order or checkout carried a signed visitor.
    Paid,
}

/// That at `at_ms` the visitor was the person whom `keys` name; without a visitor, that the keys name one
/// person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub visitor: Option<VisitorId>,
    pub keys: Vec<PersonKey>,
    pub at_ms: i64,
    pub source: BindingSource,
    pub strength: Strength,
    /// Whether the e-mail among the keys belongs to a role (`billing@`).
    #[serde(default)]
    pub role_address: bool,
}

impl HashedEmail {
    /// The address as keys of a binding, the strong one first.
    pub fn keys(&self) -> [PersonKey; 2] {
        [PersonKey::Email(self.strong), PersonKey::WeakEmail(self.weak)]
    }
}

/// Who bought, as a provider knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buyer {
    /// The provider's customer.
    pub customer: Option<PersonKey>,
    /// What the merchant calls the customer.
    pub external_id: Option<String>,
    pub email: Option<HashedEmail>,
    /// Customers that the provider made one with this one.
    pub former_customers: Vec<PersonKey>,
    /// Addresses the buyer had before.
    pub former_emails: Vec<HashedEmail>,
}

impl Buyer {
    /// Everything that names the buyer. An external id that is a visitor's names no user.
    pub fn keys(&self) -> Vec<PersonKey> {
        let mut keys: Vec<PersonKey> = self.customer.iter().chain(&self.former_customers).cloned().collect();
        let user =
            self.external_id.as_ref().filter(|id| !id.is_empty() && !id.starts_with(VisitorId::PREFIX));
        keys.extend(user.map(|id| PersonKey::UserId(id.clone())));
        for key in self.emails().flat_map(HashedEmail::keys) {
            // Two addresses may be one when folded.
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Whether the buyer was somebody else to the provider before.
    pub fn has_changed(&self) -> bool {
        !self.former_customers.is_empty() || !self.former_emails.is_empty()
    }

    fn emails(&self) -> impl Iterator<Item = &HashedEmail> {
        self.email.iter().chain(&self.former_emails)
    }

    /// That all of these name one person and, when known, that `visitor` was that person; `None` when nothing
    /// names anybody.
    pub fn binding(
        &self,
        visitor: Option<VisitorId>,
        at_ms: i64,
        source: BindingSource,
        strength: Strength,
    ) -> Option<Binding> {
        let keys = self.keys();
        let role_address = self.emails().any(|email| email.role_address);
        (!keys.is_empty()).then_some(Binding { visitor, keys, at_ms, source, strength, role_address })
    }
}
