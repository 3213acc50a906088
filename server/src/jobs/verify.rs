//! Every invariant of the money, checked now: credits are the orders, to the cent, and nothing waits unseen.
//! Only reads. An SQL file and a line in [`CHECKS`] is a new check.

mod partner_statements;

use std::collections::BTreeMap;

use clickhouse::Row;
use domain::affiliate::flag::Decision;
use domain::affiliate::ledger::{Account, Balance, Entry, Reason};
use domain::attribution::MODELS;
use domain::books::Difference;
use serde::{Deserialize, Serialize};

use super::poll::books::covers_own_days;
use super::waiting::waiting;
use super::{JobError, attribute, commission};
use crate::app::App;
use crate::control::comparisons::Question;
use crate::control::flags::Flags;
use crate::control::ledger::{Posting, Which};
use crate::control::payouts::PayoutState;
use crate::ingest::inbox::Meant;
use crate::sql;

/// Offenders named of each check.
const OFFENDERS_MAX: usize = 10;

struct Check {
    name: &'static str,
    what: &'static str,
    sql: &'static str,
}

const CHECKS: [Check; 9] = [
    Check {
        name: "money",
        what: "credits are the orders' money per order, day, currency and model",
        sql: sql!("verify/money.sql"),
    },
    Check {
        name: "views",
        what: "so they are with tax and in the report currency",
        sql: sql!("verify/views.sql"),
    },
    Check {
        name: "conversion",
        what: "converted orders name their rate, a full refund leaves nothing, the rest stands as it is",
        sql: sql!("verify/conversion.sql"),
    },
    Check {
        name: "parts",
        what: "parts of every order add up to one order under every model",
        sql: sql!("verify/parts.sql"),
    },
    Check {
        name: "window",
        what: "no touch earns after the anchor or before the window",
        sql: sql!("verify/window.sql"),
    },
    Check { name: "remaining", what: "nobody was taken more than given", sql: sql!("verify/remaining.sql") },
    Check {
        name: "refunds",
        what: "refund credits are the orders' refunds",
        sql: sql!("verify/refunds.sql"),
    },
    Check {
        name: "orders_without_credits",
        what: "every booked order is credited",
        sql: sql!("verify/orders_without_credits.sql"),
    },
    Check {
        name: "credits_without_order",
        what: "every credit stands for a booked order",
        sql: sql!("verify/credits_without_order.sql"),
    },
];

/// What the books hold rightly and somebody should know all the same.
struct Notice {
    name: &'static str,
    what: &'static str,
    sql: &'static str,
}

const NOTICES: [Notice; 1] = [Notice {
    name: "refund_excess",
    what: "orders of which more was given back than was paid: only what was paid is booked",
    sql: sql!("verify/refund_excess.sql"),
}];

/// Something to know, which no check fails for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Noticed {
    pub notice: String,
    pub what: String,
    pub count: u64,
    /// The first ten.
    pub examples: Vec<String>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    pub check: String,
    /// What is so when it passes.
    pub what: String,
    pub passed: bool,
    pub failures: u64,
    /// The first ten.
    pub offenders: Vec<String>,
}

/// Every check of one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verification {
    pub workspace: String,
    pub passed: bool,
    pub checks: Vec<Finding>,
    /// Only those there is something to say of.
    pub notices: Vec<Noticed>,
}

#[derive(Row, Deserialize)]
struct Counted {
    failures: u64,
    offenders: Vec<String>,
}

/// Checks everything of one workspace.
pub async fn verify(app: &App, workspace_id: &str) -> Result<Verification, JobError> {
    // Looked at before the books: what settles while they are read must not make them look wrong with nothing waiting.
    let folded = folded(app, workspace_id).await?;
    let mut checks = Vec::new();
    for Check { name, what, sql } in CHECKS {
        let counted = count(app, workspace_id, sql).await?;
        checks.push(finding(name, what, counted.failures, counted.offenders));
    }
    let mut notices = Vec::new();
    for Notice { name, what, sql } in NOTICES {
        let Counted { failures: count, offenders: examples } = count(app, workspace_id, sql).await?;
        if count > 0 {
            notices.push(Noticed { notice: name.to_owned(), what: what.to_owned(), count, examples });
        }
    }
    checks.push(folded);
    checks.push(applied(app, workspace_id).await?);
    checks.push(compared(app, workspace_id).await?);
    checks.push(chained(app, workspace_id).await?);
    checks.push(owed(app, workspace_id).await?);
    checks.push(paid_out(app, workspace_id).await?);
    checks.push(partner_statements::stated(app, workspace_id).await?);
    checks.push(decided(app, workspace_id).await?);
    let workspace = workspace_id.to_owned();
    Ok(Verification { workspace, passed: checks.iter().all(|check| check.passed), checks, notices })
}

