//! Matching: which visitor an order belongs to, by which field, and how good the evidence is.
//!
//! The candidates stand in one order, from what the merchant wrote on this very sale to what is only known of
//! the buyer; the first that leads somewhere wins. A forged id leads nowhere and is recorded. Nothing here
//! guesses: no addresses, devices or times are compared.

use serde::{Deserialize, Serialize};

use crate::identity::{Binding, BindingSource, Buyer, HashedEmail, PersonKey, Persons, Strength};
use crate::ids::{PersonId, VisitorId};
use crate::order::Metadata;
use crate::visitor_token::{Evidence, VisitorKeys};

/// The metadata key the pixel and the recipes write.
pub const VISITOR_KEY: &str = "tributary_visitor_id";
/// Also read: what a neighbouring tracker writes, so that its merchants can switch.
pub const NEIGHBOUR_KEY: &str = "trackrev_visitor_id";
/// Where checkout links carry the visitor; merchants use it for other things too.
pub const REFERENCE_KEY: &str = "reference_id";

/// Where the visitor was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchMethod {
    OrderMetadata,
    SubscriptionMetadata,
    CheckoutMetadata,
    CustomerMetadata,
    /// What the merchant calls the customer.
    ExternalId,
    Email,
    /// The provider's customer was bound before, by an earlier order or an import, under another address.
    Customer,
    None,
}

impl MatchMethod {
    /// Every method, in the order in which they are tried.
    pub const ALL: [MatchMethod; 8] = [
        MatchMethod::OrderMetadata,
        MatchMethod::SubscriptionMetadata,
        MatchMethod::CheckoutMetadata,
        MatchMethod::CustomerMetadata,
        MatchMethod::ExternalId,
        MatchMethod::Email,
        MatchMethod::Customer,
        MatchMethod::None,
    ];

    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            MatchMethod::OrderMetadata => "order_metadata",
            MatchMethod::SubscriptionMetadata => "subscription_metadata",
            MatchMethod::CheckoutMetadata => "checkout_metadata",
            MatchMethod::CustomerMetadata => "customer_metadata",
            MatchMethod::ExternalId => "external_id",
            MatchMethod::Customer => "customer",
            MatchMethod::Email => "email",
            MatchMethod::None => "none",
        }
    }
}

/// What is known about an order that may lead to its visitor. `None` and empty mean "not known".
#[derive(Clone, Copy)]
pub struct MatchInputs<'a> {
    pub workspace: &'a str,
    pub visitor_keys: &'a VisitorKeys,
    /// The workspace's own metadata keys, tried after ours and before `reference_id`.
    pub metadata_keys: &'a [String],
    pub order: Option<&'a Metadata>,
    pub subscription: Option<&'a Metadata>,
    pub checkout: Option<&'a Metadata>,
    pub customer: Option<&'a Metadata>,
    /// What the merchant calls the customer.
    pub external_id: Option<&'a str>,
    /// The provider's customer.
    pub customer_key: Option<&'a PersonKey>,
    pub email: Option<&'a HashedEmail>,
    pub persons: &'a Persons,
}

/// How an order was matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    pub method: MatchMethod,
    /// The field that decided: `checkout.metadata.reference_id`, `customer.email`; empty when none did.
    pub field: String,
    /// Of the visitor id; absent when the match went by a person's key.
    pub evidence: Option<Evidence>,
    /// The visitor, when an id was found.
    pub visitor: Option<VisitorId>,
    /// The person, when a key was found instead of a visitor.
    pub person: Option<PersonId>,
    /// The key that named the person.
    pub person_key: Option<PersonKey>,
    /// Fields with a forged visitor id, passed over.
    pub forged_fields: Vec<String>,
}

impl Match {
    /// Whether anybody was found: without, the order is Unattributed.
    pub fn is_known(&self) -> bool {
        self.method != MatchMethod::None
    }

    /// What a paid order says about who its visitor is, for the orders and visits to come; without a visitor's id, only
    /// that a buyer who changed, or customers the provider made one, are one person. `None` when it says neither or
    /// names no buyer.
    pub fn binding(&self, buyer: &Buyer, at_ms: i64) -> Option<Binding> {
        let strength = match self.evidence {
            Some(Evidence::Signed) => Strength::Paid,
            Some(Evidence::Unsigned | Evidence::Forged) => Strength::Weak,
            None if buyer.has_changed() => Strength::Paid,
            None => return None,
        };
        buyer.binding(self.visitor, at_ms, BindingSource::Order, strength)
    }
}

