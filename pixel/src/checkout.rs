//! Handing the visitor to the checkout: which links lead to one, and what each provider wants added.
//!
//! An existing value is never overwritten, except our own earlier one, unsigned then and signed now. Nothing
//! is taken off a link, and a link that leads nowhere of ours is left as it is.

use alloc::string::String;

use crate::address::{Address, push_param};
use crate::text::{has, next_param, pair, words};
use crate::visitor::is_unsigned_form;

/// The utm parameters a Polar checkout link keeps; others it forgets.
const POLAR_UTM: &str = "utm_source utm_medium utm_campaign utm_term utm_content";

/// Longest utm value handed on: Polar's metadata values end at 500 characters.
const UTM_BYTES_MAX: usize = 500;

/// The link with the visitor (and for Polar the session's `utm`) on it; `None` when it is no checkout link or
/// has all it needs. `hosts` is the comma list of further hosts that serve Polar's links.
#[must_use]
pub fn rewrite(link: &str, hosts: &str, visitor: &str, utm: &str) -> Option<String> {
    let address = Address::parse(link);
    let (name, is_polar) = parameter(&address, hosts)?;
    let mut query = String::new();
    let mut has_visitor = false;
    let pairs = words(address.query, b'&');
    for before in pairs {
        let (before, value) = pair(before);
        let is_visitor = is_same_name(before, name);
        has_visitor |= is_visitor;
        if !before.is_empty() {
            let is_ours = is_visitor && is_unsigned_form(value, visitor);
            push_param(&mut query, before, if is_ours { visitor } else { value });
        }
    }
    if !has_visitor {
        push_param(&mut query, name, visitor);
    }
    let mut utm = words(if is_polar { utm } else { "" }, b'&');
    while let Some((name, value)) = next_param(&mut utm) {
        if has(POLAR_UTM, b' ', name) && value.len() <= UTM_BYTES_MAX && !has_param(&query, name) {
            push_param(&mut query, name, value);
        }
    }
    if query == address.query {
        return None;
    }
    let mut link = String::from(address.front);
    link.push('?');
    link.push_str(&query);
    if !address.fragment.is_empty() {
        link.push('#');
        link.push_str(address.fragment);
    }
    Some(link)
}

/// The parameter that carries the visitor on a link of this kind, and whether it is Polar's.
fn parameter(address: &Address<'_>, hosts: &str) -> Option<(&'static str, bool)> {
    let Address { host, path, .. } = *address;
    let is_api = host == "api.polar.sh" || host == "sandbox-api.polar.sh";
    if host == "buy.polar.sh" || is_api && path.starts_with("/v1/checkout-links/") || has(hosts, b',', host) {
        Some(("reference_id", true))
    } else if host == "buy.stripe.com" {
        Some(("client_reference_id", false))
    } else if host.ends_with(".lemonsqueezy.com")
        && (path.starts_with("/buy/") || path.starts_with("/checkout/"))
    {
        Some((LEMON_SQUEEZY, false))
    } else {
        None
    }
}

/// `checkout[custom][tributary_visitor_id]`, escaped as forms do.
const LEMON_SQUEEZY: &str = "checkout%5Bcustom%5D%5Btributary_visitor_id%5D";

/// Whether a name found on a link is `name`, also with its brackets written plainly.
fn is_same_name(found: &str, name: &str) -> bool {
    found.eq_ignore_ascii_case(name)
        || name == LEMON_SQUEEZY && found == "checkout[custom][tributary_visitor_id]"
}

fn has_param(query: &str, name: &str) -> bool {
    let pairs = words(query, b'&');
    for before in pairs {
        if pair(before).0 == name {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINTED: &str = "vis_01arz3ndektsv4rrffq69g5fav";
    const SIGNED: &str = "vis_01arz3ndektsv4rrffq69g5fav_1mac";
    const UTM: &str = "utm_source=news&utm_campaign=autumn%20sale&utm_id=7";

    #[track_caller]
    fn check(link: &str, want: Option<&str>) {
        let got = rewrite(link, "localhost:4602,pay.example", MINTED, UTM);
        assert_eq!(got.as_deref(), want.map(|want| want.replace('$', MINTED)).as_deref());
    }

    #[test]
    fn polar_links_get_the_visitor_and_the_utm_polar_keeps() {
        let added = "reference_id=$&utm_source=news&utm_campaign=autumn%20sale";
        check("https://buy.polar.sh/polar_cl_x", Some(&format!("https://buy.polar.sh/polar_cl_x?{added}")));
        check(
            "https://sandbox-api.polar.sh/v1/checkout-links/s/redirect?theme=dark#x",
            Some(&format!("https://sandbox-api.polar.sh/v1/checkout-links/s/redirect?theme=dark&{added}#x")),
        );
        check(
            "http://localhost:4602/polar_cl_x?",
            Some(&format!("http://localhost:4602/polar_cl_x?{added}")),
        );
        check("//pay.example/x", Some(&format!("//pay.example/x?{added}")));
    }

    #[test]
    fn existing_values_are_kept() {
        check("https://buy.polar.sh/x?reference_id=mine&utm_source=a&utm_campaign=b", None);
        check(
            "https://buy.polar.sh/x?reference_id=mine&utm_source=a",
            Some("https://buy.polar.sh/x?reference_id=mine&utm_source=a&utm_campaign=autumn%20sale"),
        );
        check("https://buy.stripe.com/x?client_reference_id=mine", None);
        check("https://buy.stripe.com/x?client_reference_id=", None);
        check("https://a.lemonsqueezy.com/buy/1?checkout[custom][tributary_visitor_id]=mine", None);
        check("https://a.lemonsqueezy.com/buy/1?checkout%5bcustom%5d%5btributary_visitor_id%5d=mine", None);
    }

    #[test]
    fn our_own_unsigned_value_gives_way_to_the_signed_one() {
        let first = rewrite("https://buy.polar.sh/x", "", MINTED, "").unwrap();
        let second = rewrite(&first, "", SIGNED, "").unwrap();
        assert_eq!(second, format!("https://buy.polar.sh/x?reference_id={SIGNED}"));
        assert_eq!(rewrite(&second, "", SIGNED, ""), None);
        assert_eq!(rewrite(&second, "", MINTED, ""), None, "and never back");
        let other = format!("https://buy.polar.sh/x?reference_id={}", MINTED.replace("01a", "01b"));
        assert_eq!(rewrite(&other, "", SIGNED, ""), None);
    }

    #[test]
    fn other_providers_by_their_own_means() {
        check("https://buy.stripe.com/test_1", Some("https://buy.stripe.com/test_1?client_reference_id=$"));
        check(
            "https://a.lemonsqueezy.com/buy/1?x=1",
            Some("https://a.lemonsqueezy.com/buy/1?x=1&checkout%5Bcustom%5D%5Btributary_visitor_id%5D=$"),
        );
    }

    #[test]
    fn other_links_are_left_alone() {
        for link in [
            "",
            "/buy",
            "https://polar.sh/",
            "https://api.polar.sh/v1/orders/",
            "https://evil.example/?x=https://buy.polar.sh/",
            "https://buy.polar.sh.evil.example/",
            "https://buy.polar.sh@evil.example/",
            "https://a.lemonsqueezy.com/account",
            "javascript:void(0)",
        ] {
            check(link, None);
        }
    }
}
