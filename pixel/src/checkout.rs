//! Handing the visitor to Polar's checkout: which links lead there, and what is added to them.
//!
//! An existing value is never overwritten, except our own earlier one, unsigned then and signed now. Nothing
//! is taken off a link, and a link that leads elsewhere is left as it is. The few pages with links of other
//! providers load what they need besides (`pixel/loader/more.js`).

use crate::address::is_below;
use crate::config::Call;
use crate::text::{Pairs, TEXT_BYTES_MAX, Text, has, is, starts};
use crate::visitor::is_unsigned_form;

/// The parameter that Polar keeps in the metadata of the checkout, and with it of the order.
const REFERENCE: &str = "reference_id";

/// The utm parameters it keeps too; others it forgets.
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
    if !is_checkout(call) || length > TEXT_BYTES_MAX - ADDED_BYTES_MAX {
        return false;
    }
    out.set(call.front());
    let mut separator = b'?';
    let mut is_changed = false;
    let mut pairs = Pairs::of(call.query(), b'&');
    while pairs.step() {
        out.push_byte(separator);
        separator = b'&';
        if is(pairs.name, REFERENCE) && is_unsigned_form(pairs.value, visitor) {
            is_changed |= pairs.value.len() != visitor.len();
            out.push_param(REFERENCE, visitor);
        } else {
            out.push(pairs.pair);
        }
    }
    let (mut name, mut value) = (REFERENCE, visitor);
    let mut utm = Pairs::of(utm, b'&');
    loop {
        if !has_param(call.query(), name) && value.len() <= UTM_BYTES_MAX {
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
    }
}

/// Whether the call's address is that of a checkout link.
fn is_checkout(call: &Call<'_>) -> bool {
    is(call.host(), "buy.polar.sh")
        // The API, and its sandbox, lead there too.
        || is_below(call.host(), "polar.sh") && starts(call.path(), "/v1/checkout-links/")
        || has(call.checkout_hosts(), b',', call.host())
}

fn has_param(query: &str, name: &str) -> bool {
    let mut pairs = Pairs::of(query, b'&');
    while pairs.step() {
        if is(pairs.name, name) {
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
            "https://buy.stripe.com/x",
            "javascript:void(0)",
        ] {
            check(link, None);
        }
    }
}