/// Finds the visitor or the person of an order.
pub fn match_order(inputs: &MatchInputs<'_>) -> Match {
    let mut found = Match {
        method: MatchMethod::None,
        field: String::new(),
        evidence: None,
        visitor: None,
        person: None,
        person_key: None,
        forged_fields: Vec::new(),
    };
    let maps = [
        (MatchMethod::OrderMetadata, "order.metadata", inputs.order),
        (MatchMethod::SubscriptionMetadata, "subscription.metadata", inputs.subscription),
        (MatchMethod::CheckoutMetadata, "checkout.metadata", inputs.checkout),
        (MatchMethod::CustomerMetadata, "customer.metadata", inputs.customer),
    ];
    for (method, object, map) in maps {
        let Some(map) = map else { continue };
        let own = inputs.metadata_keys.iter().map(String::as_str);
        for key in [VISITOR_KEY, NEIGHBOUR_KEY].into_iter().chain(own).chain([REFERENCE_KEY]) {
            if let Some(text) = map.get(key)
                && found.take_visitor(inputs, method, text, || format!("{object}.{key}"))
            {
                return found;
            }
        }
    }
    if let Some(id) = inputs.external_id {
        let field = || EXTERNAL_ID_FIELD.to_owned();
        if found.take_visitor(inputs, MatchMethod::ExternalId, id, field) {
            return found;
        }
    }
    found.take_person(inputs);
    found
}

const EXTERNAL_ID_FIELD: &str = "customer.external_id";

/// A key that may name the person, and the person if any visitor ever was that person.
struct Named {
    method: MatchMethod,
    field: &'static str,
    key: PersonKey,
    person: PersonId,
}

/// The keys of the buyer that lead to a person with visitors, in the order in which they are tried.
fn named(inputs: &MatchInputs<'_>) -> Vec<Named> {
    let mut named = Vec::new();
    let mut push = |method, field, key: PersonKey| {
        let person = inputs.persons.person_of_key(&key)?;
        if inputs.persons.segments(person).is_empty() {
            return None;
        }
        named.push(Named { method, field, key, person });
        Some(person)
    };
    if let Some(id) = inputs.external_id.filter(|id| !id.is_empty()) {
        push(MatchMethod::ExternalId, EXTERNAL_ID_FIELD, PersonKey::UserId(id.to_owned()));
    }
    if let Some(email) = inputs.email {
        let [strong, weak] = email.keys();
        if inputs.persons.person_of_key(&strong).is_some() {
            push(MatchMethod::Email, "customer.email", strong);
        } else {
            push(MatchMethod::Email, "customer.email (folded)", weak);
        }
    }
    if let Some(key) = inputs.customer_key
        && let Some(buyer) = push(MatchMethod::Customer, "customer.id", key.clone())
    {
        // The address of somebody else's journey: two customers share it, and this one is known by itself.
        named.retain(|other| other.method != MatchMethod::Email || other.person == buyer);
    }
    named
}

impl Match {
    /// Takes the visitor `text` names, if it names one and is not forged.
    fn take_visitor(
        &mut self,
        inputs: &MatchInputs<'_>,
        method: MatchMethod,
        text: &str,
        field: impl Fn() -> String,
    ) -> bool {
        let Ok((visitor, evidence)) = inputs.visitor_keys.read(text.trim(), inputs.workspace) else {
            return false;
        };
        if evidence == Evidence::Forged {
            self.forged_fields.push(field());
            return false;
        }
        (self.method, self.field) = (method, field());
        (self.visitor, self.evidence) = (Some(visitor), Some(evidence));
        true
    }

    /// Takes the person a key of the buyer names: first a key that a visitor was bound by, so that the field told
    /// is the one that decided, then one that is only joined to such a key.
    fn take_person(&mut self, inputs: &MatchInputs<'_>) {
        let named = named(inputs);
        let bound = named.iter().find(|named| inputs.persons.is_bound(&named.key));
        let Some(Named { method, field, key, person }) = bound.or(named.first()) else { return };
        (self.method, self.field) = (*method, (*field).to_owned());
        (self.person, self.person_key) = (Some(*person), Some(key.clone()));
    }
}
