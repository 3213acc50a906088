//! Facets: the values by which reports group touches, and the id of each combination.
//!
//! A touch and its credits carry the id; the texts are stored once for each workspace and id.

use sha2::{Digest, Sha256};

use super::{Channel, Classification, Device};
use crate::report::Dimension;

/// One combination of everything reports can group a touch by. Texts are empty where nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facets {
    /// The group of the source.
    pub channel: Channel,
    /// Short name of the source; `(direct)` and `(unattributed)` where there is none by nature.
    pub source: String,
    /// `utm_medium`.
    pub medium: String,
    /// `utm_campaign`.
    pub campaign: String,
    /// `utm_content`.
    pub content: String,
    /// `utm_term`.
    pub term: String,
    /// Path of the landing page.
    pub landing_page: String,
    /// Host or app id of the referrer.
    pub referrer: String,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Class of the device, as [`Device::as_str`] writes it.
    pub device: String,
    /// Code of the partner.
    pub partner: String,
}

impl Facets {
    /// The source of direct touches and of credit that no touch earned.
    pub const DIRECT: &str = "(direct)";
    /// The source of money without a known visitor.
    pub const UNATTRIBUTED: &str = "(unattributed)";

    /// The facets of a touch. `country` is `""` or an upper-case code.
    pub fn of(touch: &Classification, country: &str, device: Device) -> Facets {
        let is_direct = touch.channel == Channel::Direct && touch.source.is_empty();
        Facets {
            channel: touch.channel,
            source: if is_direct { Self::DIRECT.to_owned() } else { touch.source.clone() },
            medium: touch.medium.clone(),
            campaign: touch.campaign.clone(),
            content: touch.content.clone(),
            term: touch.term.clone(),
            landing_page: touch.landing_path.clone(),
            referrer: touch.referrer_host.clone(),
            country: country.to_owned(),
            device: device.as_str().to_owned(),
            partner: touch.partner.clone().unwrap_or_default(),
        }
    }

    /// The facets of credit for a known visitor none of whose touches count.
    pub fn direct() -> Facets {
        Facets::bare(Channel::Direct, Self::DIRECT)
    }

    /// The facets of credit for money without a known visitor.
    pub fn unattributed() -> Facets {
        Facets::bare(Channel::Unattributed, Self::UNATTRIBUTED)
    }

    /// What stands in one dimension; empty for those of orders, which say nothing about a visit.
    pub fn value(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Channel => self.channel.as_str(),
            Dimension::Source => &self.source,
            Dimension::Medium => &self.medium,
            Dimension::Campaign => &self.campaign,
            Dimension::Content => &self.content,
            Dimension::Term => &self.term,
            Dimension::LandingPage => &self.landing_page,
            Dimension::Referrer => &self.referrer,
            Dimension::Country => &self.country,
            Dimension::Device => &self.device,
            Dimension::Partner => &self.partner,
            Dimension::Product | Dimension::Provider | Dimension::Connection => "",
        }
    }

    fn bare(channel: Channel, source: &str) -> Facets {
        Facets {
            channel,
            source: source.to_owned(),
            medium: String::new(),
            campaign: String::new(),
            content: String::new(),
            term: String::new(),
            landing_page: String::new(),
            referrer: String::new(),
            country: String::new(),
            device: String::new(),
            partner: String::new(),
        }
    }
}

/// The id of a combination: the first 8 bytes, big-endian, of SHA-256 over the values in the order of the
/// struct, each preceded by its length in bytes as 8 bytes big-endian. It stands in stored rows and never
/// changes.
pub fn facet_id(facets: &Facets) -> u64 {
    // Taken apart by name, so that a new field does not compile until somebody decides about the id.
    let Facets {
        channel,
        source,
        medium,
        campaign,
        content,
        term,
        landing_page,
        referrer,
        country,
        device,
        partner,
    } = facets;
    let values = [
        channel.as_str(),
        source,
        medium,
        campaign,
        content,
        term,
        landing_page,
        referrer,
        country,
        device,
        partner,
    ];
    let mut hash = Sha256::new();
    for value in values {
        hash.update((value.len() as u64).to_be_bytes());
        hash.update(value);
    }
    u64::from_be_bytes(*hash.finalize().first_chunk().expect("SHA-256 has 32 bytes"))
}
