//! History classified again, from the raw input that visits keep: where each visit would come from under other rules.
//! A visit stays one, whatever the rules say of its start; what keeps no raw input stays as it is.

use std::collections::{HashMap, HashSet};

use domain::visit::facets::facet_id;
use domain::visit::{Channel, Device, Facets, Landing, PageAddress, RULES_VERSION, Site, Verdict, classify};

use super::blocks::blocks;
use super::terms::{Origin, facets};
use crate::app::App;
use crate::control::workspaces::Settings;
use crate::ingest::rows::{Table, facet_row};
use crate::ingest::site::visit_site;
use crate::jobs::JobError;
use crate::sql;
use crate::store::row_binary::{RowReader, RowWriter, read_rows_paced};

/// Bytes of one insert.
const BLOCK_BYTES: usize = 8 << 20;

/// The visits that would come from elsewhere, and the new facets among what they would be.
#[derive(Debug, Default)]
pub struct Reclassified {
    pub visits: u64,
    /// Of the visits among them that can move an order.
    pub origins: HashMap<u128, Origin>,
    pub facets: HashMap<u64, Facets>,
}

/// A stored touch with what it is classified by.
struct Stored<'a> {
    visitor_id: u128,
    at_ms: i64,
    id: u128,
    session_id: u128,
    facet: u64,
    landing: &'a str,
    referrer: &'a str,
    app: &'a str,
    is_session_start: bool,
    click_param: &'a str,
    click_value: &'a str,
    received_at_ms: i64,
    classified_at_ms: i64,
    bought: bool,
}

/// What a touch becomes.
struct Again {
    facets: Facets,
    facet: u64,
    direct: bool,
    reason: &'static str,
}

/// Looks at every visit that was classified under other rules than those of `settings`. Writes nothing.
pub async fn look(app: &App, workspace_id: &str, settings: &Settings) -> Result<Reclassified, JobError> {
    let mut found = Reclassified::default();
    let take = |touch: Stored<'_>, again: Again| {
        found.visits += 1;
        if touch.bought {
            found.origins.insert(touch.id, Origin { facet: again.facet, direct: again.direct });
        }
        found.facets.entry(again.facet).or_insert(again.facets);
    };
    each(app, workspace_id, settings, take, || std::future::ready(())).await?;
    Ok(found)
}

/// Writes every such visit anew that comes from elsewhere now; answers how many. Run again it writes nothing.
pub async fn write(app: &App, workspace_id: &str, settings: &Settings) -> Result<u64, JobError> {
    let (blocks, mut receiver) = blocks::<Block>();
    let store = app.store.clone();
    let writer = tokio::spawn(async move {
        while let Some(Block { facets, touches }) = receiver.recv().await {
            // Facets first: what points at them must find them.
            for (table, rows) in [(Table::Facets, facets), (Table::Touches, touches)] {
                if !rows.is_empty() {
                    store
                        .insert(
                            table.name(),
                            table.columns_now(),
                            "RowBinary",
                            rows.into_bytes().into(),
                            None,
                        )
                        .await?;
                }
            }
        }
        Ok::<_, JobError>(())
    });
    let now_ms = app.clock.now_ms();
    let (mut block, mut written) = (Block::default(), 0);
    let mut named: HashSet<u64> = HashSet::new();
    let take = |touch: Stored<'_>, again: Again| {
        if named.insert(again.facet) {
            facet_row(&mut block.facets, workspace_id, again.facet, &again.facets);
        }
        touch_row(&mut block.touches, workspace_id, settings.rules_version, &touch, &again, now_ms);
        written += 1;
        if block.touches.as_bytes().len() >= BLOCK_BYTES {
            blocks.put(std::mem::take(&mut block));
        }
    };
    let read = each(app, workspace_id, settings, take, || blocks.send()).await;
    blocks.put(block);
    blocks.send().await;
    drop(blocks);
    let wrote =
        writer.await.map_err(|error| JobError::Unproven(format!("writing visits stopped: {error}")))?;
    read.and(wrote)?;
    Ok(written)
}

