//! Partners' coupons: discount codes of the provider that earn like links do, where nobody clicked.

use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::coupons::Coupon;

const CODE_CHARS_MAX: usize = 100;

/// A coupon to be given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCoupon {
    /// `prt_…`
    pub partner: String,
    /// The code of the provider's discount, in any case. Make the discount there; here it is only said whose it is.
    pub code: String,
}

/// A partner's coupon.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CouponDocument {
    #[schema(example = "JANE20")]
    pub code: String,
    pub partner: String,
    pub created_at_ms: i64,
    /// It earns nothing for sales from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at_ms: Option<i64>,
}

/// Coupons of the workspace, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CouponList {
    pub rows: Vec<CouponDocument>,
}

impl From<Coupon> for CouponDocument {
    fn from(coupon: Coupon) -> CouponDocument {
        let Coupon { code, partner_id, created_at_ms, archived_at_ms } = coupon;
        CouponDocument { code, partner: partner_id, created_at_ms, archived_at_ms }
    }
}

impl Affiliates<'_> {
    pub async fn coupons(&self) -> Result<CouponList, AffiliateError> {
        let all = self.control.coupons(&self.workspace.id).await?;
        Ok(CouponList { rows: all.into_iter().map(CouponDocument::from).collect() })
    }

    /// Says whose a discount code is. It is for ever that partner's.
    pub async fn create_coupon(&self, new: NewCoupon) -> Result<CouponDocument, AffiliateError> {
        let partner = self.stored_partner(&new.partner).await?;
        let code = new.code.trim().to_uppercase();
        let is_code = !code.is_empty() && code.chars().count() <= CODE_CHARS_MAX;
        if !is_code || code.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
            let detail =
                format!("code: a discount's code has 1 to {CODE_CHARS_MAX} characters and no blanks");
            return Err(AffiliateError::Invalid { field: "code", detail });
        }
        let coupon =
            Coupon { code, partner_id: partner.id, created_at_ms: self.now_ms, archived_at_ms: None };
        match self.control.create_coupon(&self.workspace.id, &coupon).await? {
            true => Ok(coupon.into()),
            false => Err(AffiliateError::CodeTaken(coupon.code)),
        }
    }

    /// Ends a coupon: it earns nothing for sales from now on. The discount itself is the provider's.
    pub async fn archive_coupon(&self, code: &str) -> Result<(), AffiliateError> {
        let code = code.to_uppercase();
        match self.control.archive_coupon(&self.workspace.id, &code, self.now_ms).await? {
            true => Ok(()),
            false => Err(AffiliateError::UnknownCoupon(code)),
        }
    }
}
