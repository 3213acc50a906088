//! Campaign identity: which parts of an address and a referrer say that somebody came from somewhere.
//!
//! Only *that* an identity is there and whether it is a known one is decided in the pixel; what it means
//! (source, channel, ignored referrer) is the collector's. Identities are kept as hashes, never as text.

use crate::address::{Address, is_of_sites, is_same_site};
use crate::config::Call;
use crate::text::{Pairs, has, starts};

/// Parameters that name a single click or partner by themselves: the strong and affiliate click ids.
/// Ambiguous ones (fbclid) and organic ones (srsltid) are no campaign. Names are compared without case.
const CLICK_IDS: &str = "gclid gbraid wbraid gad_source gad_campaignid gclsrc dclid msclkid ttclid twclid \
    li_fat_id epik rdt_cid sccid qclid yclid _openstat obclid ob_click_id tblci tbclid spclid irclickid irclid \
    cjevent awc sscid ransiteid rb_clickid dub_id fpr s_kwcid ef_id";

/// One identity on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// FNV-1a of its name and value.
    pub hash: u32,
    /// A click id names one click: met again in the session, it is never new.
    pub is_click: bool,
}

/// Calls `found` with each campaign identity of a page: its utm set, each click id, each partner code; the
/// referrer only when the address has none of these, because an ad's referrer is where the ad stood.
pub fn identities(call: &Call<'_>, page: &Address<'_>, referrer: &str, mut found: impl FnMut(Identity)) {
    let mut utm_sum = 0u32;
    let mut is_plain = true;
    let mut query = Pairs::of(page.query, b'&');
    // One place where an identity is told, the referrer's last: what it calls is compiled into it.
    loop {
        let identity = if query.step() {
            let is_click = has(CLICK_IDS, b' ', query.name);
            if query.value.is_empty() {
                continue;
            }
            let hash = hash(query.pair);
            if is_utm(query.name) {
                // A sum does not depend on the order the parameters stand in.
                utm_sum = utm_sum.wrapping_add(hash);
                continue;
            }
            if !is_click && !has(call.ref_params(), b',', query.name) {
                continue;
            }
            Identity { hash, is_click }
        } else if utm_sum != 0 {
            Identity { hash: core::mem::take(&mut utm_sum), is_click: false }
        } else {
            let from = Address::parse(referrer).host;
            if !is_plain
                || from.is_empty()
                || is_same_site(from, page.host)
                || is_of_sites(from, call.domains())
            {
                return;
            }
            Identity { hash: hash(from), is_click: false }
        };
        is_plain = false;
        found(identity);
    }
}

/// Whether a parameter belongs to the utm set.
#[must_use]
pub fn is_utm(name: &str) -> bool {
    starts(name, "utm_")
}

#[inline(never)]
fn hash(text: &str) -> u32 {
    let mut hash = 0x811c_9dc5;
    for byte in text.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Draft;

    fn of(url: &str, referrer: &str) -> Vec<Identity> {
        let draft = Draft { tag: ["", "", "", "sister.example", "", "", "", ""], ..Draft::default() }.write();
        let mut all = Vec::new();
        identities(&Call::read(&draft), &Address::parse(url), referrer, |identity| all.push(identity));
        all
    }

    #[test]
    fn a_plain_page_has_none() {
        for referrer in
            ["", "https://shop.example/a", "https://www.shop.example/", "https://sister.example/x"]
        {
            assert_eq!(of("https://shop.example/?q=1&fbclid=x&utm_source=", referrer), [], "{referrer}");
        }
    }

    #[test]
    fn the_utm_set_is_one_identity_whatever_its_order() {
        let set = of("https://shop.example/?utm_source=a&utm_medium=b", "");
        assert_eq!(set.len(), 1);
        assert_eq!(set, of("https://shop.example/other?x=1&utm_medium=b&utm_source=a", ""));
        assert_ne!(set, of("https://shop.example/?utm_source=b&utm_medium=a", ""));
    }

    #[test]
    fn click_ids_and_partner_codes_stand_alone() {
        let found =
            of("https://shop.example/?gclid=1&ScCid=2&via=ann&utm_source=x", "https://www.google.com/");
        assert_eq!(
            found.iter().map(|identity| identity.is_click).collect::<Vec<_>>(),
            [true, true, false, false]
        );
    }

    #[test]
    fn an_external_referrer_counts_only_alone() {
        assert_eq!(of("https://shop.example/", "https://www.google.com/").len(), 1);
        assert_eq!(
            of("https://shop.example/?utm_source=a", "https://www.google.com/"),
            of("https://shop.example/?utm_source=a", "")
        );
        assert_eq!(
            of("https://shop.example/", "https://x.example/1"),
            of("https://shop.example/", "https://x.example/2")
        );
    }
}
