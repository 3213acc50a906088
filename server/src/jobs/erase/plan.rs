//! What belongs to the person: keys, visitors, the provider's objects. Found once, then kept with the erasure
//! until it is done, because the first stages remove what it was found by. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use domain::ids::{OrderId, VisitorId};
use domain::order::{Fact, Metadata};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::control::erasures::{Erased, Erasure};
use crate::jobs::JobError;
use crate::person_keys::PersonKeys;
use crate::sql;

/// From key to visitor to key: a person with more links than this is found by the first ones.
const ROUNDS_MAX: usize = 4;
/// What `multiSearchAny` takes, with room to spare.
const NEEDLES_MAX: usize = 200;
const WEAK_EMAIL: i8 = 2;

/// Connection and the provider's id.
pub(super) type Object = (String, String);

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Plan {
    pub subject: String,
    /// Person keys, hex, but weak ones: those may be somebody else's.
    pub keys: BTreeSet<String>,
    /// Visitor ids, hex.
    pub visitors: BTreeSet<String>,
    /// Orders by our id in hex, and whether each had a journey.
    pub orders: BTreeMap<String, (Object, bool)>,
    pub subscriptions: BTreeSet<Object>,
    pub checkouts: BTreeSet<Object>,
    pub customers: BTreeSet<Object>,
}

#[derive(Row, Deserialize)]
struct Bound {
    key_kind: i8,
    #[serde(with = "clickhouse::serde::uuid")]
    person_key: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    visitor_id: Uuid,
}

#[derive(Row, Deserialize)]
struct Told {
    connection_id: String,
    payload: String,
}

#[derive(Row, Deserialize)]
struct Sold {
    connection_id: String,
    provider_order_id: String,
    matched: bool,
}

impl Plan {
    /// As far as it was found before.
    pub fn read(erasure: &Erasure) -> Result<Plan, JobError> {
        if erasure.plan.is_empty() {
            return Ok(Plan { subject: erasure.subject.clone(), ..Plan::default() });
        }
        serde_json::from_str(&erasure.plan)
            .map_err(|error| JobError::Damaged { what: "plan of an erasure", why: error.to_string() })
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a plan is JSON")
    }

    /// Under which key the person stands in `erased`.
    pub fn subject_key(&self, app: &App, workspace_id: &str) -> String {
        match self.subject.strip_prefix("visitor:") {
            Some(visitor) => PersonKeys::new(&app.secrets, workspace_id).erased("visitor", &[visitor]),
            None => self.subject.clone(),
        }
    }

    /// Follows the person through bindings and facts.
    pub async fn find(&mut self, app: &App, workspace_id: &str) -> Result<(), JobError> {
        let mut start = Vec::new();
        match self.subject.split_once([':', '/']) {
            Some(("email", key)) => drop(self.keys.insert(key.to_owned())),
            Some(("visitor", id)) => {
                start.push(id.to_owned());
                self.visitors.insert(id.to_owned());
            }
            _ => {
                return Err(JobError::Damaged { what: "subject of an erasure", why: "no kind".to_owned() });
            }
        }
        for _ in 0..ROUNDS_MAX {
            let before = (self.keys.len(), self.visitors.len(), self.customers.len());
            self.follow_bindings(app, workspace_id, std::mem::take(&mut start)).await?;
            self.follow_facts(app, workspace_id).await?;
            if before == (self.keys.len(), self.visitors.len(), self.customers.len()) {
                break;
            }
        }
        self.find_orders(app, workspace_id).await
    }

    async fn follow_bindings(
        &mut self,
        app: &App,
        workspace_id: &str,
        start: Vec<String>,
    ) -> Result<(), JobError> {
        let bound: Vec<Bound> = app
            .store
            .client()
            .query_raw(sql!("erase/bindings.sql"))
            .param("workspace", workspace_id)
            .param("keys", uuids(self.keys.iter()))
            .param("start", uuids(start.iter()))
            .fetch_all()
            .await?;
        for Bound { key_kind, person_key, visitor_id } in bound {
            if key_kind != WEAK_EMAIL {
                self.keys.insert(hex(person_key));
            }
            if !visitor_id.is_nil() {
                self.visitors.insert(hex(visitor_id));
            }
        }
        Ok(())
    }

    async fn follow_facts(&mut self, app: &App, workspace_id: &str) -> Result<(), JobError> {
        let visitors = self.visitors.iter().filter_map(|id| u128::from_str_radix(id, 16).ok());
        let visitors = visitors.map(|id| VisitorId(id).to_string());
        let customers = self.customers.iter().map(|(_, id)| id.clone());
        let needles = self.keys.iter().cloned().chain(visitors).chain(customers);
        let needles: Vec<String> = needles.filter(|needle| needle.len() > 5).collect();
        for needles in needles.chunks(NEEDLES_MAX) {
            let told: Vec<Told> = app
                .store
                .client()
                .query_raw(sql!("erase/facts_naming.sql"))
                .param("workspace", workspace_id)
                .param("needles", needles.to_vec())
                .fetch_all()
                .await?;
            for Told { connection_id, payload } in told {
                let fact = serde_json::from_str(&payload)
                    .map_err(|error| JobError::Damaged { what: "fact", why: error.to_string() })?;
                self.take(app, workspace_id, &connection_id, &fact);
            }
        }
        Ok(())
    }

