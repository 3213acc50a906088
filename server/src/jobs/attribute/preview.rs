//! What a change of the rules would move, before it is made: another window, another basis of revenue, or nothing but
//! what has become known since. Looking changes nothing. Applying makes exactly what was looked at: it computes the
//! difference anew and refuses when it is another one.

use std::collections::{BTreeMap, HashMap};

use clickhouse::Row;
use domain::attribution::{DEFAULT_MODEL, MODELS, Touch};
use domain::ids::OrderId;
use domain::order::Basis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::block::CreditRow;
use super::post::Poster;
use super::read::{self, Orders, Scope};
use super::standing::Standing;
use super::{DAY_MS, post_orders};
use crate::app::App;
use crate::control::ControlError;
use crate::control::workspaces::Workspace;
use crate::jobs::JobError;
use crate::sql;
use crate::store::row_binary::read_rows;

/// Orders looked at, or posted, at once.
const CHUNK: usize = 500;
const EXAMPLES_MAX: usize = 100;
const WINDOW_DAYS_MAX: u32 = 3_650;

/// What is to be changed; nothing: what became known since is brought in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    pub window_days: Option<u32>,
    pub basis: Option<Basis>,
}

/// The difference a change would make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Preview {
    /// Give it to `…/apply` to make exactly this change.
    pub token: String,
    pub window_days_from: u32,
    pub window_days_to: u32,
    pub basis_from: String,
    pub basis_to: String,
    /// The model the amounts are shown under; every model is changed.
    pub model: String,
    /// Orders whose credits would change under some model.
    pub orders: u64,
    /// What each channel has and would have of these orders, in minor units.
    pub channels: Vec<Moved>,
    /// Per currency, what all channels together would have more or less: zero, but for another basis, which brings
    /// the tax in or leaves it out.
    pub differences: Vec<Difference>,
    /// The first hundred of the orders, by id.
    pub examples: Vec<MovedOrder>,
}

/// One channel's net money of the orders that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Moved {
    pub channel: String,
    pub currency: String,
    pub from: i64,
    pub to: i64,
    pub difference: i64,
}

/// A currency's balance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Difference {
    pub currency: String,
    /// Of all channels.
    pub difference: i64,
    /// What the other basis brings by itself, from the orders: the same number.
    pub declared: i64,
}

/// One order that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MovedOrder {
    #[schema(example = "ord_193c6946bbf9b39090f274b5bfb5ef55")]
    pub order_id: String,
    pub channels: Vec<Moved>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Applied {
    pub orders: u64,
    /// Rows of credits written: cancelled and new ones.
    pub written: u64,
}

/// Why a preview was not shown or not applied.
#[derive(Debug, Error)]
pub enum PreviewError {
    #[error("there is no workspace {0:?}")]
    NoWorkspace(String),
    #[error("window_days: use a whole number from 1 to {WINDOW_DAYS_MAX}")]
    Window,
    #[error("this is no token of a preview; give the one that the preview answered, unchanged")]
    NoToken,
    #[error(
        "orders, visits or settings changed since the preview, so that it would move other money; look again"
    )]
    Outdated,
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<ControlError> for PreviewError {
    fn from(error: ControlError) -> PreviewError {
        PreviewError::Job(error.into())
    }
}

/// The rules before and after a change.
struct Rules {
    workspace: Workspace,
    days: (u32, u32),
    basis: (Basis, Basis),
}

impl Rules {
    fn of(app: &App, workspace_id: &str, change: Change) -> Result<Rules, PreviewError> {
        let workspace = app.directory().workspaces.get(workspace_id).cloned();
        let workspace = workspace.ok_or_else(|| PreviewError::NoWorkspace(workspace_id.to_owned()))?;
        let days = app.window_days(&workspace);
        let days = (days, change.window_days.unwrap_or(days));
        if !(1..=WINDOW_DAYS_MAX).contains(&days.1) {
            return Err(PreviewError::Window);
        }
        let basis = workspace.settings.basis;
        let basis = (basis, change.basis.unwrap_or(basis));
        Ok(Rules { workspace: Workspace::clone(&workspace), days, basis })
    }

