//! Flags and what was decided about them: raised once, decided as often as people think better of it, never changed.

use std::collections::{HashMap, HashSet};

use domain::affiliate::Commission;
use domain::affiliate::flag::{Decision, Evidence, FlagKind, Verdict, Verdicts};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::ledger::{Posting, StoredCommission, add};
use super::outbox::tell;
use super::{Control, ControlError};
use crate::events;

/// What a person decided about a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// 1 for the flag's first.
    pub number: u32,
    pub decision: Decision,
    /// `key_…`, `session of key_…`, `command line`.
    pub by: String,
    pub note: String,
    pub at_ms: i64,
}

/// A flag with every decision about it, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFlag {
    /// `flg_…`
    pub id: String,
    pub commission_id: String,
    pub partner_id: String,
    /// `ord_…`, whose journey earned.
    pub root_order_id: String,
    pub kind: FlagKind,
    pub evidence: Evidence,
    pub raised_at_ms: i64,
    pub decisions: Vec<StoredDecision>,
}

impl StoredFlag {
    /// What stands; none while it is open.
    pub fn decision(&self) -> Option<Decision> {
        self.decisions.last().map(|last| last.decision)
    }
}

/// Which flags.
#[derive(Debug, Clone, Copy)]
pub enum Flags<'a> {
    All,
    One(&'a str),
    /// Nobody has decided about them.
    Open,
    OfCommissions(&'a [String]),
    /// Of all commissions that one of these orders' journeys earned.
    OfRoots(&'a [String]),
}

/// Ids of one question.
const IDS_MAX: usize = 500;

impl Control {
    /// Keeps flags; those that are known stay as they are. Answers how many were new.
    pub async fn raise_flags(&self, workspace_id: &str, flags: &[StoredFlag]) -> Result<u64, ControlError> {
        let mut raised = 0;
        let mut transaction = self.pool.begin().await?;
        for flag in flags {
            let evidence = serde_json::to_string(&flag.evidence).expect("evidence is plain values");
            let added = sqlx::query(
                "INSERT INTO flags (id, workspace_id, commission_id, partner_id, root_order_id, kind, evidence, \
                 raised_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
            )
            .bind(&flag.id)
            .bind(workspace_id)
            .bind(&flag.commission_id)
            .bind(&flag.partner_id)
            .bind(&flag.root_order_id)
            .bind(flag.kind.name())
            .bind(evidence)
            .bind(flag.raised_at_ms)
            .execute(&mut *transaction)
            .await?;
            raised += added.rows_affected();
        }
        transaction.commit().await?;
        Ok(raised)
    }

    /// Flags of a workspace, oldest first.
    pub async fn flags(&self, workspace_id: &str, which: Flags<'_>) -> Result<Vec<StoredFlag>, ControlError> {
        let ids = match which {
            Flags::OfCommissions(ids) | Flags::OfRoots(ids) => ids,
            _ => return self.read_flags(workspace_id, which).await,
        };
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_MAX) {
            let which = match which {
                Flags::OfRoots(_) => Flags::OfRoots(ids),
                _ => Flags::OfCommissions(ids),
            };
            found.extend(self.read_flags(workspace_id, which).await?);
        }
        Ok(found)
    }

    async fn read_flags(
        &self,
        workspace_id: &str,
        which: Flags<'_>,
    ) -> Result<Vec<StoredFlag>, ControlError> {
        let places = |ids: &[String]| {
            let places: Vec<String> = (2..ids.len() + 2).map(|at| format!("${at}")).collect();
            places.join(", ")
        };
        let condition = match which {
            Flags::All => String::new(),
            Flags::One(_) => "AND id = $2".to_owned(),
            Flags::Open => {
                "AND NOT EXISTS (SELECT 1 FROM flag_decisions WHERE flag_id = flags.id)".to_owned()
            }
            Flags::OfCommissions(ids) => format!("AND commission_id IN ({})", places(ids)),
            Flags::OfRoots(ids) => format!("AND root_order_id IN ({})", places(ids)),
        };
        let chosen = format!("FROM flags WHERE workspace_id = $1 {condition}");
        let heads = format!(
            "SELECT id, commission_id, partner_id, root_order_id, kind, evidence, raised_at_ms {chosen} \
             ORDER BY raised_at_ms, id"
        );
        let decisions = format!(
            "SELECT flag_id, number, decision, by_whom, note, at_ms FROM flag_decisions \
             WHERE flag_id IN (SELECT id {chosen}) ORDER BY flag_id, number"
        );
        let mut decisions_of: HashMap<String, Vec<StoredDecision>> = HashMap::new();
        for row in &bound(&decisions, workspace_id, which).fetch_all(&self.pool).await? {
            decisions_of.entry(row.get(0)).or_default().push(read_decision(row)?);
        }
        let rows = bound(&heads, workspace_id, which).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row, &mut decisions_of)).collect()
    }

    /// Commissions that an open flag holds.
    pub async fn held_commissions(&self, workspace_id: &str) -> Result<HashSet<String>, ControlError> {
        let open = self.flags(workspace_id, Flags::Open).await?;
        Ok(open.into_iter().map(|flag| flag.commission_id).collect())
    }

    /// What was decided about the flags of these commissions.
    pub async fn verdicts(
        &self,
        workspace_id: &str,
        commissions: &[StoredCommission],
    ) -> Result<Verdicts, ControlError> {
        let ids: Vec<String> = commissions.iter().map(|stored| stored.id.clone()).collect();
        let mut of: HashMap<String, Vec<Verdict>> = HashMap::new();
        for flag in self.flags(workspace_id, Flags::OfCommissions(&ids)).await? {
            if let Some(decision) = flag.decision() {
                of.entry(flag.commission_id).or_default().push(Verdict { flag: flag.id, decision });
            }
        }
        let mut verdicts = Verdicts::new();
        for StoredCommission { id, commission: Commission { order, referral, currency, .. }, .. } in
            commissions
        {
            if let Some(mut own) = of.remove(id) {
                own.sort_by(|a, b| a.flag.cmp(&b.flag));
                verdicts.insert((*order, referral.partner.clone(), *currency), own);
            }
        }
        Ok(verdicts)
    }

    /// Keeps a decision with the entries that follow from it, all or none. False when somebody else decided, or added to
    /// the ledger, in the same moment.
    pub async fn decide_flag(
        &self,
        workspace_id: &str,
        flag_id: &str,
        decided: &StoredDecision,
        posting: &Posting,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let added = sqlx::query(
            "INSERT INTO flag_decisions (flag_id, number, decision, by_whom, note, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (flag_id, number) DO NOTHING",
        )
        .bind(flag_id)
        .bind(i64::from(decided.number))
        .bind(decided.decision.name())
        .bind(&decided.by)
        .bind(&decided.note)
        .bind(decided.at_ms)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 || !add(&mut transaction, workspace_id, posting, decided.at_ms).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        let told = events::of_postings(workspace_id, std::slice::from_ref(posting));
        tell(&mut transaction, &told, decided.at_ms).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// When the sales of a partner were paid, and which orders they are: those within a time, both ends included.
    pub async fn sales_between(
        &self,
        workspace_id: &str,
        partner_id: &str,
        (from_ms, until_ms): (i64, i64),
    ) -> Result<Vec<(String, i64)>, ControlError> {
        let rows = sqlx::query(
            "SELECT DISTINCT order_id, paid_at_ms FROM commissions \
             WHERE workspace_id = $1 AND partner_id = $2 AND paid_at_ms >= $3 AND paid_at_ms <= $4",
        )
        .bind(workspace_id)
        .bind(partner_id)
        .bind(from_ms)
        .bind(until_ms)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

type Bound<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bound<'q>(sql: &'q str, workspace_id: &str, which: Flags<'q>) -> Bound<'q> {
    let query = sqlx::query(AssertSqlSafe(sql)).bind(workspace_id.to_owned());
    match which {
        Flags::All | Flags::Open => query,
        Flags::One(id) => query.bind(id),
        Flags::OfCommissions(ids) | Flags::OfRoots(ids) => ids.iter().fold(query, |query, id| query.bind(id)),
    }
}

fn damaged(why: impl ToString) -> ControlError {
    ControlError::Damaged { what: "a flag", why: why.to_string() }
}

fn read_decision(row: &AnyRow) -> Result<StoredDecision, ControlError> {
    let decision: String = row.get(2);
    Ok(StoredDecision {
        number: u32::try_from(row.get::<i64, _>(1)).unwrap_or(u32::MAX),
        decision: decision.parse().map_err(damaged)?,
        by: row.get(3),
        note: row.get(4),
        at_ms: row.get(5),
    })
}

fn read(
    row: &AnyRow,
    decisions_of: &mut HashMap<String, Vec<StoredDecision>>,
) -> Result<StoredFlag, ControlError> {
    let (id, kind, evidence): (String, String, String) = (row.get(0), row.get(4), row.get(5));
    Ok(StoredFlag {
        commission_id: row.get(1),
        partner_id: row.get(2),
        root_order_id: row.get(3),
        kind: kind.parse().map_err(damaged)?,
        evidence: serde_json::from_str(&evidence).map_err(damaged)?,
        raised_at_ms: row.get(6),
        decisions: decisions_of.remove(&id).unwrap_or_default(),
        id,
    })
}
