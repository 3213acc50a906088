//! From where on something is doubted. A workspace chooses; what it does not say is as most want it.

use serde::{Deserialize, Serialize};

/// Counts and times that rules of flags go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// New customers of one partner that are believed within `velocity_minutes`.
    pub velocity_sales_max: u32,
    /// Clicks of one partner that are believed within `velocity_minutes`: a newsletter or a video brings hundreds.
    pub velocity_clicks_max: u32,
    /// How long a time sales and clicks are counted over.
    pub velocity_minutes: u32,
    /// Somebody who was on a coupon site so shortly before the purchase had decided to buy before.
    pub coupon_minutes: u32,
    /// Somebody who was paying so shortly before the click was still at it.
    pub paying_minutes: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            velocity_sales_max: 20,
            velocity_clicks_max: 2_000,
            velocity_minutes: 60,
            coupon_minutes: 60,
            paying_minutes: 120,
        }
    }
}

/// A limit that makes no sense, and what would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: use {least} to {most}, and not {given}")]
pub struct LimitsError {
    pub field: &'static str,
    pub least: u32,
    pub most: u32,
    pub given: u32,
}

const DAY_MINUTES: u32 = 24 * 60;
/// Longest time before a click that pages of paying can be looked for.
pub const PAYING_MINUTES_MAX: u32 = 12 * 60;

impl Limits {
    /// Whether every limit is one that can be kept to.
    pub fn check(&self) -> Result<(), LimitsError> {
        for (field, given, least, most) in [
            ("velocity_sales_max", self.velocity_sales_max, 1, 1_000_000),
            ("velocity_clicks_max", self.velocity_clicks_max, 1, 100_000_000),
            ("velocity_minutes", self.velocity_minutes, 5, DAY_MINUTES),
            ("coupon_minutes", self.coupon_minutes, 1, DAY_MINUTES),
            ("paying_minutes", self.paying_minutes, 1, PAYING_MINUTES_MAX),
        ] {
            if !(least..=most).contains(&given) {
                return Err(LimitsError { field, least, most, given });
            }
        }
        Ok(())
    }

    /// `velocity_minutes` in milliseconds.
    pub fn velocity_ms(&self) -> i64 {
        i64::from(self.velocity_minutes) * 60_000
    }
}
