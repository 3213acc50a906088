//! The channels: the groups into which sources fall in reports. Names are fixed, they stand in stored rows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The version of the rules in this module tree. It is stored with every touch; raise it with any change that
/// can move a landing to another channel or source, so that history can be found and classified again.
pub const RULES_VERSION: u32 = 1;

/// The text names no channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel `{0}`: use a name from the channels report, such as `Paid Search`")]
pub struct UnknownChannel(pub String);

macro_rules! channels {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The group of a touch's source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Channel { $($(#[$doc])* $variant,)* }

        impl Channel {
            /// Every channel, in the order reports list them when nothing else orders them.
            pub const ALL: &[Channel] = &[$(Channel::$variant,)*];

            /// The name that reports show and rows store.
            pub fn as_str(self) -> &'static str {
                match self { $(Channel::$variant => $name,)* }
            }
        }
    };
}

channels! {
    /// No tags and no other site: typed, bookmarked, or from an app that says nothing.
    Direct = "Direct",
    /// An unpaid result of a search engine.
    OrganicSearch = "Organic Search",
    /// An advertisement at a search engine.
    PaidSearch = "Paid Search",
    /// An unpaid link on a social network.
    OrganicSocial = "Organic Social",
    /// An advertisement on a social network.
    PaidSocial = "Paid Social",
    /// An advertisement at a video site.
    PaidVideo = "Paid Video",
    /// An unpaid link at a video site.
    OrganicVideo = "Organic Video",
    /// Banners and other advertisements on other people's pages.
    Display = "Display",
    /// Paid for, but at a place of no known kind; also advertisements inside AI assistants.
    PaidOther = "Paid Other",
    /// An advertisement at a marketplace or shopping search.
    PaidShopping = "Paid Shopping",
    /// An unpaid listing at a marketplace or shopping search.
    OrganicShopping = "Organic Shopping",
    /// Newsletters and mail.
    Email = "Email",
    /// ChatGPT, Claude, Perplexity and their like.
    AiAssistants = "AI Assistants",
    /// Partners who earn a commission.
    Affiliates = "Affiliates",
    /// Podcasts and audio advertisements.
    Audio = "Audio",
    /// Text messages.
    Sms = "SMS",
    /// Push notifications.
    MobilePush = "Mobile Push",
    /// Creators without a partner code.
    Influencers = "Influencers",
    /// Print and codes on things.
    Offline = "Offline",
    /// A link on another site.
    Referral = "Referral",
    /// Campaigns that an advertiser spreads over several networks by itself.
    CrossNetwork = "Cross-network",
    /// Tagged, but the tags fit no rule.
    Unassigned = "Unassigned",
    /// Money without a known visitor. Only reports use it; no landing is ever classified so.
    Unattributed = "Unattributed",
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = UnknownChannel;

    /// Reads a name as [`Channel::as_str`] writes it, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let same = |channel: &&Channel| channel.as_str().eq_ignore_ascii_case(text);
        Channel::ALL.iter().find(same).copied().ok_or_else(|| UnknownChannel(text.to_owned()))
    }
}

impl Serialize for Channel {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
