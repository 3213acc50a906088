//! Which facets may not earn in a workspace, remembered from step to step. What a facet says never changes, since its id
//! is made of it, so that each is read and judged once for as long as the exclusions stay; a step reads those it meets
//! for the first time and no others. Never judges by what is not stored yet.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use domain::visit::Exclusion;

use super::terms::{excluded, facets_of};
use crate::app::App;
use crate::jobs::JobError;

/// Facets that are remembered of one workspace, about twenty bytes each; with more it begins anew.
const FACETS_MAX: usize = 1_000_000;
/// Facets that are asked for at once: as many as the address of a question holds.
const ASKED_MAX: usize = 2_000;

/// What was judged, by workspace.
#[derive(Debug, Default)]
pub struct Judged(Mutex<HashMap<String, Known>>);

/// The facets of a workspace under its exclusions.
#[derive(Debug, Default)]
struct Known {
    exclusions: Vec<Exclusion>,
    /// Of each facet that was read: whether it may not earn.
    facets: HashMap<u64, bool>,
}

impl Judged {
    /// Those of `facets` that may not earn, and those that nothing is known of.
    fn ask(
        &self,
        workspace_id: &str,
        exclusions: &[Exclusion],
        facets: &BTreeSet<u64>,
    ) -> (HashSet<u64>, Vec<u64>) {
        let mut judged = self.0.lock().expect("no holder panics");
        let known = judged.entry(workspace_id.to_owned()).or_default();
        if known.exclusions != exclusions || known.facets.len() > FACETS_MAX {
            *known = Known { exclusions: exclusions.to_vec(), facets: HashMap::new() };
        }
        let is_excluded = |facet: &&u64| known.facets.get(facet).copied().unwrap_or(false);
        let unknown = |facet: &&u64| !known.facets.contains_key(facet);
        (
            facets.iter().filter(is_excluded).copied().collect(),
            facets.iter().filter(unknown).copied().collect(),
        )
    }

    /// Remembers what was judged under these exclusions, unless others are in force by now.
    fn learn(&self, workspace_id: &str, exclusions: &[Exclusion], facets: impl Iterator<Item = (u64, bool)>) {
        let mut judged = self.0.lock().expect("no holder panics");
        if let Some(known) = judged.get_mut(workspace_id).filter(|known| known.exclusions == exclusions) {
            known.facets.extend(facets);
        }
    }
}

/// Those of `facets` that may not earn.
pub async fn among(
    app: &App,
    workspace_id: &str,
    exclusions: &[Exclusion],
    facets: &BTreeSet<u64>,
) -> Result<HashSet<u64>, JobError> {
    if exclusions.is_empty() {
        return Ok(HashSet::new());
    }
    let judged = &app.jobs.judged;
    let (mut found, unknown) = judged.ask(workspace_id, exclusions, facets);
    for asked in unknown.chunks(ASKED_MAX) {
        let read = facets_of(&app.store, workspace_id, Some(asked)).await?;
        let fits = excluded(exclusions, &read);
        judged.learn(workspace_id, exclusions, read.keys().map(|facet| (*facet, fits.contains(facet))));
        found.extend(fits);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facet_is_asked_for_once_and_again_under_other_exclusions() {
        let judged = Judged::default();
        let exclusions = |text: &str| vec![text.parse::<Exclusion>().expect("an exclusion")];
        let (direct, email) = (exclusions("channel=Direct"), exclusions("channel=Email"));
        let facets = BTreeSet::from([1, 2, 3]);
        assert_eq!(judged.ask("ws_a", &direct, &facets), (HashSet::new(), vec![1, 2, 3]));
        // The third is not stored yet: it is asked for again.
        judged.learn("ws_a", &direct, [(1, true), (2, false)].into_iter());
        assert_eq!(judged.ask("ws_a", &direct, &facets), (HashSet::from([1]), vec![3]));
        assert_eq!(judged.ask("ws_a", &direct, &BTreeSet::from([2])), (HashSet::new(), vec![]));
        assert_eq!(
            judged.ask("ws_b", &direct, &BTreeSet::from([1])).1,
            [1],
            "another workspace's is another"
        );
        assert_eq!(judged.ask("ws_a", &email, &facets).1, [1, 2, 3]);
        // What was judged under the exclusions of before comes too late.
        judged.learn("ws_a", &direct, [(1, true)].into_iter());
        assert_eq!(judged.ask("ws_a", &email, &facets).1, [1, 2, 3]);
    }
}
