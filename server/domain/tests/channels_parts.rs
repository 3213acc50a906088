//! The parts around the rules: addresses, referrers, facets, networks, countries, prefetch, data files.

use std::collections::HashSet;
use std::net::IpAddr;

use domain::visit::address::{AddressError, PATH_CHARS_MAX, storable};
use domain::visit::network::{Country, Network, country_from_headers};
use domain::visit::prefetch::is_prefetch;
use domain::visit::{
    Channel, Device, Facets, Landing, PageAddress, Referrer, Site, Verdict, campaign_identity, classify,
    facet_id,
};

#[test]
fn addresses_are_taken_apart() {
    let page = PageAddress::parse("HTTPS://user:pw@Shop.Exämple.CO.UK.:8443/a/b%20c?X=1&y=%2B+z&&flag#part")
        .unwrap();
    assert_eq!(page.host(), "shop.xn--exmple-cua.co.uk");
    assert_eq!(page.registrable_domain(), "xn--exmple-cua.co.uk");
    assert_eq!(page.path(), "/a/b%20c");
    assert_eq!(page.query().collect::<Vec<_>>(), [("x", "1"), ("y", "+ z"), ("flag", "")]);
}

#[test]
fn names_without_a_registered_domain_are_their_own() {
    for (address, domain) in [
        ("http://localhost:4601/", "localhost"),
        ("http://127.0.0.1:4601/", "127.0.0.1"),
        ("http://[::1]/", "[::1]"),
        ("https://somebody.github.io/", "somebody.github.io"),
    ] {
        assert_eq!(PageAddress::parse(address).unwrap().registrable_domain(), domain);
    }
}

#[test]
fn what_is_no_address_of_a_page_says_why() {
    let error = |text: &str| PageAddress::parse(text).unwrap_err();
    assert_eq!(error("/pricing"), AddressError::Malformed);
    assert_eq!(error(""), AddressError::Malformed);
    assert_eq!(error("file:///etc/passwd"), AddressError::Scheme);
    assert_eq!(error("javascript:alert(1)"), AddressError::Scheme);
    assert_eq!(error(&format!("https://example.com/{}", "a".repeat(2_000))), AddressError::TooLong);
    let long = PageAddress::parse(&format!("https://example.com/{}", "a".repeat(1_900))).unwrap();
    assert_eq!(long.path().len(), PATH_CHARS_MAX);
}

#[test]
fn stored_addresses_name_nobody() {
    let stored = |text: &str| storable(text).unwrap();
    assert_eq!(
        stored(
            "https://jane:secret@example.com/a?utm_source=x&mc_eid=9f8e&MKT_TOK=abc&to=jane%40example.org#top"
        ),
        "https://example.com/a?utm_source=x&mc_eid=-&MKT_TOK=-&to="
    );
    assert_eq!(
        stored("https://example.com/?gclid=Cj0&handle=@jane"),
        "https://example.com/?gclid=Cj0&handle=@jane"
    );
    let token = "_trb=vis_01jd3m8q5x0000000000000abc_k1m.t1.mac";
    assert_eq!(stored(&format!("https://example.com/a?{token}&via=ann")), "https://example.com/a?via=ann");
    assert_eq!(stored(&format!("https://example.com/a?{token}")), "https://example.com/a");
}

#[test]
fn referrers_are_sites_apps_or_nothing() {
    assert_eq!(Referrer::parse("https://WWW.Google.com/search?q=x").host(), "www.google.com");
    assert_eq!(
        Referrer::parse("android-app://com.Reddit.frontpage/"),
        Referrer::App("com.reddit.frontpage".into())
    );
    assert_eq!(Referrer::parse("ios-app://389801252/x"), Referrer::App("389801252".into()));
    for nothing in ["", " ", "about:blank", "android-app://", "android-app://a b/", "somewhere"] {
        assert_eq!(Referrer::parse(nothing), Referrer::None, "{nothing}");
    }
}

#[test]
fn a_stored_referrer_reads_as_the_one_that_came() {
    for (came, stored) in [
        (" https://www.google.com/search?q=jane%40example.org#x ", "https://www.google.com/search?q="),
        ("android-app://com.Reddit.frontpage/https/reddit.com", "android-app://com.reddit.frontpage"),
        ("IOS-APP://389801252/x?y", "ios-app://389801252"),
        ("about:blank", ""),
        ("", ""),
    ] {
        assert_eq!(Referrer::storable(came), stored);
        assert_eq!(Referrer::parse(stored), Referrer::parse(came));
    }
}

