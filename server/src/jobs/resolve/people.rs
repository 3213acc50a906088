//! Bindings around a batch of orders: those stored, and those the orders themselves make. Paid orders bind the
//! visitor they carry to the buyer, so that a later purchase known by its address alone finds the visitor.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use clickhouse::Row;
use domain::identity::{Binding, BindingSource, EmailKey, PersonKey, Strength};
use domain::ids::{OrderId, VisitorId, derive_id};
use serde::Deserialize;
use uuid::Uuid;

use super::load::{orders_of_people, uuids};
use crate::app::App;
use crate::control::dirty::{Subject, SubjectKind};
use crate::jobs::JobError;
use crate::person_keys::PersonKeys;
use crate::sql;
use crate::store::row_binary::RowWriter;

const COLUMNS: &str =
    "workspace_id, key_kind, person_key, visitor_id, at, binding_id, source, role_address, received_at";
/// Keys lead to bindings with further keys: this often, which no person of this world needs.
const ROUNDS_MAX: usize = 8;

const SOURCE_IDENTIFY: i8 = 1;
const SOURCE_ORDER: i8 = 2;
const SOURCE_RETRACTED: i8 = 4;
const SOURCE_HANDOVER: i8 = 5;

/// The kind of a key that is another id of the same browser.
const KIND_VISITOR: i8 = 5;

/// One key of one binding, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Row, Deserialize)]
pub(super) struct BindingRow {
    key_kind: i8,
    #[serde(with = "clickhouse::serde::uuid")]
    person_key: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    visitor_id: Uuid,
    at: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    binding_id: Uuid,
    source: i8,
    role_address: bool,
}

impl BindingRow {
    /// What the table holds once.
    fn place(&self) -> (i8, Uuid, Uuid, Uuid) {
        (self.key_kind, self.person_key, self.visitor_id, self.binding_id)
    }
}

/// The binding an order makes; one at most.
pub(in crate::jobs) fn binding_id(order: OrderId) -> u128 {
    derive_id(&["order binding", &order.to_string()])
}

/// A person key from its stored form. Ids of users and customers stay hashes: they are only compared.
pub(super) fn person_key(kind: i8, bits: u128) -> Option<PersonKey> {
    let hex = || format!("{bits:032x}");
    match kind {
        1 => Some(PersonKey::Email(EmailKey(bits.to_be_bytes()))),
        2 => Some(PersonKey::WeakEmail(EmailKey(bits.to_be_bytes()))),
        3 => Some(PersonKey::UserId(hex())),
        4 => Some(PersonKey::Customer { connection: String::new(), id: hex() }),
        KIND_VISITOR => Some(PersonKey::Visitor(VisitorId(bits))),
        _ => None,
    }
}

/// The bits of a key that [`person_key`] made.
pub(super) fn stored_bits(key: &PersonKey) -> Option<u128> {
    match key {
        PersonKey::Email(email) | PersonKey::WeakEmail(email) => Some(u128::from_be_bytes(email.0)),
        PersonKey::UserId(hex) | PersonKey::Customer { id: hex, .. } => u128::from_str_radix(hex, 16).ok(),
        PersonKey::Visitor(id) => Some(id.0),
    }
}

/// The rows of the binding that an order makes.
pub(super) fn rows(person_keys: &PersonKeys, order: OrderId, binding: &Binding) -> Vec<BindingRow> {
    let visitor_id = Uuid::from_u128(binding.visitor.map_or(0, |visitor| visitor.0));
    let row = |key: &PersonKey| {
        let (key_kind, bits) = person_keys.stored(key);
        BindingRow {
            key_kind,
            person_key: Uuid::from_u128(bits),
            visitor_id,
            at: binding.at_ms,
            binding_id: Uuid::from_u128(binding_id(order)),
            source: SOURCE_ORDER,
            role_address: binding.role_address,
        }
    };
    binding.keys.iter().map(row).collect()
}

/// Bindings around a batch.
pub(super) struct Known {
    /// What the batch's orders say now.
    own: BTreeSet<BindingRow>,
    /// What is stored of the batch's orders.
    stored_own: Vec<BindingRow>,
    /// What others said.
    others: HashSet<BindingRow>,
}

