//! The rules: each looks at one commission and says what it saw, or nothing. A rule that is not sure says nothing:
//! what cannot be known is no evidence.

use url::Url;

use super::known::{Inquiry, Trust};
use super::lists::is_coupon_site;
use super::{BoughtBy, Evidence, FoundOn, Many, SelfBy, Whose};
use crate::visit::click_id::{self, Signal};
use crate::visit::{Category, PageAddress, Referrer, Source, medium};

const MINUTE_MS: i64 = 60_000;
/// Shorter names of a merchant are words of other people's searches too.
const BRAND_CHARS_MIN: usize = 4;

/// Says what is doubtful about a commission, if it is of its kind.
type Rule = fn(&Inquiry<'_>) -> Option<Evidence>;

/// Every rule, one a kind.
pub(super) const RULES: [Rule; 7] = [
    self_referral,
    disposable_address,
    after_checkout,
    unverified_visitor,
    coupon_site,
    velocity,
    paid_brand_search,
];

fn self_referral(known: &Inquiry<'_>) -> Option<Evidence> {
    let (sale, partner) = (known.sale, known.partner);
    let has = |key: u128| sale.person_keys.contains(&key);
    let by = if has(partner.address_key) {
        SelfBy::Address
    } else if partner.payout_key.is_some_and(has) {
        SelfBy::PayoutAddress
    } else if has(partner.similar_key) {
        SelfBy::SimilarAddress
    } else if !sale.visitors.is_disjoint(&partner.visitors) {
        SelfBy::Browser
    } else {
        return None;
    };
    Some(Evidence::SelfReferral { by })
}

fn disposable_address(known: &Inquiry<'_>) -> Option<Evidence> {
    let whose = match (known.partner.has_disposable_address, known.sale.has_disposable_address) {
        (true, _) => Whose::Partner,
        (_, true) => Whose::Buyer,
        _ => return None,
    };
    Some(Evidence::DisposableAddress { whose })
}

/// Who puts a click of theirs between the buyer and the payment brought nobody. A click after the checkout that is
/// known to be the order's own never earns; but the same partner's earlier click may, and an earlier checkout may have
/// been given up for the click.
fn after_checkout(known: &Inquiry<'_>) -> Option<Evidence> {
    let (sale, click_at_ms) = (known.sale, known.click?.at_ms);
    let paying_ms = i64::from(known.limits.paying_minutes) * MINUTE_MS;
    let is_before = |at_ms: &&i64| (1..=paying_ms).contains(&(click_at_ms - **at_ms));
    if let Some(&checkout_at_ms) = sale.paying_at_ms.iter().find(is_before) {
        return Some(Evidence::AfterCheckout { checkout_at_ms, click_at_ms });
    }
    let late = sale.late_clicks_ms.iter().find(|&&at_ms| at_ms > sale.checkout_at_ms);
    let after =
        |&click_at_ms: &i64| Evidence::AfterCheckout { checkout_at_ms: sale.checkout_at_ms, click_at_ms };
    late.map(after)
}

/// A browser's first hit is unsigned by nature, and signed from our first answer on. An id that nobody ever showed
/// signed was made by a program that does not read answers.
fn unverified_visitor(known: &Inquiry<'_>) -> Option<Evidence> {
    let click = known.click.map_or(Trust::Unknown, |click| click.trust);
    let order = known.sale.trust;
    let is_signed = known.click.is_some_and(|click| click.was_signed_later) || order == Trust::Signed;
    let (on, is_forged) = match (click, order) {
        (_, Trust::Forged) => (FoundOn::Order, true),
        (Trust::Forged, _) => (FoundOn::Click, true),
        (Trust::Unsigned, Trust::Unsigned) if !is_signed => (FoundOn::Order, false),
        (Trust::Unsigned, _) if !is_signed => (FoundOn::Click, false),
        _ => return None,
    };
    Some(Evidence::UnverifiedVisitor { on, is_forged })
}

fn coupon_site(known: &Inquiry<'_>) -> Option<Evidence> {
    let click = known.click?;
    let referrer = Referrer::parse(&click.referrer);
    let minutes_before = (known.sale.checkout_at_ms - click.at_ms) / MINUTE_MS;
    let earlier_visits = known.sale.earlier_visits;
    let is_one = is_coupon_site(referrer.host())
        && (0..=i64::from(known.limits.coupon_minutes)).contains(&minutes_before)
        && earlier_visits > 0;
    is_one.then(|| Evidence::CouponSite { host: referrer.host().to_owned(), minutes_before, earlier_visits })
}

fn velocity(known: &Inquiry<'_>) -> Option<Evidence> {
    let (partner, limits) = (known.partner, known.limits);
    let (span_ms, minutes) = (limits.velocity_ms(), limits.velocity_minutes);
    if known.is_first {
        let sales = partner.sales_ms.iter().map(|&at_ms| (at_ms, 1));
        let (count, most) = (fullest(sales, known.sale.paid_at_ms, span_ms), limits.velocity_sales_max);
        if count > most {
            return Some(Evidence::Velocity { of: Many::Sales, count, most, minutes });
        }
    }
    let count = fullest(partner.clicks.iter().copied(), known.click?.at_ms, span_ms);
    let most = limits.velocity_clicks_max;
    (count > most).then_some(Evidence::Velocity { of: Many::Clicks, count, most, minutes })
}

/// Of all spans of this length that hold a moment, the most that is in one. `counts` are sorted by time.
fn fullest(counts: impl Iterator<Item = (i64, u32)>, at_ms: i64, span_ms: i64) -> u32 {
    let near: Vec<(i64, u32)> = counts.filter(|(when_ms, _)| (when_ms - at_ms).abs() < span_ms).collect();
    let (mut end, mut sum, mut most) = (0, 0_u32, 0);
    for (from_ms, count) in near.iter().take_while(|(from_ms, _)| *from_ms <= at_ms) {
        while let Some((_, more)) = near.get(end).filter(|(when_ms, _)| *when_ms < from_ms + span_ms) {
            sum = sum.saturating_add(*more);
            end += 1;
        }
        most = most.max(sum);
        sum = sum.saturating_sub(*count);
    }
    most
}

/// Who buys advertisements for the merchant's name and sends the clicks through their link, sells to the merchant who
/// was looking for the merchant. Which word was searched is seldom told: a bought click from a search engine is enough.
fn paid_brand_search(known: &Inquiry<'_>) -> Option<Evidence> {
    let click = known.click?;
    let page = PageAddress::parse(&click.landing).ok()?;
    let bought = |by, value: &str| Some(Evidence::PaidBrandSearch { by, value: value.to_owned() });
    let is_search = |param: &str| {
        let kind = click_id::kind(param);
        kind.is_some_and(|kind| kind.signal == Signal::Strong && kind.category == Some(Category::Search))
    };
    if let Some((param, _)) = page.query().find(|(param, value)| !value.is_empty() && is_search(param)) {
        return bought(BoughtBy::ClickId, param);
    }
    if let Some(term) = page.param("utm_term").filter(|term| names_brand(term, known.brands)) {
        return bought(BoughtBy::BrandTerm, term);
    }
    let medium = page.param("utm_medium").filter(|medium| medium::is_paid(medium))?;
    let from = page.param("utm_source").map(Source::of_tag).and_then(|source| source.category);
    let from = from.or_else(|| Source::of_referrer(&Referrer::parse(&click.referrer))?.category);
    let names_search = medium::words(medium).any(|word| word.contains("search") || word == "sem");
    if names_search || from == Some(Category::Search) { bought(BoughtBy::Medium, medium) } else { None }
}

fn names_brand(term: &str, brands: &[String]) -> bool {
    let term = brand_form(term);
    brands.iter().any(|brand| brand.chars().count() >= BRAND_CHARS_MIN && term.contains(brand.as_str()))
}

/// Letters and digits, lower case: as names are compared.
pub(super) fn brand_form(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How a merchant is called, by the workspace's name and the names of its sites.
pub fn brands(name: &str, domains: &[String]) -> Vec<String> {
    let host = |domain: &String| {
        let url = Url::parse(&format!("https://{}", domain.trim_start_matches(['*', '.']))).ok()?;
        let host = url.host_str()?.to_owned();
        let name = crate::visit::address::registrable(&host).split('.').next()?.to_owned();
        Some(brand_form(&name))
    };
    let mut brands: Vec<String> = domains.iter().filter_map(host).chain([brand_form(name)]).collect();
    brands.retain(|brand| brand.chars().count() >= BRAND_CHARS_MIN);
    brands.sort_unstable();
    brands.dedup();
    brands
}
