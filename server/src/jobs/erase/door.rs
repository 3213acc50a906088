//! Where facts come in again: replayed webhooks, redeliveries and polls tell about persons who were erased. What
//! they say about money is kept, without the person. Later purchases of the same person are new and pass.

use std::collections::BTreeMap;

use domain::erasure::anonymous;
use domain::order::Fact;

use crate::app::App;
use crate::jobs::JobError;
use crate::jobs::facts::Told;
use crate::person_keys::PersonKeys;

/// What a fact says about itself that may have been erased.
#[derive(Default)]
struct Names {
    own: String,
    subscription: Option<String>,
    customer: Option<String>,
    email: Option<String>,
    created_ms: i64,
}

/// Between what is told and what is kept.
pub struct Door;

impl Door {
    /// The facts as they may be kept, by workspace.
    pub async fn admit(app: &App, facts: Vec<Told>) -> Result<Vec<Told>, JobError> {
        let mut by_workspace: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        for told in facts {
            by_workspace.entry(told.workspace_id.clone()).or_default().push(told);
        }
        let mut admitted = Vec::new();
        for (workspace_id, facts) in by_workspace {
            // Most workspaces never erased anybody.
            admitted.extend(match app.control.has_erased(&workspace_id).await? {
                true => of_workspace(app, &workspace_id, facts).await?,
                false => facts,
            });
        }
        Ok(admitted)
    }
}

async fn of_workspace(app: &App, workspace_id: &str, facts: Vec<Told>) -> Result<Vec<Told>, JobError> {
    let keys = PersonKeys::new(&app.secrets, workspace_id);
    let names: Vec<Names> = facts.iter().map(|told| names(&keys, &told.connection_id, &told.fact)).collect();
    let asked: Vec<String> = names.iter().flat_map(Names::all).cloned().collect();
    let erased = app.control.erased(workspace_id, &asked).await?;
    let left = facts.into_iter().zip(&names).filter_map(|(mut told, names)| {
        let known = |key: &Option<String>| key.as_ref().and_then(|key| erased.get(key));
        let own = erased.get(&names.own);
        // What began before the erasure was part of it, also when it is told only now.
        let persons = [known(&names.customer), known(&names.email)].into_iter().flatten();
        let is_old = persons.map(|known| known.erased_at_ms).any(|at_ms| names.created_ms <= at_ms);
        if own.is_none() && !is_old && known(&names.subscription).is_none() {
            return Some(told);
        }
        let journey = own.map(|known| known.journey.as_str()).filter(|journey| !journey.is_empty());
        told.fact = anonymous(told.fact, journey)?;
        Some(told)
    });
    Ok(left.collect())
}

impl Names {
    fn all(&self) -> impl Iterator<Item = &String> {
        [Some(&self.own), self.subscription.as_ref(), self.customer.as_ref(), self.email.as_ref()]
            .into_iter()
            .flatten()
    }
}

fn names(keys: &PersonKeys, connection: &str, fact: &Fact) -> Names {
    let key = |kind: &str, id: &str| keys.erased(kind, &[connection, id]);
    let optional = |kind: &str, id: &Option<String>| id.as_deref().map(|id| key(kind, id));
    match fact {
        Fact::Order(fact) => Names {
            own: key("order", &fact.head.object_id),
            subscription: optional("subscription", &fact.subscription_id),
            customer: optional("customer", &fact.customer_id),
            email: fact.email.map(|email| format!("email/{}", email.strong)),
            created_ms: fact.created_ms,
        },
        Fact::Refund(fact) => Names {
            own: key("order", &fact.order_id),
            customer: optional("customer", &fact.customer_id),
            created_ms: fact.created_ms,
            ..Names::default()
        },
        Fact::Dispute(fact) => Names {
            own: key("order", &fact.order_id),
            customer: optional("customer", &fact.customer_id),
            created_ms: fact.created_ms,
            ..Names::default()
        },
        Fact::Payment(fact) => {
            Names { own: key("order", &fact.order_id), created_ms: fact.paid_at_ms, ..Names::default() }
        }
        Fact::Subscription(fact) => Names {
            own: key("subscription", &fact.head.object_id),
            customer: optional("customer", &fact.state.customer_id),
            created_ms: fact.state.created_ms,
            ..Names::default()
        },
        Fact::Checkout(fact) => Names {
            own: key("checkout", &fact.head.object_id),
            customer: optional("customer", &fact.state.customer_id),
            email: fact.state.email.map(|email| format!("email/{}", email.strong)),
            created_ms: fact.state.created_ms,
            ..Names::default()
        },
        Fact::Customer(fact) => Names {
            own: key("customer", &fact.head.object_id),
            email: fact.state.email.map(|email| format!("email/{}", email.strong)),
            created_ms: fact.state.created_ms,
            ..Names::default()
        },
    }
}
