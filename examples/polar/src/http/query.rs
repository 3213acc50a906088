//! Reading list calls, and Polar's paging: `page` from 1, `limit` clamped to 100 without a word, repeated
//! filters meaning "any of", `metadata[key]=value`, `sorting=-created_at`.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Error;
use super::faults::SHIFTED;
use crate::clock::Time;
use crate::model::Metadata;

/// The pairs of a query string, in their order.
pub(crate) struct Query(pub Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Self::Rejection> {
        let text = parts.uri.query().unwrap_or_default();
        Ok(Query(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
    }
}

/// What rows are sorted by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortKey {
    At(Option<Time>),
    Number(i64),
    Text(String),
}

impl Query {
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// Whether the filter is absent or names `value`.
    pub fn allows(&self, name: &str, value: Option<&str>) -> bool {
        let mut wanted = self.all(name).peekable();
        wanted.peek().is_none() || wanted.any(|wanted| Some(wanted) == value)
    }

    pub fn allows_id(&self, name: &str, value: Option<Uuid>) -> bool {
        !self.has(name) || self.allows(name, value.map(|id| id.to_string()).as_deref())
    }

    /// Whether the query names it at all: what costs a look-up for every row is done for those that do only.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// An instant; 422 when it is none.
    pub fn time(&self, name: &str) -> Result<Option<Time>, Error> {
        self.one(name)
            .map(|text| {
                Time::parse(text).ok_or_else(|| Error::query(name, "Input should be a valid datetime"))
            })
            .transpose()
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.one(name).map(|text| matches!(text, "true" | "1"))
    }

    /// `metadata[key]=value`: several keys all, several values of a key any.
    pub fn allows_metadata(&self, metadata: &Metadata) -> bool {
        self.0.iter().filter(|(key, _)| key.starts_with("metadata[")).all(|(key, _)| {
            let Some(name) = key.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']')) else {
                return true;
            };
            let held =
                metadata.get(name).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
            held.is_some_and(|held| self.all(key).any(|wanted| wanted == held))
        })
    }

    fn whole(&self, name: &str, default: usize) -> Result<usize, Error> {
        let Some(text) = self.one(name) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|&n| n >= 1)
            .ok_or_else(|| Error::query(name, "Input should be a valid integer greater than or equal to 1"))
    }

    /// One page of `rows`, sorted; newest first when nothing is asked.
    pub fn page<T>(
        &self,
        mut rows: Vec<&T>,
        sort_key: impl Fn(&T, &str) -> Option<SortKey>,
        render: impl Fn(&T) -> Value,
    ) -> Result<Json<Value>, Error> {
        let mut sorting: Vec<&str> = self.all("sorting").collect();
        if sorting.is_empty() {
            sorting.push("-created_at");
        }
        for &wanted in sorting.iter().rev() {
            let name = wanted.strip_prefix('-').unwrap_or(wanted);
            if rows.first().is_some_and(|row| sort_key(row, name).is_none()) {
                return Err(Error::query("sorting", "Input is not a property this list is sorted by"));
            }
            rows.sort_by_key(|row| sort_key(row, name));
            if wanted.starts_with('-') {
                rows.reverse();
            }
        }
        let (page, limit) = (self.whole("page", 1)?, self.whole("limit", 10)?.min(100));
        // A row that came in front after the page before was read moves everything back by one.
        let shift = usize::from(page > 1 && self.one(SHIFTED).is_some());
        let from = (page - 1).saturating_mul(limit) - shift;
        let items: Vec<Value> = rows.iter().skip(from).take(limit).map(|row| render(row)).collect();
        let total = rows.len() + shift;
        Ok(Json(json!({
            "items": items,
            "pagination": { "total_count": total, "max_page": total.div_ceil(limit) },
        })))
    }
}