/// Rows that go together.
#[derive(Default)]
struct Block {
    facets: RowWriter,
    touches: RowWriter,
}

/// Streams the visits of other rules, each with what it becomes under these, where that is something else.
async fn each<P: Future<Output = ()>>(
    app: &App,
    workspace_id: &str,
    settings: &Settings,
    mut take: impl FnMut(Stored<'_>, Again),
    between: impl FnMut() -> P,
) -> Result<(), JobError> {
    let known = facets(&app.store, workspace_id).await?;
    let directory = app.directory();
    let active = visit_site(settings, &directory.codes_of(workspace_id));
    // What a partner brought stays the partner's, whatever became of the link.
    let ever = visit_site(settings, &directory.codes_ever(workspace_id));
    let query = app
        .store
        .client()
        .query_raw(sql!("journeys/touches_to_classify.sql"))
        .param("workspace", workspace_id)
        .param("rules_version", RULES_VERSION)
        .param("site_rules", settings.rules_version);
    let row = |row: &mut RowReader<'_>| {
        let touch = read(row)?;
        if let Some(old) = known.get(&touch.facet) {
            let site = if old.partner.is_empty() { &active } else { &ever };
            if let Some(again) = again(&touch, old, site) {
                take(touch, again);
            }
        }
        Some(())
    };
    read_rows_paced(query, row, between).await?;
    Ok(())
}

fn read<'a>(row: &mut RowReader<'a>) -> Option<Stored<'a>> {
    Some(Stored {
        visitor_id: row.uuid()?,
        at_ms: row.i64()?,
        id: row.uuid()?,
        session_id: row.uuid()?,
        facet: row.u64()?,
        landing: row.string()?,
        referrer: row.string()?,
        app: row.string()?,
        is_session_start: row.u8()? != 0,
        click_param: row.string()?,
        click_value: row.string()?,
        received_at_ms: row.i64()?,
        classified_at_ms: row.i64()?,
        bought: row.u8()? != 0,
    })
}

/// What a touch becomes; none when it stays what it is. Country and device are not the rules' to say.
fn again(touch: &Stored<'_>, old: &Facets, site: &Site) -> Option<Again> {
    let page = PageAddress::parse(touch.landing).ok()?;
    let landing = Landing {
        page: &page,
        referrer: touch.referrer,
        user_agent_hint: Some(touch.app).filter(|app| !app.is_empty()),
        site,
        is_session_start: touch.is_session_start,
    };
    let Verdict::Touch(origin) = classify(&landing) else { return None };
    let facets = Facets {
        country: old.country.clone(),
        device: old.device.clone(),
        ..Facets::of(&origin, "", Device::Other)
    };
    let facet = facet_id(&facets);
    (facet != touch.facet).then(|| Again {
        facet,
        facets,
        direct: origin.channel == Channel::Direct,
        reason: origin.reason,
    })
}

fn touch_row(
    rows: &mut RowWriter,
    workspace_id: &str,
    site_rules: u32,
    touch: &Stored<'_>,
    again: &Again,
    now_ms: i64,
) {
    rows.string(workspace_id).uuid(touch.visitor_id).i64(touch.at_ms).uuid(touch.id).uuid(touch.session_id);
    rows.u64(again.facet).u8(u8::from(again.direct)).string(again.reason);
    rows.u16(u16::try_from(RULES_VERSION).unwrap_or(u16::MAX)).u32(site_rules);
    rows.string(touch.landing).string(touch.referrer).string(touch.app);
    rows.u8(u8::from(touch.is_session_start)).string(touch.click_param).string(touch.click_value);
    // The newest classification counts, also within one millisecond.
    rows.i64(touch.received_at_ms).i64(now_ms.max(touch.classified_at_ms + 1));
}
