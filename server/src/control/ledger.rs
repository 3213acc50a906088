//! The ledger of commissions: written once, only ever added to. There is no way to change or remove an entry.

use std::collections::HashMap;

use domain::affiliate::ledger::Entry;
use domain::affiliate::{Commission, PartnerTouch, Referral, Share, VolumeChange};
use domain::ids::OrderId;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::outbox::tell;
use super::{Control, ControlError, volumes};
use crate::events;

/// Which commissions.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    All,
    Orders(&'a [String]),
    Partner(&'a str),
    One(&'a str),
    /// With these ids.
    These(&'a [String]),
    /// With an entry of this payout.
    Payout(&'a str),
    /// Held no longer than until the second moment, and longer than the first.
    DueBetween(i64, i64),
}

/// A commission as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCommission {
    /// `com_…`
    pub id: String,
    pub workspace_id: String,
    pub created_at_ms: i64,
    pub commission: Commission,
}

/// Entries to add to a commission, which is made when it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// `com_…`
    pub id: String,
    /// With the new entries only.
    pub commission: Commission,
}

/// What partners sold by some orders, in the place of what was stored of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sold {
    pub orders: Vec<OrderId>,
    pub changes: Vec<VolumeChange>,
}

/// Ids of one question.
const IDS_MAX: usize = 500;

const COLUMNS: &str = "id, workspace_id, order_id, partner_id, program_id, terms_version, code, touch_id, \
                       touch_at_ms, share_place, share_of, first_order, currency, paid_at_ms, due_at_ms, created_at_ms";

impl Control {
    /// Adds entries, all or none. False when one of their numbers is taken: somebody else added meanwhile, and what is
    /// missing has to be found anew.
    pub async fn post(
        &self,
        workspace_id: &str,
        postings: &[Posting],
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        self.account(workspace_id, postings, &Sold::default(), now_ms).await
    }

    /// As [`Control::post`], and keeps what was sold, in one transaction.
    pub async fn account(
        &self,
        workspace_id: &str,
        postings: &[Posting],
        sold: &Sold,
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        if postings.is_empty() && sold.orders.is_empty() {
            return Ok(true);
        }
        let mut transaction = self.pool.begin().await?;
        volumes::replace(&mut transaction, workspace_id, &sold.orders, &sold.changes).await?;
        for posting in postings {
            if !add(&mut transaction, workspace_id, posting, now_ms).await? {
                transaction.rollback().await?;
                return Ok(false);
            }
        }
        tell(&mut transaction, &events::of_postings(workspace_id, postings), now_ms).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Commissions with all their entries, the oldest payment first; what was paid in one moment goes by id.
    pub async fn commissions(
        &self,
        workspace_id: &str,
        which: Which<'_>,
    ) -> Result<Vec<StoredCommission>, ControlError> {
        let ids = match which {
            Which::Orders(ids) | Which::These(ids) => ids,
            _ => return self.read_commissions(workspace_id, which).await,
        };
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_MAX) {
            let which =
                if matches!(which, Which::Orders(_)) { Which::Orders(ids) } else { Which::These(ids) };
            found.extend(self.read_commissions(workspace_id, which).await?);
        }
        Ok(found)
    }

    async fn read_commissions(
        &self,
        workspace_id: &str,
        which: Which<'_>,
    ) -> Result<Vec<StoredCommission>, ControlError> {
        let places = |ids: &[String]| {
            let places: Vec<String> = (2..ids.len() + 2).map(|at| format!("${at}")).collect();
            places.join(", ")
        };
        let condition = match which {
            Which::All => String::new(),
            Which::Orders(orders) => format!("AND order_id IN ({})", places(orders)),
            Which::These(ids) => format!("AND id IN ({})", places(ids)),
            Which::Partner(_) => "AND partner_id = $2".to_owned(),
            Which::One(_) => "AND id = $2".to_owned(),
            Which::Payout(_) => "AND id IN (SELECT commission_id FROM entries WHERE source = $2)".to_owned(),
            Which::DueBetween(..) => "AND due_at_ms > $2 AND due_at_ms <= $3".to_owned(),
        };
        let chosen = format!("FROM commissions WHERE workspace_id = $1 {condition}");
        let heads = format!("SELECT {COLUMNS} {chosen} ORDER BY paid_at_ms, id");
        let entries = format!(
            "SELECT commission_id, number, from_account, to_account, amount_minor, reason, source, at_ms \
             FROM entries WHERE commission_id IN (SELECT id {chosen}) ORDER BY commission_id, number"
        );
        let mut entries_of: HashMap<String, Vec<Entry>> = HashMap::new();
        for row in &bound(&entries, workspace_id, which).fetch_all(&self.pool).await? {
            entries_of.entry(row.get(0)).or_default().push(read_entry(row)?);
        }
        let rows = bound(&heads, workspace_id, which).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row, &mut entries_of)).collect()
    }
}

