//! What a report can be grouped and filtered by: a closed list, so that no column name ever comes from outside.

use std::str::FromStr;

use serde::Serialize;

/// One thing a report can be grouped and filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    Channel,
    Source,
    Medium,
    Campaign,
    Content,
    Term,
    LandingPage,
    Referrer,
    Country,
    Device,
    Partner,
    Product,
    Provider,
    Connection,
}

/// Every dimension, in the order help and documents list them.
pub const DIMENSIONS: [Dimension; 14] = [
    Dimension::Channel,
    Dimension::Source,
    Dimension::Medium,
    Dimension::Campaign,
    Dimension::Content,
    Dimension::Term,
    Dimension::LandingPage,
    Dimension::Referrer,
    Dimension::Country,
    Dimension::Device,
    Dimension::Partner,
    Dimension::Product,
    Dimension::Provider,
    Dimension::Connection,
];

impl Dimension {
    /// The public name, also the name of the column it is kept in (see [`Dimension::column`]).
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Channel => "channel",
            Dimension::Source => "source",
            Dimension::Medium => "medium",
            Dimension::Campaign => "campaign",
            Dimension::Content => "content",
            Dimension::Term => "term",
            Dimension::LandingPage => "landing_page",
            Dimension::Referrer => "referrer",
            Dimension::Country => "country",
            Dimension::Device => "device",
            Dimension::Partner => "partner",
            Dimension::Product => "product",
            Dimension::Provider => "provider",
            Dimension::Connection => "connection",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Dimension::Channel => "Channel",
            Dimension::Source => "Source",
            Dimension::Medium => "Medium",
            Dimension::Campaign => "Campaign",
            Dimension::Content => "Content",
            Dimension::Term => "Term",
            Dimension::LandingPage => "Landing page",
            Dimension::Referrer => "Referrer",
            Dimension::Country => "Country",
            Dimension::Device => "Device",
            Dimension::Partner => "Partner",
            Dimension::Product => "Product",
            Dimension::Provider => "Provider",
            Dimension::Connection => "Connection",
        }
    }

    /// The column it is kept in: of `facets`, or of `credits` when it belongs to the order.
    pub fn column(self) -> &'static str {
        match self {
            Dimension::Product => "product_id",
            Dimension::Connection => "connection_id",
            other => other.name(),
        }
    }

    /// Whether it says something about the order; the others say where a visit came from. A visit has no
    /// product, so reports grouped by one have no visitors.
    pub fn is_of_order(self) -> bool {
        matches!(self, Dimension::Product | Dimension::Provider | Dimension::Connection)
    }
}

impl FromStr for Dimension {
    type Err = ();

    fn from_str(text: &str) -> Result<Dimension, ()> {
        DIMENSIONS.into_iter().find(|dimension| dimension.name() == text).ok_or(())
    }
}
