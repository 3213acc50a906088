//! Where a partner stands, and which steps there are from there. Never says what a partner earned.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a partner stands. Only approved ones earn; what was earned before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerStatus {
    /// Asked by the merchant.
    Invited,
    /// Asked the merchant.
    Applied,
    Approved,
    Rejected,
    /// Was approved, and is not until approved again.
    Suspended,
}

/// The text is not a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a partner's status is invited, applied, approved, rejected or suspended")]
pub struct StatusError;

impl PartnerStatus {
    pub const ALL: [PartnerStatus; 5] = [
        PartnerStatus::Invited,
        PartnerStatus::Applied,
        PartnerStatus::Approved,
        PartnerStatus::Rejected,
        PartnerStatus::Suspended,
    ];

    pub fn name(self) -> &'static str {
        match self {
            PartnerStatus::Invited => "invited",
            PartnerStatus::Applied => "applied",
            PartnerStatus::Approved => "approved",
            PartnerStatus::Rejected => "rejected",
            PartnerStatus::Suspended => "suspended",
        }
    }

    /// Whether a partner can go from here to `next`. To stay is no step and always possible.
    pub fn may_become(self, next: PartnerStatus) -> bool {
        use PartnerStatus::{Applied, Approved, Invited, Rejected, Suspended};
        self == next
            || matches!(
                (self, next),
                (Invited | Applied, Approved | Rejected)
                    | (Approved, Suspended)
                    | (Suspended, Approved | Rejected)
                    | (Rejected, Approved)
            )
    }
}

impl fmt::Display for PartnerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PartnerStatus {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<PartnerStatus, StatusError> {
        PartnerStatus::ALL.into_iter().find(|status| status.name() == text).ok_or(StatusError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_steps_are_possible() {
        use PartnerStatus::{Applied, Approved, Invited, Rejected, Suspended};
        for (from, to, possible) in [
            (Invited, Approved, true),
            (Applied, Approved, true),
            (Applied, Rejected, true),
            (Approved, Suspended, true),
            (Suspended, Approved, true),
            (Rejected, Approved, true),
            (Approved, Approved, true),
            (Approved, Invited, false),
            (Approved, Applied, false),
            (Rejected, Suspended, false),
            (Applied, Suspended, false),
        ] {
            assert_eq!(from.may_become(to), possible, "{from} to {to}");
        }
        for status in PartnerStatus::ALL {
            assert_eq!(status.name().parse(), Ok(status));
        }
    }
}
