//! From where on a workspace's commissions are doubted: shown, and chosen. Flags that were raised stay.

use domain::affiliate::flag::Limits;
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::ControlError;

/// Counts and times from where on a commission is doubted. What is left out is as it is for whoever chose nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagLimits {
    /// New customers of one partner that are believed within `velocity_minutes`; 20.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000, example = 20)]
    pub velocity_sales_max: Option<u32>,
    /// Clicks of one partner that are believed within `velocity_minutes`; 2,000.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100_000_000, example = 2000)]
    pub velocity_clicks_max: Option<u32>,
    /// 60.
    #[serde(default)]
    #[schema(minimum = 5, maximum = 1440, example = 60)]
    pub velocity_minutes: Option<u32>,
    /// A click from a coupon site so shortly before the checkout is doubted; 60.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1440, example = 60)]
    pub coupon_minutes: Option<u32>,
    /// A click so shortly after a page of paying is doubted; 120.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 720, example = 120)]
    pub paying_minutes: Option<u32>,
}

impl FlagLimits {
    /// Every limit, said.
    pub fn of(limits: Limits) -> FlagLimits {
        FlagLimits {
            velocity_sales_max: Some(limits.velocity_sales_max),
            velocity_clicks_max: Some(limits.velocity_clicks_max),
            velocity_minutes: Some(limits.velocity_minutes),
            coupon_minutes: Some(limits.coupon_minutes),
            paying_minutes: Some(limits.paying_minutes),
        }
    }

    /// What is said here, and `other` where nothing is.
    pub fn or(&self, other: Limits) -> Limits {
        Limits {
            velocity_sales_max: self.velocity_sales_max.unwrap_or(other.velocity_sales_max),
            velocity_clicks_max: self.velocity_clicks_max.unwrap_or(other.velocity_clicks_max),
            velocity_minutes: self.velocity_minutes.unwrap_or(other.velocity_minutes),
            coupon_minutes: self.coupon_minutes.unwrap_or(other.coupon_minutes),
            paying_minutes: self.paying_minutes.unwrap_or(other.paying_minutes),
        }
    }
}

impl Affiliates<'_> {
    /// From where on commissions are doubted now.
    pub fn flag_limits(&self) -> Limits {
        self.workspace.settings.flag_limits
    }

    /// Doubts commissions from these limits on. What is booked from now on, or looked at once more before it becomes due,
    /// goes by them; flags that were raised stay.
    pub async fn set_flag_limits(&self, limits: Limits) -> Result<Limits, AffiliateError> {
        limits
            .check()
            .map_err(|error| AffiliateError::Invalid { field: error.field, detail: error.to_string() })?;
        // As it is kept now: somebody may have changed another setting since.
        let all = self.control.workspaces().await?;
        let found = all.into_iter().find(|workspace| workspace.id == self.workspace.id);
        let gone = || ControlError::Damaged { what: "a workspace", why: "it is gone".to_owned() };
        let mut workspace = found.ok_or_else(gone)?;
        workspace.settings.flag_limits = limits;
        self.control.update_workspace(&workspace, self.now_ms).await?;
        Ok(limits)
    }
}