async fn count(app: &App, workspace_id: &str, sql: &str) -> Result<Counted, JobError> {
    let counted = app
        .store
        .client()
        .query_raw(&with_models(sql))
        .param("workspace", workspace_id)
        .param("window_ms", attribute::window_ms(app, workspace_id))
        .fetch_one();
    Ok(counted.await?)
}

fn finding(check: &str, what: &str, failures: u64, offenders: Vec<String>) -> Finding {
    Finding { check: check.to_owned(), what: what.to_owned(), passed: failures == 0, failures, offenders }
}

/// Everything told has become orders and credits.
async fn folded(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let waiting = waiting(app, workspace_id, i64::MAX).await?;
    let pending = app.inbox.pending_webhooks(OFFENDERS_MAX).await?.into_iter();
    let pending = pending.filter(|webhook| webhook.workspace_id == workspace_id);
    let pending = pending.map(|webhook| format!("webhook {}", webhook.event_id));
    let marked = app.control.dirty_of(workspace_id, OFFENDERS_MAX).await?;
    let failures = waiting.webhooks + waiting.subjects;
    let offenders = pending.chain(marked).take(OFFENDERS_MAX).collect();
    Ok(finding("folded", "nothing told waits to become orders and credits", failures, offenders))
}

/// No webhook lies aside with an error.
async fn applied(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let own = Meant { workspace_id: Some(workspace_id.to_owned()), ..Meant::default() };
    let failures = app.inbox.failed_counts(&own).await?.iter().map(|count| count.webhooks).sum();
    let failed = app.inbox.failed_webhooks(&own, 0, OFFENDERS_MAX).await?;
    let offenders = failed.iter().map(|webhook| {
        format!("webhook {} ({}): {}", webhook.event_id, webhook.event_type(), webhook.error())
    });
    Ok(finding("applied", "no webhook lies aside with an error", failures, offenders.collect()))
}

/// The newest comparison of the last weeks with each provider's own lists found nothing to look at. Without one there
/// is nothing to say.
async fn compared(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let mut wrong = 0;
    let mut offenders = Vec::new();
    let whole = |question: &Question, asked_at_ms| covers_own_days(app, workspace_id, question, asked_at_ms);
    for compared in app.control.newest_comparisons(workspace_id, whole).await? {
        let Some(result) = compared.result else { continue };
        wrong += result.wrong() as u64;
        let differences = result.differences.iter().filter(|difference| difference.why.is_wrong());
        offenders.extend(differences.take(OFFENDERS_MAX).map(|difference| {
            let Difference { order_id, why, .. } = difference;
            format!("{} {order_id}: {}", compared.connection_id, why.name())
        }));
    }
    offenders.truncate(OFFENDERS_MAX);
    let what = "the newest comparison with each provider's own lists found no difference";
    Ok(finding("provider", what, wrong, offenders))
}

/// No statement was changed and none is missing.
async fn chained(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let mut faults = Vec::new();
    for connection in app.control.connections_of(workspace_id, &app.secrets).await? {
        let made = app.control.statements(workspace_id, &connection.id).await?;
        let found = domain::books::faults(&made).into_iter();
        faults.extend(found.map(|fault| format!("{}: {fault}", connection.id)));
    }
    let failures = faults.len() as u64;
    faults.truncate(OFFENDERS_MAX);
    Ok(finding(
        "statements",
        "every monthly statement is as it was made, and none is missing",
        failures,
        faults,
    ))
}

/// The ledger of commissions says what the orders say, and says it by entries that cannot be doubted.
async fn owed(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let mut faults = Vec::new();
    let (missing, miscounted) = commission::all_missing(app, workspace_id).await?;
    let sold = miscounted.iter().map(|order| format!("{order}: what partners sold by it is kept otherwise"));
    faults.extend(sold);
    for Posting { id, commission } in missing {
        let is_earning = |entry: &&Entry| [entry.from, entry.to].contains(&Account::Expense);
        let missing = commission.entries.iter().filter(is_earning);
        faults.extend(missing.map(|entry| {
            format!("{id}: {} {} of {} is not booked", entry.reason, entry.amount_minor, entry.source)
        }));
    }
    for stored in app.control.commissions(workspace_id, Which::All).await? {
        let entries = &stored.commission.entries;
        let fault = domain::affiliate::ledger::fault(entries);
        faults.extend(fault.map(|fault| format!("{}: {fault}", stored.id)));
    }
    let failures = faults.len() as u64;
    faults.truncate(OFFENDERS_MAX);
    let what = "every commission is what its order earned under its terms, and no entry is missing";
    Ok(finding("ledger", what, failures, faults))
}