    /// Everything a fact of the person points at is the person's.
    fn take(&mut self, app: &App, workspace_id: &str, connection: &str, fact: &Fact) {
        let object = |id: &str| (connection.to_owned(), id.to_owned());
        let add = |set: &mut BTreeSet<Object>, id: &Option<String>| {
            set.extend(id.iter().filter(|id| !id.is_empty()).map(|id| object(id)));
        };
        let mut order = |id: &str| {
            let key = OrderId::derive(workspace_id, connection, id).0;
            self.orders.entry(format!("{key:032x}")).or_insert_with(|| (object(id), false));
        };
        let metadata: Option<&Metadata> = match fact {
            Fact::Order(fact) => {
                order(&fact.head.object_id);
                add(&mut self.subscriptions, &fact.subscription_id);
                add(&mut self.checkouts, &fact.checkout_id);
                add(&mut self.customers, &fact.customer_id);
                Some(&fact.metadata)
            }
            Fact::Refund(fact) => {
                order(&fact.order_id);
                None
            }
            Fact::Dispute(fact) => {
                order(&fact.order_id);
                None
            }
            Fact::Payment(fact) => {
                order(&fact.order_id);
                None
            }
            Fact::Subscription(fact) => {
                self.subscriptions.insert(object(&fact.head.object_id));
                add(&mut self.checkouts, &fact.state.checkout_id);
                add(&mut self.customers, &fact.state.customer_id);
                Some(&fact.state.metadata)
            }
            Fact::Checkout(fact) => {
                self.checkouts.insert(object(&fact.head.object_id));
                add(&mut self.customers, &fact.state.customer_id);
                Some(&fact.state.metadata)
            }
            Fact::Customer(fact) => {
                self.customers.insert(object(&fact.head.object_id));
                Some(&fact.state.metadata)
            }
        };
        // Orders that were erased before name journeys, which are nobody's.
        let journeys: BTreeSet<u128> = self.journeys(app, workspace_id).collect();
        let texts = metadata.into_iter().flat_map(Metadata::values);
        let ids = texts.filter_map(|text| wire::VisitorId::parse(text)).map(|id| id.ulid.to_u128());
        self.visitors.extend(ids.filter(|id| !journeys.contains(id)).map(|id| format!("{id:032x}")));
    }

    async fn find_orders(&mut self, app: &App, workspace_id: &str) -> Result<(), JobError> {
        let known: Vec<String> = self.orders.values().map(|((_, id), _)| id.clone()).collect();
        let sold: Vec<Sold> = app
            .store
            .client()
            .query_raw(sql!("erase/orders.sql"))
            .param("workspace", workspace_id)
            .param("keys", uuids(self.keys.iter()))
            .param("visitors", uuids(self.visitors.iter()))
            .param("orders", known)
            .fetch_all()
            .await?;
        for Sold { connection_id, provider_order_id, matched } in sold {
            let key = OrderId::derive(workspace_id, &connection_id, &provider_order_id).0;
            self.orders.insert(format!("{key:032x}"), ((connection_id, provider_order_id), matched));
        }
        Ok(())
    }

    /// The ids under which the visits of these orders are kept.
    pub fn journeys<'a>(&'a self, app: &App, workspace_id: &str) -> impl Iterator<Item = u128> + use<'a> {
        let keys = PersonKeys::new(&app.secrets, workspace_id);
        self.orders.keys().map(move |order| keys.journey(order))
    }

    /// What must not come back.
    pub fn erased(&self, app: &App, workspace_id: &str) -> Vec<Erased> {
        let keys = PersonKeys::new(&app.secrets, workspace_id);
        let plain = |key| Erased { key, journey: String::new() };
        let of = |kind: &'static str, objects: &BTreeSet<Object>| -> Vec<Erased> {
            objects.iter().map(|(connection, id)| plain(keys.erased(kind, &[connection, id]))).collect()
        };
        let mut erased: Vec<Erased> = self.keys.iter().map(|key| plain(format!("email/{key}"))).collect();
        erased.extend(self.visitors.iter().map(|id| plain(keys.erased("visitor", &[id]))));
        erased.extend(of("subscription", &self.subscriptions));
        erased.extend(of("checkout", &self.checkouts));
        erased.extend(of("customer", &self.customers));
        erased.extend(self.orders.iter().map(|(order, ((connection, id), matched))| {
            let journey = VisitorId(keys.journey(order));
            let signed = matched.then(|| app.secrets.visitor_keys().sign(journey, workspace_id));
            Erased { key: keys.erased("order", &[connection, id]), journey: signed.unwrap_or_default() }
        }));
        erased
    }
}

/// Hex as the parameters of a query take ids.
pub(super) fn uuids<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.filter_map(|id| Uuid::try_parse(id).ok()).map(|id| id.to_string()).collect()
}

fn hex(id: Uuid) -> String {
    format!("{:032x}", id.as_u128())
}
