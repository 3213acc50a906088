//! What a link that is used leads to: a file, another site, a sister site.
//!
//! Only names what it is; whether that is reported is the loader's to do, and [`crate::pixel`]'s to allow.

use crate::address::{Address, is_of_sites, is_same_site};
use crate::config::Call;
use crate::text::{has, take};

/// Endings of files that are saved rather than read.
const DOWNLOADS: &str = "pdf zip gz 7z rar dmg exe msi pkg deb rpm apk iso csv xls xlsx doc docx ppt pptx epub \
    mp3 mp4 mov wav avi";

/// `download`, `outbound`, `sister` (a site of `data-domains`, to which a visitor who agreed may be handed over), or
/// empty for a page of the own sites.
#[must_use]
pub fn kind(call: &Call<'_>, is_granted: bool) -> &'static str {
    let Address { host, mut path, .. } = Address::parse(call.about());
    let is_own = host.is_empty() || is_same_site(host, Address::parse(call.url()).host);
    let mut ending = "";
    while !path.is_empty() {
        ending = take(&mut path, b'.');
    }
    if has(DOWNLOADS, b' ', ending) {
        "download"
    } else if is_own {
        ""
    } else if is_of_sites(host, call.domains()) {
        if is_granted { "sister" } else { "" }
    } else {
        "outbound"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Draft;

    #[test]
    fn kinds() {
        let check = |about, want| {
            let tag = ["", "", "", "sister.example", "", "", "", ""];
            let draft = Draft { url: "https://www.shop.example/a", tag, about, ..Draft::default() }.write();
            assert_eq!(kind(&Call::read(&draft), true), want, "{about}");
        };
        check("https://shop.example/prices", "");
        check("https://app.shop.example/", "");
        check("https://other.example/", "outbound");
        let tag = ["", "", "", "sister.example", "", "", "", ""];
        let sister = Draft { tag, about: "https://sister.example/", ..Draft::default() }.write();
        assert_eq!(kind(&Call::read(&sister), false), "");
        check("https://docs.sister.example/x", "sister");
        check("https://shop.example/files/manual.PDF?x=1", "download");
        check("https://other.example/setup.exe", "download");
        check("https://shop.example/v1.0/", "");
        for odd in ["", "mailto:ann@other.example", "javascript:void(0)", "tel:123", "/pdf"] {
            check(odd, "");
        }
    }
}
