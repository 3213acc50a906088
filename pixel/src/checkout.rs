//! Handing the visitor to a checkout: which links lead to one, and what is added to them.
//!
//! An existing value is never overwritten, except our own earlier one, unsigned then and signed now. Nothing
//! is taken off a link, and a link that leads elsewhere is left as it is. The elements of other providers than Polar
//! are filled in by `pixel/loader/more.js`.

use crate::address::is_below;
use crate::config::Call;
use crate::text::{Pairs, TEXT_BYTES_MAX, Text, has, is, starts, take};
use crate::visitor::is_unsigned_form;

/// The parameter that Polar keeps in the metadata of the checkout, and with it of the order.
const POLAR: &str = "reference_id";

/// The parameter of Stripe's payment links.
const STRIPE: &str = "client_reference_id";

/// The parameter that Lemon Squeezy keeps in the order's custom data: as it is written, and as people write it.
const LEMON_SQUEEZY: &str =
    "checkout%5Bcustom%5D%5Btributary_visitor_id%5D checkout[custom][tributary_visitor_id]";

/// The utm parameters that Polar keeps too; others it forgets.
const KEPT_UTM: &str = "utm_source utm_medium utm_campaign utm_term utm_content";

/// Longest utm value handed on: Polar's metadata values end at 500 characters.
const UTM_BYTES_MAX: usize = 500;

/// Room for the names of what is added, and the visitor.
const ADDED_BYTES_MAX: usize = 256;

/// Writes the call's link with the visitor and the session's `utm` on it; false when it is no checkout link, has all
/// it needs, or would become too long.
#[must_use]
pub fn rewrite(call: &Call<'_>, visitor: &str, utm: &str, out: &mut Text) -> bool {
    let length = call.front().len() + call.query().len() + call.fragment().len() + utm.len();
    let names = parameter(call);
    if names.is_empty() || length > TEXT_BYTES_MAX - ADDED_BYTES_MAX {
        return false;
    }
    let mut name = take(&mut { names }, b' ');
    let mut value = visitor;
    out.set(call.front());
    let mut separator = b'?';
    let mut is_changed = false;
    let mut pairs = Pairs::of(call.query(), b'&');
    while pairs.step() {
        out.push_byte(separator);
        separator = b'&';
        if has(names, b' ', pairs.name) && is_unsigned_form(pairs.value, visitor) {
            is_changed |= pairs.value.len() != visitor.len();
            out.push_param(pairs.name, visitor);
        } else {
            out.push(pairs.pair);
        }
    }
    let mut is_there = has_param(call.query(), names);
    let mut utm = Pairs::of(if is(names, POLAR) { utm } else { "" }, b'&');
    loop {
        if !is_there && value.len() <= UTM_BYTES_MAX {
            out.push_byte(separator);
            separator = b'&';
            out.push_param(name, value);
            is_changed = true;
        }
        loop {
            if !utm.step() {
                if !call.fragment().is_empty() {
                    out.push_byte(b'#');
                    out.push(call.fragment());
                }
                return is_changed;
            }
            if has(KEPT_UTM, b' ', utm.name) {
                break;
            }
        }
        (name, value) = (utm.name, utm.value);
        is_there = has_param(call.query(), name);
    }
}

/// The parameter in which the call's address carries the visitor, its other spellings behind it; empty for what is
/// no checkout link.
fn parameter(call: &Call<'_>) -> &'static str {
    let host = call.host();
    if is(host, "buy.polar.sh")
        // The API, and its sandbox, lead there too.
        || is_below(host, "polar.sh") && starts(call.path(), "/v1/checkout-links/")
        || has(call.checkout_hosts(), b',', host)
    {
        POLAR
    } else if is(host, "buy.stripe.com") {
        STRIPE
    } else if is_below(host, "lemonsqueezy.com") {
        LEMON_SQUEEZY
    } else {
        ""
    }
}

/// Whether a query has a parameter of one of these names.
fn has_param(query: &str, names: &str) -> bool {
    let mut pairs = Pairs::of(query, b'&');
    while pairs.step() {
        if has(names, b' ', pairs.name) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    const MINTED: &str = "vis_01arz3ndektsv4rrffq69g5fav";
    const SIGNED: &str = "vis_01arz3ndektsv4rrffq69g5fav_1mac";
    const UTM: &str = "utm_source=news&utm_campaign=autumn%20sale&utm_id=7";

    fn rewritten(link: &str, hosts: &str, visitor: &str, utm: &str) -> Option<String> {
        let mut out = Box::new(Text::new());
        let tag = ["", "", "", "", "", "", hosts, ""];
        let draft = Draft { letter: 'd', about: link, tag, ..Draft::default() };
        rewrite(&Call::read(&draft.write()), visitor, utm, &mut out).then(|| out.as_str().to_owned())
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
    fn other_providers_links_get_the_visitor_alone() {
        check(
            "https://buy.stripe.com/x?prefilled_email=a#b",
            Some("https://buy.stripe.com/x?prefilled_email=a&client_reference_id=$#b"),
        );
        check(
            "https://a.lemonsqueezy.com/buy/1?embed=1",
            Some("https://a.lemonsqueezy.com/buy/1?embed=1&checkout%5Bcustom%5D%5Btributary_visitor_id%5D=$"),
        );
    }

    #[test]
    fn existing_values_are_kept() {
        check("https://buy.polar.sh/x?reference_id=mine&utm_source=a&utm_campaign=b", None);
        check(
            "https://buy.polar.sh/x?reference_id=mine&utm_source=a",
            Some("https://buy.polar.sh/x?reference_id=mine&utm_source=a&utm_campaign=autumn%20sale"),
        );
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
    fn other_links_are_left_alone() {
        for link in [
            "",
            "/buy",
            "https://polar.sh/",
            "https://api.polar.sh/v1/orders/",
            "https://evil.example/?x=https://buy.polar.sh/",
            "https://buy.polar.sh.evil.example/",
            "https://buy.polar.sh@evil.example/",
            "https://buy.stripe.com.evil.example/x",
            "https://notlemonsqueezy.com/buy/1",
            "https://buy.stripe.com/x?client_reference_id=mine",
            "https://a.lemonsqueezy.com/buy/1?checkout[custom][tributary_visitor_id]=mine",
            "https://a.lemonsqueezy.com/buy/1?checkout%5bcustom%5d%5btributary_visitor_id%5d=mine",
            "javascript:void(0)",
        ] {
            check(link, None);
        }
    }
}
