//! Handing the visitor to the checkout: which links lead to one, and what each provider wants added.
//!
//! An existing value is never overwritten, except our own earlier one, unsigned then and signed now. Nothing
//! is taken off a link, and a link that leads nowhere of ours is left as it is.

use crate::address::Address;
use crate::text::{Pairs, Text, has};
use crate::visitor::is_unsigned_form;

/// The utm parameters a Polar checkout link keeps; others it forgets.
const POLAR_UTM: &str = "utm_source utm_medium utm_campaign utm_term utm_content";

/// Longest utm value handed on: Polar's metadata values end at 500 characters.
const UTM_BYTES_MAX: usize = 500;

/// Longest link that is rewritten: with all that is added it fits a [`Text`].
const LINK_BYTES_MAX: usize = 4096;

/// `checkout[custom][tributary_visitor_id]`, escaped as forms do.
const LEMON_SQUEEZY: &str = "checkout%5Bcustom%5D%5Btributary_visitor_id%5D";

/// Writes the link with the visitor (and for Polar the session's `utm`) on it; false when it is no checkout link
/// or has all it needs. `hosts` is the comma list of further hosts that serve Polar's links.
#[must_use]
pub fn rewrite(link: &str, hosts: &str, visitor: &str, utm: &str, out: &mut Text) -> bool {
    let address = Address::parse(link);
    let name = parameter(&address, hosts);
    if name.is_empty() || link.len() > LINK_BYTES_MAX {
        return false;
    }
    out.set(address.front);
    out.push_byte(b'?');
    let start = out.len();
    let (mut has_visitor, mut is_changed) = (false, false);
    let mut pairs = Pairs::of(address.query, b'&');
    while pairs.step() {
        if is_same_name(pairs.name, name) {
            has_visitor = true;
            if is_unsigned_form(pairs.value, visitor) {
                is_changed |= pairs.value.len() != visitor.len();
                out.push_param(start, pairs.name, visitor);
                continue;
            }
        }
        if out.len() > start {
            out.push_byte(b'&');
        }
        out.push(pairs.pair);
    }
    if !has_visitor {
        out.push_param(start, name, visitor);
        is_changed = true;
    }
    let mut utm = Pairs::of(if name.len() == POLAR.len() { utm } else { "" }, b'&');
    while utm.step() {
        if has(POLAR_UTM, b' ', utm.name)
            && utm.value.len() <= UTM_BYTES_MAX
            && !has_param(address.query, utm.name)
        {
            out.push_param(start, utm.name, utm.value);
            is_changed = true;
        }
    }
    if !address.fragment.is_empty() {
        out.push_byte(b'#');
        out.push(address.fragment);
    }
    is_changed
}

/// Polar's parameter for the visitor; the other providers' are of other lengths.
const POLAR: &str = "reference_id";

/// The parameter that carries the visitor on a link of this kind, empty when it is no checkout link.
fn parameter(address: &Address<'_>, hosts: &str) -> &'static str {
    let Address { host, path, .. } = *address;
    let is_api = host.strip_prefix("sandbox-").unwrap_or(host) == "api.polar.sh";
    if host == "buy.polar.sh" || is_api && path.starts_with("v1/checkout-links/") || has(hosts, b',', host) {
        POLAR
    } else if host == "buy.stripe.com" {
        "client_reference_id"
    } else if host.ends_with(".lemonsqueezy.com")
        && (path.starts_with("buy/") || path.starts_with("checkout/"))
    {
        LEMON_SQUEEZY
    } else {
        ""
    }
}

/// Whether a name found on a link is `name`, also with its brackets written plainly.
fn is_same_name(found: &str, name: &str) -> bool {
    found.eq_ignore_ascii_case(name)
        || name.len() == LEMON_SQUEEZY.len() && found == "checkout[custom][tributary_visitor_id]"
}

fn has_param(query: &str, name: &str) -> bool {
    let mut pairs = Pairs::of(query, b'&');
    while pairs.step() {
        if pairs.name == name {
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

    fn rewritten(link: &str, hosts: &str, visitor: &str, utm: &str) -> Option<String> {
        let mut out = Box::new(Text::new());
        rewrite(link, hosts, visitor, utm, &mut out).then(|| out.as_str().to_owned())
    }

    #[track_caller]
    fn check(link: &str, want: Option<&str>) {
        let got = rewritten(link, "localhost:4602,pay.example", MINTED, UTM);
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
        check(
            "https://buy.polar.sh/x?flag&&a=b=c",
            Some(&format!("https://buy.polar.sh/x?flag&&a=b=c&{added}")),
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
        let first = rewritten("https://buy.polar.sh/x", "", MINTED, "").unwrap();
        let second = rewritten(&first, "", SIGNED, "").unwrap();
        assert_eq!(second, format!("https://buy.polar.sh/x?reference_id={SIGNED}"));
        assert_eq!(rewritten(&second, "", SIGNED, ""), None);
        assert_eq!(rewritten(&second, "", MINTED, ""), None, "and never back");
        let other = format!("https://buy.polar.sh/x?reference_id={}", MINTED.replace("01a", "01b"));
        assert_eq!(rewritten(&other, "", SIGNED, ""), None);
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