    fn window_ms(&self) -> i64 {
        i64::from(self.days.1) * DAY_MS
    }
}

/// The orders a change moves, and a digest of exactly that.
struct Looked {
    moved: Vec<u128>,
    digest: String,
}

/// The difference a change would make, told under one model. Writes nothing.
pub async fn preview(
    app: &App,
    workspace_id: &str,
    change: Change,
    model: Option<usize>,
) -> Result<Preview, PreviewError> {
    let rules = Rules::of(app, workspace_id, change)?;
    let _turn = app.jobs.attribution.lock().await;
    let looked = look(app, &rules).await?;
    let model = model.unwrap_or(DEFAULT_MODEL);
    let mut sums = Sums::default();
    let names = channel_names(app, workspace_id).await?;
    for chunk in looked.moved.chunks(CHUNK) {
        sum_chunk(app, &rules, chunk, model, &mut sums).await?;
    }
    Ok(Preview {
        token: token(&rules, &looked.digest),
        window_days_from: rules.days.0,
        window_days_to: rules.days.1,
        basis_from: rules.basis.0.name().to_owned(),
        basis_to: rules.basis.1.name().to_owned(),
        model: MODELS[model].name().to_owned(),
        orders: looked.moved.len() as u64,
        channels: moved(&sums.facets, &names),
        differences: sums.differences(),
        examples: sums
            .examples
            .iter()
            .map(|(order, facets)| MovedOrder {
                order_id: OrderId(*order).to_string(),
                channels: moved(facets, &names),
            })
            .collect(),
    })
}

/// Makes the change a preview showed: keeps the settings and posts the difference, or refuses when it has become
/// another one. A crash in between leaves the new settings and some orders to a preview of no change.
pub async fn apply(app: &App, workspace_id: &str, given: &str) -> Result<Applied, PreviewError> {
    let change = change_of(given).ok_or(PreviewError::NoToken)?;
    let rules = Rules::of(app, workspace_id, change)?;
    let _turn = app.jobs.attribution.lock().await;
    let looked = look(app, &rules).await?;
    let now = token(&rules, &looked.digest);
    if now != given {
        return Err(PreviewError::Outdated);
    }
    let mut workspace = rules.workspace.clone();
    if rules.days.0 != rules.days.1 {
        workspace.settings.window_days = Some(rules.days.1);
    }
    workspace.settings.basis = rules.basis.1;
    if workspace != rules.workspace {
        app.control.update_workspace(&workspace, app.clock.now_ms()).await?;
        app.reload_directory().await?;
    }
    let mut applied = Applied { orders: looked.moved.len() as u64, written: 0 };
    for chunk in looked.moved.chunks(CHUNK) {
        let orders: Vec<OrderId> = chunk.iter().map(|&id| OrderId(id)).collect();
        applied.written += post_orders(app, workspace_id, &orders, rules.window_ms()).await?.written;
    }
    tracing::info!(workspace = workspace_id, "a change was applied: {} orders moved", applied.orders);
    Ok(applied)
}

/// What the token says, beside the digest: `<days>.<basis>.<digest>`.
fn token(rules: &Rules, digest: &str) -> String {
    format!("{}.{}.{digest}", rules.days.1, rules.basis.1.name())
}

fn change_of(token: &str) -> Option<Change> {
    let mut parts = token.splitn(3, '.');
    let window_days = parts.next()?.parse().ok()?;
    let word = parts.next()?;
    let basis = Basis::ALL.into_iter().find(|basis| basis.name() == word)?;
    parts.next()?;
    Some(Change { window_days: Some(window_days), basis: Some(basis) })
}

#[derive(Row, Deserialize)]
struct Named {
    facet_id: u64,
    channel_name: String,
}

