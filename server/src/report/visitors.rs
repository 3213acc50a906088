//! Visits and visitors of the channels report. Visits are counts of whole days and of what sticks out at the ends;
//! how many they are decides how visitors are counted: each of them, by a sketch, or from a fair sample. It holds no
//! money.

use std::collections::HashMap;

use clickhouse::Row;
use domain::report::{Period, Query, VisitSum};
use serde::Deserialize;

use super::statement::{Statement, values};
use super::visits::{Counted, EXACT_VISITS_MAX};
use super::{ReportError, Reports};
use crate::sql;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Looking at four million visits takes about 0.1 s of two cores; twenty thousand visitors in a thirty-second part
/// know the whole to seven in a thousand (1 : √20,000).
const SAMPLING: Sampling = Sampling { sketched_visits_max: 4_000_000, sampled_visitors_min: 20_000 };
/// Between the values of a group when they are compared as one text: no value holds it.
const BETWEEN_VALUES: &str = "\u{1f}";

/// When visitors are known from a sample.
struct Sampling {
    /// Visits of a period up to which every one is looked at.
    sketched_visits_max: u64,
    /// Visitors of a group the sample must show to stand for all of them.
    sampled_visitors_min: i64,
}

#[derive(Row, Deserialize)]
struct VisitsRow {
    values: Vec<String>,
    everything: u8,
    visits: u64,
}

#[derive(Row, Deserialize)]
struct VisitorsRow {
    values: Vec<String>,
    everything: u8,
    visitors: u64,
}

#[derive(Row, Deserialize)]
struct BothRow {
    values: Vec<String>,
    everything: u8,
    visitors: u64,
    visits: u64,
}

/// The values of a group; `None` is everything.
type Group = Option<Vec<String>>;

fn group(query: &Query, mut values: Vec<String>, everything: u8) -> Group {
    // A touch whose facet is not there yet has no values at all.
    values.resize(query.group_by.len(), String::new());
    (everything == 0).then_some(values)
}

impl Reports {
    /// Visits and visitors by the dimensions of `query`, and once over everything.
    pub(super) async fn visits(
        &self,
        query: &Query,
        period: &Period,
    ) -> Result<Counted<VisitSum>, ReportError> {
        self.visits_by(query, period, EXACT_VISITS_MAX, &SAMPLING).await
    }

    async fn visits_by(
        &self,
        query: &Query,
        period: &Period,
        exact_visits_max: u64,
        sampling: &Sampling,
    ) -> Result<Counted<VisitSum>, ReportError> {
        let counts = self.counts_by_day(query, period).await?;
        // Nothing at all has no row of everything.
        let visits = counts.iter().find(|(values, _)| values.is_none()).map_or(0, |(_, visits)| *visits);
        let one_by_one = self.grouped(sql!("reports/visits.sql"), query, period);
        let exact = visits <= exact_visits_max;
        if exact || visits <= sampling.sketched_visits_max {
            let rows: Vec<BothRow> = match exact {
                true => self.counted_exactly(&one_by_one).await?,
                false => self.sketched(&one_by_one).await?,
            };
            let rows = rows.into_iter().map(|row| VisitSum {
                values: group(query, row.values, row.everything),
                visitors: row.visitors,
                visits: row.visits,
            });
            return Ok(Counted { rows: rows.collect(), exact });
        }
        let mut sample = self.grouped(sql!("reports/visitors_sampled.sql"), query, period);
        sample.number("enough", sampling.sampled_visitors_min);
        let sample: Vec<VisitorsRow> = sample.on(&self.app.store).fetch_all().await?;
        let sample =
            sample.into_iter().map(|row| (group(query, row.values, row.everything), row.visitors)).collect();
        let visitors = self.completed(query, sample, one_by_one, &counts).await?;
        let rows = counts.into_iter().map(|(values, visits)| VisitSum {
            visitors: visitors.get(&values).copied().unwrap_or(0),
            values,
            visits,
        });
        Ok(Counted { rows: rows.collect(), exact: false })
    }

    /// Visits, about as fast whatever their number.
    async fn counts_by_day(&self, query: &Query, period: &Period) -> Result<Vec<(Group, u64)>, ReportError> {
        let (from_ms, to_ms) = whole_days(period.start_ms(), period.end_ms());
        let ends = match (from_ms, to_ms) == (period.start_ms(), period.end_ms()) {
            true => "",
            false => sql!("reports/visit_counts_ends.sql"),
        };
        let template = sql!("reports/visit_counts.sql").replace("/*ends*/", ends);
        let mut counts = self.prepare(&template, query, period);
        counts.number("days_from_ms", from_ms).number("days_to_ms", to_ms);
        let counts: Vec<VisitsRow> = counts.on(&self.app.store).fetch_all().await?;
        Ok(counts.into_iter().map(|row| (group(query, row.values, row.everything), row.visits)).collect())
    }

    /// A statement that numbers the groups of values.
    fn grouped(&self, template: &str, query: &Query, period: &Period) -> Statement {
        self.prepare(&template.replace("/*groups*/", sql!("reports/groups.sql")), query, period)
    }

