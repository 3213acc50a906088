//! Where a connection's poll stands: kept in the control store after every few pages, so that another process can
//! go on. Its fields are only ever added to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::billing::http::Page;
use crate::billing::lists::{List, Pass, Reading};
use crate::control::{Control, ControlError};

/// Objects of a page; more is not given.
const PAGE_OBJECTS: u64 = 100;
/// How often a list that got shorter while it was read is begun anew.
const RESTARTS_MAX: u32 = 10;

/// Where the poll of one connection stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PollState {
    /// The pass under way.
    pub run: Option<Run>,
    /// A pass somebody asked for that has not begun.
    pub asked: Option<Pass>,
    /// Nothing is called before this time.
    pub next_at_ms: i64,
    /// Failed calls in a row.
    pub failures: u32,
    /// When the newest finished passes began.
    pub recent_at_ms: Option<i64>,
    pub deep_at_ms: Option<i64>,
    pub history_at_ms: Option<i64>,
    /// A step is under way from where the run stands. Found true by a step that begins, the one before it was cut, and
    /// may have kept facts that it did not mark.
    pub is_under_way: bool,
    /// What stands in the way now.
    pub problem: Option<Problem>,
    /// Scopes the last pass missed.
    pub missing_scopes: Vec<String>,
    /// What the provider says of our webhook endpoint.
    pub endpoint: Option<EndpointState>,
}

/// What stands in the way of polling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// Stable, such as `token_refused` or `rate_limited`.
    pub code: String,
    /// For people; says what to do.
    pub message: String,
    pub since_ms: i64,
}

/// The webhook endpoint as the provider has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Enabled, and sends everything we need.
    Fine,
    /// The provider switched it off, or a person did: nothing is sent.
    Disabled,
    /// Some events we need are not chosen.
    Incomplete,
    /// No endpoint has our address.
    Missing,
    /// The token may not read the endpoints.
    Unknown,
}

/// A pass over the lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub pass: Pass,
    pub started_ms: i64,
    /// Which list, by its position; behind the last one is the look at the webhook endpoint.
    pub list: usize,
    pub cursor: Cursor,
    pub requests: u64,
    /// Objects read, of all lists.
    pub read: u64,
    /// Objects of the list being read, as the provider counts them.
    pub total: u64,
    pub imported: u64,
    pub found: u64,
    pub rejected: u64,
    pub missing_scopes: Vec<String>,
}

impl Run {
    pub fn begin(pass: Pass, started_ms: i64) -> Run {
        Run {
            pass,
            started_ms,
            list: 0,
            cursor: Cursor::default(),
            requests: 0,
            read: 0,
            total: 0,
            imported: 0,
            found: 0,
            rejected: 0,
            missing_scopes: Vec::new(),
        }
    }

    pub fn next_list(&mut self) {
        self.list += 1;
        self.cursor = Cursor::default();
        self.total = 0;
    }
}

/// Where in a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// Objects after this moment, when the list is read from one.
    after_ms: Option<i64>,
    /// Pages behind us since then.
    pages: u64,
    /// How long the list was, from that moment on.
    total: Option<u64>,
    restarts: u32,
}

impl Cursor {
    /// The query of the next page.
    pub fn query(&self, list: &List, since_ms: Option<i64>) -> Vec<(&'static str, String)> {
        let mut query: Vec<(&'static str, String)> =
            list.filters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        match list.reading {
            Reading::Since { filter, sorting } => {
                let after = self.after_ms.or(since_ms).and_then(|at| Timestamp::from_millisecond(at).ok());
                query.extend(after.map(|at| (filter, at.to_string())));
                query.push(("sorting", sorting.to_owned()));
            }
            Reading::Newest { sorting } => query.push(("sorting", sorting.to_owned())),
        }
        query.push(("limit", PAGE_OBJECTS.to_string()));
        query.push(("page", (self.pages + 1).to_string()));
        query
    }

    /// Moves behind `page`; `true` when it was the last one.
    pub fn advance(&mut self, list: &List, since_ms: Option<i64>, page: &Page) -> bool {
        // Rows that went away move unread ones to pages behind us.
        let is_shorter = self.total.is_some_and(|total| page.total < total);
        self.total = Some(page.total);
        if is_shorter && self.restarts < RESTARTS_MAX {
            self.restarts += 1;
            self.pages = 0;
            return false;
        }
        let times = page.items.iter().filter_map(|item| time_of(item, list.time_field));
        match list.reading {
            Reading::Since { .. } => {
                if page.items.is_empty() || self.pages + 1 >= page.pages {
                    return true;
                }
                // One millisecond back: what shares the last object's time may stand on the next page. Without
                // progress in time, by pages.
                match times.max().map(|last_ms| last_ms - 1) {
                    Some(last_ms) if self.after_ms.or(since_ms).is_none_or(|after_ms| last_ms > after_ms) => {
                        self.after_ms = Some(last_ms);
                        self.pages = 0;
                        // The rest of the list has another length.
                        self.total = None;
                    }
                    _ => self.pages += 1,
                }
                false
            }
            Reading::Newest { .. } => {
                let reaches =
                    since_ms.is_some_and(|since_ms| times.min().is_some_and(|first| first < since_ms));
                self.pages += 1;
                page.items.is_empty() || reaches || self.pages >= page.pages
            }
        }
    }
}

/// A time of an object, as far as it has one.
fn time_of(item: &Value, field: &str) -> Option<i64> {
    item[field].as_str()?.parse::<Timestamp>().ok().map(|at| at.as_millisecond())
}

impl PollState {
    /// As last saved; a fresh one for a connection that was never polled.
    pub async fn load(app: &App, connection_id: &str) -> Result<PollState, ControlError> {
        PollState::load_from(&app.control, connection_id).await
    }