async fn channel_names(app: &App, workspace_id: &str) -> Result<HashMap<u64, String>, JobError> {
    let query = app.store.client().query_raw(sql!("journeys/facet_channels.sql"));
    let found: Vec<Named> = query.param("workspace", workspace_id).fetch_all().await?;
    Ok(found.into_iter().map(|named| (named.facet_id, named.channel_name)).collect())
}

/// Credits everything in memory and compares what comes out with what stands, order by order: by the hashes of the
/// rows, so that memory holds two numbers an order and no rows.
async fn look(app: &App, rules: &Rules) -> Result<Looked, JobError> {
    let workspace_id = &rules.workspace.id;
    let store = &app.store;
    let orders = Orders::load(store, workspace_id, Scope::All).await?;
    let mut wanted: HashMap<u128, (u64, i64)> = HashMap::with_capacity(orders.orders.len());
    let mut done: std::collections::HashSet<u128> = std::collections::HashSet::new();
    let mut poster = Poster::default();
    let mut rows: Vec<CreditRow> = Vec::new();
    let mut post = |root: u128, touches: &[Touch]| {
        rows.clear();
        for order in orders.group(root) {
            poster.post(order, orders.root(root).unwrap_or(order), touches, &mut rows);
        }
        for row in &rows {
            let known = wanted.entry(row.order_id).or_default();
            *known = (known.0 ^ row.version(&orders.texts), known.1 + 1);
        }
    };
    read::journeys(store, workspace_id, rules.window_ms(), None, |root, touches| {
        post(root, touches);
        done.insert(root);
    })
    .await?;
    orders.roots().filter(|root| !done.contains(root)).for_each(|root| post(root, &[]));
    let mut stands: HashMap<u128, (u64, i64)> = HashMap::with_capacity(wanted.len());
    let query =
        store.client().query_raw(sql!("journeys/standing_hashes.sql")).param("workspace", workspace_id);
    read_rows(query, |row| {
        stands.insert(row.uuid()?, (row.u64()?, row.i64()?));
        Some(())
    })
    .await?;
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
        let hash =
            |known: &HashMap<u128, (u64, i64)>| known.get(id).map_or([0; 8], |hash| hash.0.to_le_bytes());
        digest.update(id.to_le_bytes());
        digest.update(hash(&wanted));
        digest.update(hash(&stands));
    }
    let digest = digest.finalize();
    let digest = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Looked { moved, digest })
}

/// The bit in `credits.views` of an order's own currency.
fn view(basis: Basis) -> u8 {
    match basis {
        Basis::Net => 1,
        Basis::Gross => 2,
    }
}

/// Currency and facet: what it has and what it would have.
type Facets = BTreeMap<(String, u64), (i64, i64)>;

#[derive(Default)]
struct Sums {
    facets: Facets,
    /// What the other basis brings, by currency.
    declared: BTreeMap<String, i64>,
    examples: BTreeMap<u128, Facets>,
}

impl Sums {
    fn add(&mut self, order: u128, currency: &str, facet: u64, from: i64, to: i64) {
        let add = |facets: &mut Facets| {
            let sum = facets.entry((currency.to_owned(), facet)).or_default();
            *sum = (sum.0 + from, sum.1 + to);
        };
        add(&mut self.facets);
        if self.examples.contains_key(&order) || self.examples.len() < EXAMPLES_MAX {
            add(self.examples.entry(order).or_default());
        }
    }

    fn differences(&self) -> Vec<Difference> {
        let mut by_currency: BTreeMap<&str, i64> = BTreeMap::new();
        for ((currency, _), (from, to)) in &self.facets {
            *by_currency.entry(currency).or_default() += to - from;
        }
        let with_declared = by_currency.into_iter().map(|(currency, difference)| Difference {
            currency: currency.to_owned(),
            difference,
            declared: self.declared.get(currency).copied().unwrap_or(0),
        });
        with_declared.collect()
    }
}