    /// Visitors of the groups in `counts`: from the sample where it shows enough, the others by `one_by_one`.
    async fn completed(
        &self,
        query: &Query,
        mut visitors: HashMap<Group, u64>,
        mut one_by_one: Statement,
        counts: &[(Group, u64)],
    ) -> Result<HashMap<Group, u64>, ReportError> {
        // Many visits of few visitors: the sample shows too little even of all of them.
        if !visitors.contains_key(&None) {
            visitors.clear();
        }
        if counts.iter().all(|(group, _)| visitors.contains_key(group)) {
            return Ok(visitors);
        }
        let known: Vec<String> =
            visitors.keys().flatten().map(|values| values.join(BETWEEN_VALUES)).collect();
        if !known.is_empty() {
            let condition = format!(
                "AND facet_id NOT IN (SELECT facet_id FROM facets AS facet WHERE workspace_id = {{workspace:String}} \
                 AND arrayStringConcat({}, {{between:String}}) IN {{known:Array(String)}})",
                values(query)
            );
            one_by_one.fill("unknown", &condition).text("between", BETWEEN_VALUES).texts("known", known);
        }
        for row in self.sketched::<BothRow>(&one_by_one).await? {
            visitors.entry(group(query, row.values, row.everything)).or_insert(row.visitors);
        }
        Ok(visitors)
    }
}

/// Where the days of UTC that lie wholly between `from_ms` and `to_ms` begin and end; both `to_ms` when none does.
fn whole_days(from_ms: i64, to_ms: i64) -> (i64, i64) {
    let first_ms = from_ms.saturating_add(DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS;
    let end_ms = to_ms.div_euclid(DAY_MS) * DAY_MS;
    if first_ms < end_ms { (first_ms, end_ms) } else { (to_ms, to_ms) }
}

#[cfg(test)]
mod tests {
    use super::super::history::{app, reports};
    use super::*;

    #[tokio::test]
    async fn a_sample_stands_for_many_visitors_and_few_are_counted() {
        let (app, _dir) = app("visits_sampled").await;
        let client = app.store.client();
        // 60,000 visitors come by ads, 500 of them also by mail; every one twice.
        for sql in [
            "INSERT INTO facets (workspace_id, facet_id, channel) \
             VALUES ('ws_t', 1, 'Paid Search'), ('ws_t', 2, 'Email')",
            "INSERT INTO touches (workspace_id, visitor_id, at, touch_id, facet_id) \
             SELECT 'ws_t', reinterpretAsUUID(sipHash128(number % 60000)), toDateTime64('2026-05-01 09:30:00', 3, 'UTC') \
             + toIntervalMinute(number % 30000), generateUUIDv4(), 1 FROM numbers(120000)",
            "INSERT INTO touches (workspace_id, visitor_id, at, touch_id, facet_id) \
             SELECT 'ws_t', reinterpretAsUUID(sipHash128(number % 500)), toDateTime64('2026-05-02 22:30:00', 3, 'UTC'), \
             generateUUIDv4(), 2 FROM numbers(1000)",
        ] {
            client.query_raw(sql).execute().await.unwrap();
        }
        let reports = reports(&app);
        let query = reports.parse([("from", "2026-05-01"), ("to", "2026-05-31")]).unwrap();
        let asked = async |sampling: Sampling| {
            let sums = reports.visits_by(&query, &query.period, 0, &sampling).await.unwrap().rows;
            let of = |values: Option<&str>| {
                let values = values.map(|value| vec![value.to_owned()]);
                let sum = sums.iter().find(|sum| sum.values == values).expect("the group is there");
                (sum.visits, sum.visitors)
            };
            [of(Some("Paid Search")), of(Some("Email")), of(None)]
        };
        let near = |(visits, visitors): (u64, u64), expected: (u64, u64), permille: u64| {
            visits == expected.0 && visitors.abs_diff(expected.1) * 1000 <= expected.1 * permille
        };
        let counted = asked(SAMPLING).await;
        assert!(near(counted[0], (120_000, 60_000), 15), "{counted:?}");
        assert_eq!(counted[1], (1000, 500));
        // A thirty-second part of 60,000 is known to 1 : √1875, so seven percent are three such steps.
        let sampled = asked(Sampling { sketched_visits_max: 1000, sampled_visitors_min: 1000 }).await;
        assert!(near(sampled[0], (120_000, 60_000), 70) && sampled[0].1 % 32 == 0, "{sampled:?}");
        assert_eq!(sampled[1], (1000, 500), "too few in the sample: counted");
        assert!(near(sampled[2], (121_000, 60_000), 70) && sampled[2].1 % 32 == 0, "{sampled:?}");
        // Where even all of them are too few, everybody is counted.
        assert_eq!(
            asked(Sampling { sketched_visits_max: 1000, sampled_visitors_min: 50_000 }).await,
            counted
        );
    }

    #[test]
    fn whole_days_lie_inside_the_period() {
        let hour_ms = DAY_MS / 24;
        assert_eq!(whole_days(DAY_MS, 3 * DAY_MS), (DAY_MS, 3 * DAY_MS));
        assert_eq!(whole_days(DAY_MS - hour_ms, 3 * DAY_MS - hour_ms), (DAY_MS, 2 * DAY_MS));
        assert_eq!(whole_days(DAY_MS + hour_ms, 3 * DAY_MS + hour_ms), (2 * DAY_MS, 3 * DAY_MS));
        let short = (DAY_MS + hour_ms, 2 * DAY_MS + hour_ms);
        assert_eq!(whole_days(short.0, short.1), (short.1, short.1), "a day of elsewhere holds no whole one");
    }
}
