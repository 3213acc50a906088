//! Addresses: pages with their query strings, referrers and user agents, as strangers write them.
//! The first byte chooses which of them the rest is; a newline parts page and referrer.
#![no_main]

use domain::visit::{Agent, Landing, PageAddress, Referrer, Site, address, campaign_identity, classify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match which % 4 {
        0 | 1 => page(text, which % 4 == 0),
        2 => drop(Agent::read(text)),
        _ => {
            let _ = domain::visit::network::Country::parse(text);
            let _ = address::registrable(text);
            assert_eq!(address::is_email(text), address::is_email(text));
        }
    }
});

fn page(text: &str, is_session_start: bool) {
    let (page, referrer) = text.split_once('\n').unwrap_or((text, ""));
    let referrer = Referrer::storable(referrer);
    assert_eq!(Referrer::storable(&referrer), referrer, "what is storable stays as it is");
    let _ = Referrer::parse(&referrer);
    let Ok(read) = PageAddress::parse(page) else { return };
    let stored = address::storable(page).expect("a page that reads can be stored");
    // What was cut away for naming a person never comes back by storing it again.
    assert_eq!(address::storable(&stored).as_deref(), Ok(&*stored));
    let site =
        Site { domains: vec!["shop.example".into()], ref_params: vec!["ref".into()], ..Site::default() };
    let landing =
        Landing { page: &read, referrer: &referrer, user_agent_hint: None, site: &site, is_session_start };
    let _ = classify(&landing);
    let _ = campaign_identity(&read, &referrer, &site);
}