/// Sums by channel, the names of facets put in; what stays as it is is left out.
fn moved(facets: &Facets, names: &HashMap<u64, String>) -> Vec<Moved> {
    let mut channels: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for ((currency, facet), (from, to)) in facets {
        let name = names.get(facet).map_or("", String::as_str);
        let sum = channels.entry((currency, name)).or_default();
        *sum = (sum.0 + from, sum.1 + to);
    }
    let told = channels.into_iter().filter(|(_, (from, to))| from != to);
    told.map(|((currency, channel), (from, to))| Moved {
        channel: channel.to_owned(),
        currency: currency.to_owned(),
        from,
        to,
        difference: to - from,
    })
    .collect()
}

async fn sum_chunk(
    app: &App,
    rules: &Rules,
    chunk: &[u128],
    model: usize,
    sums: &mut Sums,
) -> Result<(), JobError> {
    let (store, workspace_id) = (&app.store, &rules.workspace.id);
    let loaded = Orders::load(store, workspace_id, Scope::Orders(chunk)).await?;
    let mut journeys: HashMap<u128, Vec<Touch>> = HashMap::new();
    if loaded.roots().next().is_some() {
        read::journeys(store, workspace_id, rules.window_ms(), Some(&loaded), |root, touches| {
            journeys.insert(root, touches.clone());
        })
        .await?;
    }
    let standing = Standing::load(store, workspace_id, chunk).await?;
    let texts = &loaded.texts;
    let (old, new) = (view(rules.basis.0), view(rules.basis.1));
    for (row, signs) in standing.rows().filter(|(row, _)| row.views & old != 0) {
        let from = row.amounts[model] * signs;
        sums.add(row.order_id, standing.currency(row), row.facet_id, from, 0);
    }
    let (mut poster, mut rows) = (Poster::default(), Vec::new());
    let in_chunk = |order: &&read::Order| chunk.binary_search(&order.id).is_ok();
    for order in loaded.orders.iter().filter(in_chunk) {
        let touches = journeys.get(&order.root).map_or(&[][..], Vec::as_slice);
        poster.post(order, loaded.root(order.root).unwrap_or(order), touches, &mut rows);
        for money in order.moneys() {
            let left: i64 = money.booked.amount_minor
                - money
                    .booked
                    .refunds
                    .iter()
                    .filter(|refund| refund.reversed_at_ms.is_none())
                    .map(|refund| refund.amount_minor)
                    .sum::<i64>();
            let declared = sums.declared.entry(texts.get(money.currency).to_owned()).or_default();
            *declared += left * (i64::from(money.views & new != 0) - i64::from(money.views & old != 0));
        }
    }
    for row in rows.iter().filter(|row| row.views & new != 0) {
        sums.add(row.order_id, texts.get(row.texts.currency), row.facet_id, 0, row.amounts[model]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_is_changed_and_other_text_is_none() {
        let change = Change { window_days: Some(30), basis: Some(Basis::Gross) };
        assert_eq!(change_of("30.gross.00ff"), Some(change));
        for other in ["", "30", "30.gross", "x.net.00", "30.profit.00"] {
            assert_eq!(change_of(other), None, "{other}");
        }
    }

    #[test]
    fn what_moves_from_one_channel_to_another_leaves_no_difference() {
        let mut sums = Sums::default();
        sums.add(7, "USD", 1, 100, 0);
        sums.add(7, "USD", 2, 0, 100);
        sums.add(7, "USD", 3, 50, 50);
        let names =
            [(1, "Email"), (2, "Direct"), (3, "Social")].map(|(id, name)| (id, name.to_owned())).into();
        let told = moved(&sums.facets, &names);
        let told: Vec<_> = told.iter().map(|moved| (moved.channel.as_str(), moved.difference)).collect();
        assert_eq!(told, [("Direct", 100), ("Email", -100)], "what stays is left out");
        assert_eq!(sums.differences()[0].difference, 0);
    }
}