    /// As [`PollState::load`], for who has the control store only.
    pub async fn load_from(control: &Control, connection_id: &str) -> Result<PollState, ControlError> {
        let Some(text) = control.checkpoint(&name(connection_id)).await? else {
            return Ok(PollState::default());
        };
        serde_json::from_str(&text)
            .map_err(|error| ControlError::Damaged { what: "the state of a poll", why: error.to_string() })
    }

    pub(super) async fn save(&self, app: &App, connection_id: &str) -> Result<(), ControlError> {
        let text = serde_json::to_string(self).expect("plain values");
        app.control.set_checkpoint(&name(connection_id), &text, app.clock.now_ms()).await
    }
}

fn name(connection_id: &str) -> String {
    format!("poll {connection_id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::billing::ObjectKind;

    const SINCE: List = List {
        kind: ObjectKind::Order,
        path: "/o/",
        filters: &[],
        scope: "o",
        time_field: "created_at",
        reading: Reading::Since { filter: "created_after", sorting: "created_at" },
    };
    const NEWEST: List = List { reading: Reading::Newest { sorting: "-created_at" }, ..SINCE };

    fn page(times_ms: &[i64], total: u64, pages: u64) -> Page {
        let item = |&at| json!({ "created_at": Timestamp::from_millisecond(at).unwrap().to_string() });
        Page { items: times_ms.iter().map(item).collect(), total, pages }
    }

    #[test]
    fn a_list_read_from_a_moment_moves_the_moment_and_keeps_what_shares_it() {
        let mut cursor = Cursor::default();
        assert!(!cursor.query(&SINCE, None).iter().any(|(name, _)| *name == "created_after"));
        assert!(!cursor.advance(&SINCE, None, &page(&[5_000, 9_000], 250, 3)));
        let query = cursor.query(&SINCE, None);
        assert!(query.contains(&("created_after", "1970-01-01T00:00:08.999Z".to_owned())), "{query:?}");
        assert!(query.contains(&("page", "1".to_owned())));
        // A whole page of one moment: the next page then.
        assert!(!cursor.advance(&SINCE, None, &page(&[9_000, 9_000], 150, 2)));
        assert!(cursor.query(&SINCE, None).contains(&("page", "2".to_owned())));
        assert!(cursor.advance(&SINCE, None, &page(&[9_000, 9_001], 150, 2)));
    }

    #[test]
    fn of_a_list_read_by_pages_of_one_moment_a_row_that_went_away_has_it_begun_anew() {
        let mut cursor = Cursor::default();
        assert!(!cursor.advance(&SINCE, Some(8_999), &page(&[9_000, 9_000], 6, 3)));
        assert!(!cursor.advance(&SINCE, Some(8_999), &page(&[9_000, 9_000], 5, 3)), "one went away");
        assert!(cursor.query(&SINCE, Some(8_999)).contains(&("page", "1".to_owned())));
        assert!(!cursor.advance(&SINCE, Some(8_999), &page(&[9_000, 9_000], 5, 3)));
        assert!(!cursor.advance(&SINCE, Some(8_999), &page(&[9_000, 9_000], 5, 3)));
        assert!(cursor.advance(&SINCE, Some(8_999), &page(&[9_000], 5, 3)));
    }

    #[test]
    fn a_list_read_from_its_newest_stops_behind_the_moment_and_begins_anew_when_it_shrinks() {
        let mut cursor = Cursor::default();
        assert!(!cursor.advance(&NEWEST, Some(4_000), &page(&[9_000, 8_000], 6, 3)));
        assert!(!cursor.advance(&NEWEST, Some(4_000), &page(&[7_000, 6_000], 5, 3)), "one went away");
        assert!(cursor.query(&NEWEST, Some(4_000)).contains(&("page", "1".to_owned())));
        assert!(!cursor.advance(&NEWEST, Some(4_000), &page(&[9_000, 7_000], 5, 3)));
        assert!(cursor.advance(&NEWEST, Some(4_000), &page(&[6_000, 3_000], 5, 3)));
    }
}
