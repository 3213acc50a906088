//! Under which terms touches may earn in a workspace: how old they may be, and which of them are excluded. One place
//! for what stands, for a preview of other terms, and for the explanation a merchant reads.

use std::collections::{HashMap, HashSet};

use clickhouse::Row;
use domain::attribution::Touch;
use domain::visit::{Exclusion, Facets};
use serde::Deserialize;

use super::DAY_MS;
use crate::app::App;
use crate::control::workspaces::Workspace;
use crate::jobs::JobError;
use crate::sql;
use crate::store::Store;

/// Where a touch would come from under other rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub facet: u64,
    pub direct: bool,
}

/// Under which terms touches may earn.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Milliseconds before an anchor in which a touch can earn.
    pub window_ms: i64,
    /// Facets of the touches that may not earn.
    pub excluded: HashSet<u64>,
    /// Touches that are looked at as if they came from elsewhere; only in a preview.
    pub origins: HashMap<u128, Origin>,
}

impl Terms {
    /// The terms of a workspace as they stand, for all of its orders: every facet is read.
    pub async fn of(app: &App, workspace_id: &str) -> Result<Terms, JobError> {
        let exclusions = exclusions(app, workspace_id);
        let excluded = match exclusions.is_empty() {
            true => HashSet::new(),
            false => excluded(&exclusions, &facets(&app.store, workspace_id).await?),
        };
        Ok(Terms { excluded, ..Terms::without_exclusions(app, workspace_id) })
    }

    /// The same but for the visits that may not earn, which [`super::excluded::among`] finds among a few.
    pub fn without_exclusions(app: &App, workspace_id: &str) -> Terms {
        Terms { window_ms: window_ms(app, workspace_id), ..Terms::default() }
    }

    /// Leaves in a journey what may earn under these terms, each touch from where it comes under them.
    pub fn apply(&self, touches: &mut Vec<Touch>) {
        if !self.origins.is_empty() {
            for touch in touches.iter_mut() {
                if let Some(origin) = self.origins.get(&touch.id) {
                    (touch.facet, touch.direct) = (origin.facet, origin.direct);
                }
            }
        }
        if !self.excluded.is_empty() {
            touches.retain(|touch| !self.excluded.contains(&touch.facet));
        }
    }
}

/// Visits of a workspace that may not earn.
pub fn exclusions(app: &App, workspace_id: &str) -> Vec<Exclusion> {
    let directory = app.directory();
    directory.workspaces.get(workspace_id).map(|known| known.settings.exclusions.clone()).unwrap_or_default()
}

/// Milliseconds before an anchor in which a touch of this workspace can earn.
pub fn window_ms(app: &App, workspace_id: &str) -> i64 {
    let directory = app.directory();
    let days = directory
        .workspaces
        .get(workspace_id)
        .map_or(app.config.attribution.window_days, |workspace: &std::sync::Arc<Workspace>| {
            app.window_days(workspace)
        });
    i64::from(days) * DAY_MS
}

/// Those of the facets that an exclusion fits.
pub fn excluded(exclusions: &[Exclusion], facets: &HashMap<u64, Facets>) -> HashSet<u64> {
    let fits = |facets: &Facets| exclusions.iter().any(|exclusion| exclusion.fits(facets));
    facets.iter().filter(|(_, facets)| fits(facets)).map(|(id, _)| *id).collect()
}

#[derive(Row, Deserialize)]
struct StoredFacets {
    facet_id: u64,
    channel_name: String,
    source_name: String,
    medium_name: String,
    campaign: String,
    content: String,
    term: String,
    landing_page: String,
    referrer_name: String,
    country_name: String,
    device_name: String,
    partner_name: String,
}

/// Every set of facets of a workspace. Sets of a channel that this program does not know are left out.
pub async fn facets(store: &Store, workspace_id: &str) -> Result<HashMap<u64, Facets>, JobError> {
    facets_of(store, workspace_id, None).await
}

/// As [`facets`], of some of them.
pub(super) async fn facets_of(
    store: &Store,
    workspace_id: &str,
    some: Option<&[u64]>,
) -> Result<HashMap<u64, Facets>, JobError> {
    let text = sql!("journeys/facets.sql");
    let query = match some {
        None => store.client().query_raw(text),
        Some(ids) => {
            let text = text.replace("/*facets*/", "AND facet_id IN {facets:Array(UInt64)}");
            store.client().query_raw(&text).param("facets", ids)
        }
    };
    let query = query.param("workspace", workspace_id);
    let found: Vec<StoredFacets> = query.fetch_all().await?;
    let read = |row: StoredFacets| {
        let facets = Facets {
            channel: row.channel_name.parse().ok()?,
            source: row.source_name,
            medium: row.medium_name,
            campaign: row.campaign,
            content: row.content,
            term: row.term,
            landing_page: row.landing_page,
            referrer: row.referrer_name,
            country: row.country_name,
            device: row.device_name,
            partner: row.partner_name,
        };
        Some((row.facet_id, facets))
    };
    Ok(found.into_iter().filter_map(read).collect())
}