impl Known {
    /// Follows keys from binding to binding until no further person can be meant, then takes every binding of
    /// the visitors found, which cut each other's time.
    pub async fn load(
        app: &App,
        workspace_id: &str,
        own_ids: HashSet<u128>,
        own: Vec<BindingRow>,
        keys: BTreeSet<u128>,
        visitors: BTreeSet<VisitorId>,
    ) -> Result<Known, JobError> {
        let stored_own: Vec<BindingRow> = app
            .store
            .client()
            .query_raw(sql!("orders/bindings_by_id.sql"))
            .param("workspace", workspace_id)
            .param("bindings", uuids(own_ids.iter().copied()))
            .fetch_all()
            .await?;
        let mut keys: BTreeSet<u128> = keys;
        keys.extend(own.iter().chain(&stored_own).map(|row| row.person_key.as_u128()));
        let mut visitors: BTreeSet<u128> = visitors.into_iter().map(|visitor| visitor.0).collect();
        // A visitor is a key as well: of the other ids its browser had at a sister site.
        visitors.extend(own.iter().map(|row| row.visitor_id.as_u128()));
        keys.extend(&visitors);
        let mut known = Known { own: own.into_iter().collect(), stored_own, others: HashSet::new() };
        // Nobody is no key.
        let mut asked: BTreeSet<u128> = [0].into();
        for _ in 0..ROUNDS_MAX {
            let fresh: Vec<u128> = keys.difference(&asked).copied().collect();
            if fresh.is_empty() {
                break;
            }
            let found = bindings_of(app, workspace_id, &fresh, &[]).await?;
            asked.extend(fresh);
            let found = found.into_iter().filter(|row| !own_ids.contains(&row.binding_id.as_u128()));
            for row in found {
                keys.extend([row.person_key.as_u128(), row.visitor_id.as_u128()]);
                visitors.insert(row.visitor_id.as_u128());
                known.others.insert(row);
            }
        }
        visitors.remove(&0);
        if !visitors.is_empty() {
            let visitors: Vec<u128> = visitors.into_iter().collect();
            let found = bindings_of(app, workspace_id, &[], &visitors).await?;
            known.others.extend(found.into_iter().filter(|row| !own_ids.contains(&row.binding_id.as_u128())));
        }
        // Whether an address is a person's or many people's shows in everything it was used on, and who had the other id
        // of a browser in what that id says: else it would depend on which orders are looked at together.
        for _ in 0..ROUNDS_MAX {
            let telling = known.others.iter().filter(|row| row.role_address || row.key_kind == KIND_VISITOR);
            let keys: BTreeSet<u128> = telling.map(|row| row.person_key.as_u128()).collect();
            let fresh: Vec<u128> = keys.difference(&asked).copied().collect();
            if fresh.is_empty() {
                break;
            }
            let found = bindings_of(app, workspace_id, &fresh, &fresh).await?;
            asked.extend(fresh);
            known.others.extend(found.into_iter().filter(|row| !own_ids.contains(&row.binding_id.as_u128())));
        }
        Ok(known)
    }

    /// Writes what the batch's orders say newly and takes back what they no longer say. Orders outside the
    /// batch that this may concern are marked before, so that a crash in between loses nothing.
    pub async fn keep_own(
        &self,
        app: &App,
        workspace_id: &str,
        batch: &HashSet<&str>,
    ) -> Result<(), JobError> {
        let stored: HashSet<&BindingRow> = self.stored_own.iter().collect();
        let places: HashSet<_> = self.own.iter().map(BindingRow::place).collect();
        let fresh = self.own.iter().filter(|row| !stored.contains(row)).cloned();
        let gone = self.stored_own.iter().filter(|row| !places.contains(&row.place())).cloned();
        let gone = gone.map(|row| BindingRow { source: SOURCE_RETRACTED, ..row });
        let changed: Vec<BindingRow> = fresh.chain(gone).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<u128> = changed.iter().map(|row| row.person_key.as_u128()).collect();
        let visitors: BTreeSet<u128> =
            changed.iter().map(|row| row.visitor_id.as_u128()).filter(|&visitor| visitor != 0).collect();
        let (keys, visitors): (Vec<u128>, Vec<u128>) =
            (keys.into_iter().collect(), visitors.into_iter().collect());
        let concerned = orders_of_people(app, workspace_id, &keys, &visitors).await?;
        let marks: Vec<Subject> = concerned
            .into_iter()
            .filter(|id| !batch.contains(id.as_str()))
            .map(|id| Subject { workspace_id: workspace_id.to_owned(), kind: SubjectKind::Order, id })
            .collect();
        let now_ms = app.clock.now_ms();
        app.control.mark_dirty(&marks, now_ms).await?;
        let mut rows = RowWriter::new();
        for row in &changed {
            rows.string(workspace_id)
                .i8(row.key_kind)
                .uuid(row.person_key.as_u128())
                .uuid(row.visitor_id.as_u128())
                .i64(row.at)
                .uuid(row.binding_id.as_u128())
                .i8(row.source)
                .u8(u8::from(row.role_address))
                .i64(now_ms);
        }
        app.store.insert("bindings", COLUMNS, "RowBinary", rows.into_bytes().into(), None).await?;
        Ok(())
    }

    /// All of them, as the domain reads them.
    pub fn bindings(&self) -> Vec<Binding> {
        let mut by_id: BTreeMap<Uuid, Vec<&BindingRow>> = BTreeMap::new();
        for row in self.own.iter().chain(&self.others) {
            by_id.entry(row.binding_id).or_default().push(row);
        }
        by_id.values().map(|rows| binding(rows)).collect()
    }
}

fn binding(rows: &[&BindingRow]) -> Binding {
    let first = rows[0];
    let (source, strength) = match first.source {
        SOURCE_IDENTIFY => (BindingSource::Identify, Strength::Said),
        SOURCE_ORDER => (BindingSource::Order, Strength::Paid),
        SOURCE_HANDOVER => (BindingSource::Handover, Strength::Said),
        _ => (BindingSource::Checkout, Strength::Weak),
    };
    let mut keys: Vec<PersonKey> =
        rows.iter().filter_map(|row| person_key(row.key_kind, row.person_key.as_u128())).collect();
    keys.sort_unstable();
    Binding {
        visitor: Some(VisitorId(first.visitor_id.as_u128())).filter(|visitor| visitor.0 != 0),
        keys,
        at_ms: first.at,
        source,
        strength,
        role_address: rows.iter().any(|row| row.role_address),
    }
}

async fn bindings_of(
    app: &App,
    workspace_id: &str,
    keys: &[u128],
    visitors: &[u128],
) -> Result<Vec<BindingRow>, JobError> {
    let found = app
        .store
        .client()
        .query_raw(sql!("orders/bindings_of.sql"))
        .param("workspace", workspace_id)
        .param("keys", uuids(keys.iter().copied()))
        .param("visitors", uuids(visitors.iter().copied()))
        .fetch_all()
        .await?;
    Ok(found)
}
