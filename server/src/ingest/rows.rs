//! The rows ingest writes: their tables, the column order they are encoded in, and the version of that
//! order. Rows wait in the inbox as bytes, so a later program must still know every older layout.

use std::sync::Arc;

use domain::visit::Facets;
use smallvec::SmallVec;

use super::seen::Mark;
use crate::store::row_binary::{RowReader, RowWriter};

/// Version of the column orders below. A change of any of them takes the next number and keeps the old
/// one readable in [`Table::columns`].
pub const ROW_LAYOUT: u32 = 1;

/// The tables ingest writes, in the order they are sent: what others point to goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    Facets,
    Touches,
    Bindings,
    Hits,
    Outcomes,
}

impl Table {
    pub const ALL: [Table; 5] =
        [Table::Facets, Table::Touches, Table::Bindings, Table::Hits, Table::Outcomes];

    /// Name in ClickHouse.
    pub fn name(self) -> &'static str {
        match self {
            Table::Facets => "facets",
            Table::Touches => "touches",
            Table::Bindings => "bindings",
            Table::Hits => "hits",
            Table::Outcomes => "outcomes",
        }
    }

    /// Columns in the order rows are encoded now.
    pub fn columns_now(self) -> &'static str {
        self.columns(ROW_LAYOUT).expect("the present layout has columns")
    }

    /// Columns in the order rows of `layout` were encoded; none for a layout this program does not know.
    pub fn columns(self, layout: u32) -> Option<&'static str> {
        (layout == ROW_LAYOUT).then_some(match self {
            Table::Facets => {
                "workspace_id, facet_id, channel, source, medium, campaign, content, term, \
                 landing_page, referrer, country, device, partner"
            }
            Table::Touches => {
                "workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, \
                 rules_version, site_rules, landing, referrer, app, session_start, click_param, click_value, \
                 received_at, classified_at"
            }
            Table::Bindings => {
                "workspace_id, key_kind, person_key, visitor_id, at, binding_id, source, role_address, \
                 received_at"
            }
            Table::Hits => {
                "workspace_id, hit_id, kind, at, received_at, visitor_id, evidence, session_id, host, \
                 path, query, referrer, name, props, device, browser, os, country, clock_offset_ms, \
                 engaged_ms"
            }
            Table::Outcomes => "workspace_id, hour, outcome, kind, hits",
        })
    }
}

/// Writes a row of facets.
pub fn facet_row(row: &mut RowWriter, workspace_id: &str, facet_id: u64, facets: &Facets) {
    row.string(workspace_id).u64(facet_id).string(facets.channel.as_str());
    for text in [
        &facets.source,
        &facets.medium,
        &facets.campaign,
        &facets.content,
        &facets.term,
        &facets.landing_page,
        &facets.referrer,
        &facets.country,
        &facets.device,
        &facets.partner,
    ] {
        row.string(text);
    }
}

/// Workspace and id of each hit in the encoded rows of `hits`, in their order. Ends early where a row does not
/// read, and at once for a layout this program does not know.
pub struct HitKeys<'a>(RowReader<'a>);

impl<'a> HitKeys<'a> {
    pub fn of(layout: u32, rows: &'a [u8]) -> HitKeys<'a> {
        HitKeys(RowReader::new(if layout == ROW_LAYOUT { rows } else { &[] }))
    }

    fn read(&mut self) -> Option<(&'a str, u128)> {
        let row = &mut self.0;
        let key = (row.string()?, row.uuid()?);
        // kind, at, received_at, visitor_id, evidence, session_id.
        let _ = (row.i8()?, row.i64()?, row.i64()?, row.uuid()?, row.i8()?, row.uuid()?);
        // host to country.
        for _ in 0..10 {
            row.string()?;
        }
        let _ = (row.i64()?, row.u32()?);
        Some(key)
    }
}

impl<'a> Iterator for HitKeys<'a> {
    type Item = (&'a str, u128);

    fn next(&mut self) -> Option<(&'a str, u128)> {
        if self.0.rest() == 0 { None } else { self.read() }
    }
}

/// Encoded rows of one table, back to back.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    pub writer: RowWriter,
    pub count: u32,
}

impl Rows {
    /// Starts one more row; the caller writes every column of it.
    pub fn row(&mut self) -> &mut RowWriter {
        self.count += 1;
        &mut self.writer
    }

    pub fn len_bytes(&self) -> usize {
        self.writer.as_bytes().len()
    }

    /// The rows as they are kept: nothing when there are none.
    pub fn blob(&self) -> Option<&[u8]> {
        (self.count > 0).then(|| self.writer.as_bytes())
    }
}

/// How many hits of a workspace ended how, within one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Empty when the workspace is unknown.
    pub workspace_id: Arc<str>,
    /// First second of the hour, UTC.
    pub hour_s: u32,
    /// `accepted` or the stable code of the reason.
    pub outcome: &'static str,
    /// `page`, `event`, `identify`, `image`; empty for what does not read.
    pub kind: &'static str,
    pub hits: u64,
}

/// What one request leaves behind: durable as a whole, or refused as a whole.
pub type Records = SmallVec<[Record; 1]>;

/// What one hit leaves behind.
#[derive(Debug, Default)]
pub struct Record {
    /// When the hit came; the record's rows carry it as `received_at`.
    pub received_at_ms: i64,
    pub facets: Rows,
    pub touches: Rows,
    pub bindings: Rows,
    pub hits: Rows,
    pub tally: Option<Tally>,
    /// Of the hit, to know it when it comes again.
    pub mark: Option<Mark>,
}

impl Record {
    /// Bytes of the rows, the measure of the inbox's budget.
    pub fn len_bytes(&self) -> usize {
        [&self.facets, &self.touches, &self.bindings, &self.hits].map(Rows::len_bytes).iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql;

    /// Column names of a table, in the order of its `CREATE TABLE`.
    fn created(table: &str) -> Vec<&'static str> {
        let file = sql!("migrations/0001_visits.sql");
        let start = file.find(&format!("CREATE TABLE IF NOT EXISTS {table}\n(")).expect("the table is there");
        let body = &file[start..];
        let body = &body[body.find("(\n").unwrap() + 2..body.find("\n)").unwrap()];
        let names = body.lines().filter_map(|line| line.split_whitespace().next());
        names.filter(|name| !["INDEX", "PROJECTION", "--"].contains(name)).collect()
    }

    #[test]
    fn every_column_of_every_table_is_written() {
        for table in Table::ALL {
            let columns: Vec<&str> = table.columns(ROW_LAYOUT).unwrap().split(", ").collect();
            assert_eq!(columns, created(table.name()), "{}", table.name());
        }
    }

    #[test]
    fn an_unknown_layout_has_no_columns() {
        assert!(Table::ALL.iter().all(|table| table.columns(ROW_LAYOUT + 1).is_none()));
    }
}
