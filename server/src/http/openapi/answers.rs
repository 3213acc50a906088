//! What a report answers: types that only describe, since its columns depend on the question.

use serde::Serialize;
use utoipa::ToSchema;

/// The answer of a report. Each row also holds the values of the dimensions grouped by, under their names;
/// timeseries, models, paths, timing, match-quality and rejects have columns of their own.
#[derive(Serialize, ToSchema)]
pub struct ReportAnswer {
    pub meta: AnswerMeta,
    pub rows: Vec<AnswerRow>,
    /// One per currency, over all rows.
    pub totals: Vec<AnswerRow>,
    /// One per currency.
    pub reconciliation: Vec<AnswerReconciliation>,
}

/// The question as it was understood.
#[derive(Serialize, ToSchema)]
pub struct AnswerMeta {
    pub report: String,
    /// The question in words.
    pub sentence: String,
    pub from: String,
    pub to: String,
    pub timezone: String,
    pub model: String,
    /// `net` or `gross`.
    pub basis: String,
    pub date: String,
    /// `native`, `report`, or the one currency asked for.
    pub currency: String,
    pub group_by: Vec<String>,
    pub rows_total: u64,
    /// Where visitors are counted: true when visitors and visits were counted one by one, false when the period has
    /// more than 500,000 visits and visitors are within half a percent. Money is always exact.
    pub visitors_exact: Option<bool>,
    /// In the report currency only: how amounts came into it.
    pub conversions: Option<AnswerConversions>,
}

/// What to know of a report in the report currency. Minor units.
#[derive(Serialize, ToSchema)]
pub struct AnswerConversions {
    /// The report currency.
    pub currency: String,
    /// Orders paid in the period that were converted, each once, at the European Central Bank's rate of its day (UTC).
    pub converted_orders: u64,
    /// First and last of the days whose rates were used.
    pub rate_days: Option<AnswerDays>,
    /// `ecb`, or `ecb file` for imported rates.
    pub sources: Vec<String>,
    /// Refunds are converted at the rate of their order. How much more they would take at the rates of their own days:
    /// exchange differences, which are in no channel.
    pub refunds_at_own_day: i64,
    pub not_converted: Vec<AnswerNotConverted>,
}

/// Two days, both included.
#[derive(Serialize, ToSchema)]
pub struct AnswerDays {
    pub from: String,
    pub to: String,
}

/// Orders that stand in their own currency.
#[derive(Serialize, ToSchema)]
pub struct AnswerNotConverted {
    pub currency: String,
    /// `waiting` (the rate of the day has not come yet) or `not_carried` (there is none).
    pub why: String,
    pub orders: u64,
    /// What is left of them, in their own currency.
    pub net: i64,
}

/// Numbers of one row.
#[derive(Serialize, ToSchema)]
pub struct AnswerRow {
    pub currency: String,
    /// The same on each currency's row; null when grouped by product, provider or connection.
    pub visitors: Option<u64>,
    pub visits: Option<u64>,
    /// Exact to six digits: parts of orders that models divide.
    pub orders: f64,
    /// Orders that are no renewal.
    pub new_orders: f64,
    pub revenue: AnswerRevenue,
    /// Part of the currency's net revenue.
    pub share: Option<f64>,
    /// New orders for each visitor.
    pub conversion: Option<f64>,
}

/// Minor units of the row's currency; the first three add up to the last.
#[derive(Serialize, ToSchema)]
pub struct AnswerRevenue {
    pub new: i64,
    pub renewal: i64,
    /// Zero or below.
    pub refunded: i64,
    pub net: i64,
}

/// What the provider was paid = attributed + direct + unattributed. Minor units.
#[derive(Serialize, ToSchema)]
pub struct AnswerReconciliation {
    pub currency: String,
    pub provider_net: i64,
    pub attributed: i64,
    pub direct: i64,
    pub unattributed: i64,
    /// By visit date only: credits of the same orders on other days.
    pub outside_period: Option<i64>,
    /// Zero.
    pub difference: i64,
    /// In the report currency only: true on the line of money for which no rate is known, in its own currency.
    pub not_converted: Option<bool>,
}