type Bound<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bound<'q>(sql: &'q str, workspace_id: &str, which: Which<'q>) -> Bound<'q> {
    let query = sqlx::query(AssertSqlSafe(sql)).bind(workspace_id.to_owned());
    match which {
        Which::All => query,
        Which::Orders(ids) | Which::These(ids) => ids.iter().fold(query, |query, id| query.bind(id)),
        Which::Partner(id) | Which::One(id) | Which::Payout(id) => query.bind(id),
        Which::DueBetween(after_ms, until_ms) => query.bind(after_ms).bind(until_ms),
    }
}

/// One commission's part of a posting, within a transaction.
pub(super) async fn add(
    transaction: &mut sqlx::Transaction<'_, sqlx::Any>,
    workspace_id: &str,
    Posting { id, commission }: &Posting,
    now_ms: i64,
) -> Result<bool, ControlError> {
    let sql = format!(
        "INSERT INTO commissions ({COLUMNS}) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (id) DO UPDATE SET share_place = excluded.share_place, share_of = excluded.share_of, \
         first_order = excluded.first_order"
    );
    let referral = &commission.referral;
    sqlx::query(AssertSqlSafe(sql))
        .bind(id)
        .bind(workspace_id)
        .bind(commission.order.to_string())
        .bind(&referral.partner)
        .bind(&referral.program)
        .bind(i64::from(commission.terms_version))
        .bind(referral.code())
        .bind(referral.touch.as_ref().map(|touch| touch.id.to_string()))
        .bind(referral.touch.as_ref().map(|touch| touch.at_ms))
        .bind(i64::from(referral.share.place))
        .bind(i64::from(referral.share.of))
        .bind(i64::from(commission.first_order))
        .bind(commission.currency.code())
        .bind(commission.paid_at_ms)
        .bind(commission.due_at_ms)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await?;
    for entry in &commission.entries {
        let added = sqlx::query(
            "INSERT INTO entries (commission_id, number, from_account, to_account, amount_minor, reason, source, \
             at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (commission_id, number) DO NOTHING",
        )
        .bind(id)
        .bind(i64::from(entry.number))
        .bind(entry.from.name())
        .bind(entry.to.name())
        .bind(entry.amount_minor)
        .bind(entry.reason.name())
        .bind(&entry.source)
        .bind(entry.at_ms)
        .execute(&mut **transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn damaged(what: &'static str, why: impl ToString) -> ControlError {
    ControlError::Damaged { what, why: why.to_string() }
}

fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn read_entry(row: &AnyRow) -> Result<Entry, ControlError> {
    let text = |at: usize| row.get::<String, _>(at);
    let wrong = |why: String| damaged("an entry of the ledger", why);
    Ok(Entry {
        number: whole(row.get(1)),
        from: text(2).parse().map_err(|_| wrong(text(2)))?,
        to: text(3).parse().map_err(|_| wrong(text(3)))?,
        amount_minor: row.get(4),
        reason: text(5).parse().map_err(|_| wrong(text(5)))?,
        source: text(6),
        at_ms: row.get(7),
    })
}

fn read(
    row: &AnyRow,
    entries_of: &mut HashMap<String, Vec<Entry>>,
) -> Result<StoredCommission, ControlError> {
    let text = |at: usize| row.get::<String, _>(at);
    let wrong = |why: String| damaged("a commission", why);
    let id = text(0);
    let click: (Option<String>, Option<i64>) = (row.get(7), row.get(8));
    let touch = match click {
        (Some(touch), Some(at_ms)) => {
            Some(PartnerTouch { id: touch.parse().map_err(|_| wrong(touch))?, at_ms, code: text(6) })
        }
        _ => None,
    };
    let coupon = touch.is_none().then(|| text(6));
    let share = Share { place: whole(row.get(9)), of: whole(row.get(10)) };
    let commission = Commission {
        order: text(2).parse().map_err(|_| wrong(text(2)))?,
        referral: Referral { partner: text(3), program: text(4), touch, coupon, share },
        terms_version: whole(row.get(5)),
        first_order: row.get::<i64, _>(11) != 0,
        currency: text(12).parse().map_err(|_| wrong(text(12)))?,
        paid_at_ms: row.get(13),
        due_at_ms: row.get(14),
        entries: entries_of.remove(&id).unwrap_or_default(),
    };
    Ok(StoredCommission { workspace_id: text(1), created_at_ms: row.get(15), id, commission })
}
