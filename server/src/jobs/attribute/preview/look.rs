//! Which orders a change moves: everything is credited in memory under the terms after it and compared with what stands,
//! order by order, by the hashes of the rows; so that memory holds two numbers an order, the visits
//! of buyers that come from elsewhere, the orders that are joined to other visits, and no rows. Writes nothing.

use std::collections::{HashMap, HashSet};

use domain::attribution::Touch;
use domain::visit::{Facets, facet_id};
use sha2::{Digest, Sha256};

use super::super::DAY_MS;
use super::super::block::CreditRow;
use super::super::journeys;
use super::super::post::Poster;
use super::super::read::{self, Orders, Scope};
use super::super::reclassify::{self, Reclassified};
use super::super::terms::{Terms, excluded, facets};
use super::CHUNK;
use super::change::Rules;
use crate::app::App;
use crate::jobs::JobError;
use crate::jobs::resolve::{self, Joined};
use crate::sql;
use crate::store::row_binary::read_rows;

/// The hashes of an order's rows together, and how many rows there are.
type Hashes = HashMap<u128, (u64, i64)>;

/// The orders a change moves, and a digest of exactly that.
pub(super) struct Looked {
    /// Sorted.
    pub moved: Vec<u128>,
    pub digest: String,
    /// Every booked order, joined as it would be.
    pub orders: Orders,
}

/// What stands after a change.
pub(super) struct After {
    /// Under which touches would earn.
    pub terms: Terms,
    /// What every facet says, those included that only the change makes.
    pub facets: HashMap<u64, Facets>,
    /// Visits that come from elsewhere.
    pub visits: u64,
    /// Orders that are joined to other visits, by other bindings.
    pub joined: HashMap<u128, Joined>,
}

pub(super) async fn after(app: &App, rules: &Rules) -> Result<After, JobError> {
    let workspace_id = &rules.workspace.id;
    let mut known = facets(&app.store, workspace_id).await?;
    let Reclassified { visits, origins, facets } = reclassify::look(app, workspace_id, &rules.after).await?;
    known.extend(facets);
    // Nothing may be Direct or Unattributed yet, and be so after the change.
    known.extend([Facets::direct(), Facets::unattributed()].map(|facets| (facet_id(&facets), facets)));
    let excluded = excluded(&rules.after.exclusions, &known);
    let terms = Terms { window_ms: i64::from(rules.days.1) * DAY_MS, excluded, origins };
    let joined = match rules.joins() {
        true => resolve::joined_otherwise(app, workspace_id, &rules.after.bindings).await?,
        false => HashMap::new(),
    };
    Ok(After { terms, facets: known, visits, joined })
}

pub(super) async fn look(app: &App, rules: &Rules, after: &After) -> Result<Looked, JobError> {
    let workspace_id = &rules.workspace.id;
    let mut orders = Orders::load(&app.store, workspace_id, Scope::All).await?;
    orders.join(&after.joined);
    let wanted = wanted(app, workspace_id, &orders, after).await?;
    let stands = stands(app, workspace_id).await?;
    let shows_otherwise = |order: &&read::Order| {
        let is_apart = |money: &read::Money| (money.views & 1 != 0) != (money.views & 2 != 0);
        rules.basis.0 != rules.basis.1 && order.moneys().any(is_apart)
    };
    let mut moved: Vec<u128> = orders.orders.iter().filter(shows_otherwise).map(|order| order.id).collect();
    moved.extend(wanted.iter().filter(|(id, hash)| stands.get(id) != Some(hash)).map(|(id, _)| *id));
    moved.extend(stands.keys().filter(|id| !wanted.contains_key(id)));
    moved.sort_unstable();
    moved.dedup();
    let mut digest = Sha256::new();
    for id in &moved {
        let hash = |known: &Hashes| known.get(id).map_or([0; 8], |hash| hash.0.to_le_bytes());
        digest.update(id.to_le_bytes());
        digest.update(hash(&wanted));
        digest.update(hash(&stands));
    }
    let digest = digest.finalize();
    let digest = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Looked { moved, digest, orders })
}

/// What every order would have.
async fn wanted(app: &App, workspace_id: &str, orders: &Orders, after: &After) -> Result<Hashes, JobError> {
    let mut wanted = Hashes::with_capacity(orders.orders.len());
    let mut poster = Poster::default();
    let mut rows: Vec<CreditRow> = Vec::new();
    each_journey(app, workspace_id, orders, after, |root, touches| {
        rows.clear();
        for order in orders.group(root) {
            poster.post(order, orders.root(root).unwrap_or(order), touches, &mut rows);
        }
        for row in &rows {
            let known = wanted.entry(row.order_id).or_default();
            *known = (known.0 ^ row.version(&orders.texts), known.1 + 1);
        }
    })
    .await?;
    Ok(wanted)
}

/// Streams the journey of every root as it would be, empty ones too.
pub(super) async fn each_journey(
    app: &App,
    workspace_id: &str,
    orders: &Orders,
    after: &After,
    mut each: impl FnMut(u128, &[Touch]),
) -> Result<(), JobError> {
    let After { terms, joined, .. } = after;
    let mut done: HashSet<u128> = HashSet::new();
    journeys::journeys(&app.store, workspace_id, terms, None, |root, touches| {
        // The stored journey of an order that is joined otherwise is not its own any more.
        if !joined.contains_key(&root) {
            each(root, touches);
            done.insert(root);
        }
    })
    .await?;
    let otherwise: Vec<u128> = joined.keys().copied().collect();
    for roots in otherwise.chunks(CHUNK) {
        let mut some = Orders::load(&app.store, workspace_id, Scope::Orders(roots)).await?;
        some.join(joined);
        journeys::journeys(&app.store, workspace_id, terms, Some(&some), |root, touches| {
            each(root, touches);
            done.insert(root);
        })
        .await?;
    }
    orders.roots().filter(|root| !done.contains(root)).for_each(|root| each(root, &[]));
    Ok(())
}

/// What every order has.
async fn stands(app: &App, workspace_id: &str) -> Result<Hashes, JobError> {
    let mut stands = Hashes::new();
    let query = app.store.client().query_raw(sql!("journeys/standing_hashes.sql"));
    read_rows(query.param("workspace", workspace_id), |row| {
        stands.insert(row.uuid()?, (row.u64()?, row.i64()?));
        Some(())
    })
    .await?;
    Ok(stands)
}