#[test]
fn a_campaign_is_its_tags_ids_codes_and_foreign_referrer() {
    let site = Site::default();
    let id = |query: &str, referrer: &str| {
        let page = PageAddress::parse(&format!("https://example.com/a?{query}")).unwrap();
        campaign_identity(&page, referrer, &site)
    };
    assert_eq!(id("", ""), 0);
    assert_eq!(id("page=2&fbclid=x", "https://www.example.com/"), 0);
    assert_eq!(id("", "https://checkout.stripe.com/"), 0);
    assert_eq!(id("", "https://github.com/"), 0);
    assert_eq!(id("utm_source=x&page=2", ""), id("page=3&UTM_SOURCE=x&utm_medium=null", ""));
    let all = [
        id("utm_source=x", ""),
        id("utm_source=x&utm_medium=y", ""),
        id("gclid=1", ""),
        id("gclid=2", ""),
        id("ref=jane", ""),
        id("", "https://www.google.com/"),
        id("utm_source=x", "https://www.google.com/"),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert!(!all.contains(&0));
    // Rows of touches carry it: it never changes.
    assert_eq!(id("utm_source=newsletter&utm_medium=email", ""), PINNED_CAMPAIGN);
}

const PINNED_CAMPAIGN: u64 = 17_649_822_770_651_716_797;
const PINNED_FACET: u64 = 13_995_802_109_771_900_869;

#[test]
fn the_id_of_facets_never_changes() {
    let facets = Facets {
        channel: Channel::PaidSearch,
        source: "google".into(),
        medium: "cpc".into(),
        campaign: "Spring Sale".into(),
        content: "ad-1".into(),
        term: "analytics".into(),
        landing_page: "/pricing".into(),
        referrer: "www.google.com".into(),
        country: "DE".into(),
        device: "mobile".into(),
        partner: String::new(),
    };
    assert_eq!(facet_id(&facets), PINNED_FACET);
    assert_ne!(facet_id(&Facets::direct()), facet_id(&Facets::unattributed()));
}

#[test]
fn a_direct_touch_has_the_source_of_direct_credit() {
    let page = PageAddress::parse("https://example.com/").unwrap();
    let site = Site::default();
    let landing =
        Landing { page: &page, referrer: "", user_agent_hint: None, site: &site, is_session_start: true };
    let Verdict::Touch(touch) = classify(&landing) else { panic!("a first page is a touch") };
    let facets = Facets::of(&touch, "DE", Device::Tablet);
    assert_eq!((facets.source.as_str(), facets.landing_page.as_str()), ("(direct)", "/"));
    assert_eq!((facets.country.as_str(), facets.device.as_str()), ("DE", "tablet"));
}

#[test]
fn network_addresses_are_cut_short() {
    let network = |text: &str| Network::of(text.parse::<IpAddr>().unwrap()).to_string();
    assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
    assert_eq!(network("::ffff:192.0.2.77"), "192.0.2.0/24");
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
}

#[test]
fn countries_come_from_the_first_header_that_holds_one() {
    let with = |headers: &'static [(&str, &str)]| {
        country_from_headers(|name| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value))
            .map(|country| country.to_string())
    };
    assert_eq!(with(&[("cf-ipcountry", "de")]), Some("DE".into()));
    assert_eq!(with(&[("cf-ipcountry", "XX"), ("x-vercel-ip-country", "FR")]), Some("FR".into()));
    assert_eq!(with(&[("cf-ipcountry", "T1")]), None);
    assert_eq!(with(&[("cloudfront-viewer-country", "Germany")]), None);
    assert_eq!(Country::parse("ü"), None);
}

#[test]
fn pages_fetched_ahead_are_known_by_their_headers() {
    let with =
        |wanted: &'static str, value: &'static str| is_prefetch(|name| (name == wanted).then_some(value));
    assert!(with("sec-purpose", "prefetch;prerender"));
    assert!(with("sec-purpose", "prefetch"));
    assert!(with("purpose", "Prefetch"));
    assert!(with("x-moz", "prefetch"));
    assert!(with("x-purpose", "preview"));
    assert!(!with("purpose", "navigation"));
    assert!(!with("accept", "prefetch"));
}

#[test]
fn the_lists_agree_with_each_other() {
    let file = |name: &str| std::fs::read_to_string(format!("data/{name}")).unwrap();
    let sources = file("sources.csv");
    let hosts: HashSet<_> = sources.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    let spam = file("spam-referrers.txt");
    let both: Vec<_> = spam.lines().filter(|host| hosts.contains(host)).collect();
    assert!(both.is_empty(), "sources that are on the list of spam: {both:?}");
    for name in ["sources.csv", "utm-source-aliases.csv", "click-ids.csv", "ignored-referrers.csv"] {
        let text = file(name);
        let columns = text.lines().next().unwrap().split(',').count();
        for row in text.lines() {
            assert!(!row.contains('"') && row.split(',').count() == columns, "{name}: {row}");
        }
    }
}