/// What a payout says it sends is what the ledger moved for it, partner by partner.
async fn paid_out(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let mut moved: BTreeMap<(String, String), (i64, i64, i64)> = BTreeMap::new();
    for stored in app.control.commissions(workspace_id, Which::All).await? {
        for entry in &stored.commission.entries {
            let key = (entry.source.clone(), stored.commission.referral.partner.clone());
            let signed = |account: Account| match (entry.from == account, entry.to == account) {
                (true, _) => -entry.amount_minor,
                (_, true) => entry.amount_minor,
                _ => 0,
            };
            let (approved, under_way, paid) = match entry.reason {
                Reason::PayoutApproved => (signed(Account::Processing), signed(Account::Processing), 0),
                Reason::PayoutPaid => (0, signed(Account::Processing), signed(Account::Paid)),
                Reason::PayoutCanceled => (0, signed(Account::Processing), 0),
                _ => continue,
            };
            let sums = moved.entry(key).or_default();
            *sums = (sums.0 + approved, sums.1 + under_way, sums.2 + paid);
        }
    }
    let mut faults = Vec::new();
    for payout in app.control.payouts(workspace_id, None, &app.secrets).await? {
        for item in &payout.items {
            let sums = moved.remove(&(payout.id.clone(), item.partner_id.clone())).unwrap_or_default();
            let amount = item.amount_minor;
            let wanted = match item.state {
                PayoutState::Processing => (amount, amount, 0),
                PayoutState::Paid => (amount, 0, amount),
                PayoutState::Canceled => (amount, 0, 0),
            };
            if sums != wanted {
                faults.push(format!("{} {}: the ledger moved otherwise", payout.id, item.partner_id));
            }
        }
    }
    faults.extend(moved.into_keys().map(|(payout, partner)| format!("{payout} {partner}: no such payout")));
    let failures = faults.len() as u64;
    faults.truncate(OFFENDERS_MAX);
    let what = "every payout is what the ledger moved for it, to the unit and only once";
    Ok(finding("payouts", what, failures, faults))
}

/// What was rejected earns nothing, and nothing was paid out while a flag held it.
async fn decided(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let standing = app.control.commissions(workspace_id, Which::All).await?;
    let entries_of: BTreeMap<&str, &[Entry]> =
        standing.iter().map(|stored| (stored.id.as_str(), &*stored.commission.entries)).collect();
    let mut faults = Vec::new();
    for flag in app.control.flags(workspace_id, Flags::All).await? {
        let entries = entries_of.get(flag.commission_id.as_str()).copied().unwrap_or_default();
        if flag.decision() == Some(Decision::Rejected) && Balance::of(entries).earned() != 0 {
            faults.push(format!("{}: rejected, and {} still earns", flag.id, flag.commission_id));
        }
        let is_payout =
            |entry: &&Entry| entry.reason == Reason::PayoutApproved && entry.to == Account::Processing;
        let was_held = |entry: &&Entry| {
            flag.raised_at_ms < entry.at_ms && flag.decisions.iter().all(|made| made.at_ms > entry.at_ms)
        };
        let paid = entries.iter().filter(is_payout).find(was_held);
        faults.extend(paid.map(|entry| format!("{}: held, and in the payout {}", flag.id, entry.source)));
    }
    let failures = faults.len() as u64;
    faults.truncate(OFFENDERS_MAX);
    let what = "nothing that a flag held was paid out, and what was rejected earns nothing";
    Ok(finding("flags", what, failures, faults))
}

fn with_models(sql: &str) -> String {
    let sums = |prefix: &str, only: &str| {
        let sums =
            MODELS.iter().map(|model| format!("toInt64(sumIf(sign * {prefix}_{}, {only}))", model.name()));
        sums.collect::<Vec<_>>().join(", ")
    };
    sql.replace("/*amounts*/", &sums("amount", "true"))
        .replace("/*parts*/", &sums("parts", "true"))
        .replace("/*refunds*/", &sums("amount", "entry != 'order'"))
}
