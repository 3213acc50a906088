//! Campaign identity: which parts of an address and a referrer say that somebody came from somewhere.
//!
//! Only *that* an identity is there and whether it is a known one is decided in the pixel; what it means
//! (source, channel, ignored referrer) is the collector's. Identities are kept as hashes, never as text.

use crate::address::{is_of_sites, is_same_site};
use crate::config::Call;
use crate::text::{Pairs, has};

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

/// Calls `found` with each campaign identity of a page: each click id, each partner code, its utm set; the referrer
/// only when the address has none of these, because an ad's referrer is where the ad stood.
pub fn identities(call: &Call<'_>, has_referrer: bool, mut found: impl FnMut(Identity)) {
    let mut utm = call.utm();
    let mut is_plain = has_referrer;
    let mut query = Pairs::of(call.query(), b'&');
    // One place where an identity is told, the referrer's last: what it calls is compiled into it.
    loop {
        let mut is_click = false;
        let mut text = utm;
        if query.step() {
            is_click = has(CLICK_IDS, b' ', query.name);
            if query.value.is_empty() || !is_click && !has(call.ref_params(), b',', query.name) {
                continue;
            }
            text = query.pair;
        } else if utm.is_empty() {
            text = call.referrer_host();
            if !is_plain
                || text.is_empty()
                || is_same_site(text, call.host())
                || is_of_sites(text, call.domains())
            {
                return;
            }
        } else {
            utm = "";
        }
        is_plain = false;
        found(Identity { hash: hash(text), is_click });
    }
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
    use crate::draft::Draft;

    fn of(url: &str, referrer: &str) -> Vec<Identity> {
        let tag = ["", "", "", "sister.example", "", "", "", ""];
        let draft = Draft { url, referrer, tag, ..Draft::default() }.write();
        let mut all = Vec::new();
        identities(&Call::read(&draft), true, |identity| all.push(identity));
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
