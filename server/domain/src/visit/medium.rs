//! What a `utm_medium` says, word by word: `social_paid`, `display-cpc` and `web-push` are several words, while
//! `webcpa` is one and none of ours. Prefix and substring tests get such values wrong.

use super::Channel;

/// Words that say somebody paid. Words that begin with `paid` (`paidsocial`) count too.
const PAID: [&str; 14] = [
    "cpc",
    "cpm",
    "cpv",
    "cpa",
    "cpl",
    "ppc",
    "paid",
    "sem",
    "ad",
    "ads",
    "promoted",
    "sponsored",
    "retargeting",
    "remarketing",
];
const DISPLAY: [&str; 4] = ["display", "banner", "expandable", "interstitial"];

/// The words of a tag in lower case.
pub fn words(tag: &str) -> impl Iterator<Item = String> {
    tag.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn has(tag: &str, any: &[&str]) -> bool {
    words(tag).any(|word| any.contains(&word.as_str()))
}

pub fn is_paid(medium: &str) -> bool {
    words(medium).any(|word| PAID.contains(&word.as_str()) || word.starts_with("paid"))
}

pub fn is_display(medium: &str) -> bool {
    has(medium, &DISPLAY)
}

pub fn is_cpm(medium: &str) -> bool {
    has(medium, &["cpm"])
}

/// The channel of a medium that names its own way to people, whatever the source is.
pub fn explicit(medium: &str) -> Option<(Channel, &'static str)> {
    let is_postal = has(medium, &["direct"]) && has(medium, &["mail"]);
    if !is_postal && is_email(medium) {
        Some((Channel::Email, "medium names e-mail"))
    } else if has(medium, &["sms", "mms"]) {
        Some((Channel::Sms, "medium names text messages"))
    } else if words(medium).any(|word| word.ends_with("push") || word.starts_with("notification")) {
        Some((Channel::MobilePush, "medium names push messages"))
    } else if has(medium, &["audio", "podcast", "podcasts"]) {
        Some((Channel::Audio, "medium names audio"))
    } else if has(medium, &["affiliate", "affiliates", "partner", "partners", "partnership", "partnerships"])
    {
        Some((Channel::Affiliates, "medium names partners"))
    } else if has(medium, &["influencer", "influencers", "creator", "creators"]) {
        Some((Channel::Influencers, "medium names creators"))
    } else if is_postal || has(medium, &["qr", "qrcode", "print", "offline"]) {
        Some((Channel::Offline, "medium names something off the screen"))
    } else {
        None
    }
}

/// The channel of a `utm_source` that is on no list but names its way to people.
pub fn explicit_source(source: &str) -> Option<(Channel, &'static str)> {
    if is_email(source) {
        Some((Channel::Email, "source names e-mail"))
    } else if has(source, &["sms"]) {
        Some((Channel::Sms, "source names text messages"))
    } else if has(source, &["firebase"]) {
        Some((Channel::MobilePush, "source names a push service"))
    } else {
        None
    }
}

fn is_email(tag: &str) -> bool {
    has(tag, &["email", "emails", "mail", "newsletter", "newsletters"])
}

pub fn is_ai(medium: &str) -> bool {
    words(medium).eq(["ai", "assistant"].map(str::to_owned))
}

pub fn is_video(medium: &str) -> bool {
    medium.to_lowercase().contains("video")
}

pub fn is_social(medium: &str) -> bool {
    let joined = words(medium).collect::<Vec<_>>().join("-");
    matches!(
        joined.as_str(),
        "social"
            | "social-network"
            | "social-media"
            | "sm"
            | "socialmedia"
            | "organic-social"
            | "social-organic"
    )
}

pub fn is_organic(medium: &str) -> bool {
    medium.eq_ignore_ascii_case("organic")
}

pub fn is_referral(medium: &str) -> bool {
    ["referral", "app", "link"].iter().any(|word| medium.eq_ignore_ascii_case(word))
}
