//! What holds for every landing: nothing panics, the order of parameters changes nothing, text is decoded once,
//! and an address that was stored is classified as the one that came in.

use domain::visit::address::{VALUE_CHARS_MAX, storable};
use domain::visit::{
    Agent, Channel, Classification, Facets, Landing, PageAddress, Referrer, Site, Verdict, campaign_identity,
    classify, facet_id,
};
use proptest::prelude::*;

fn site() -> Site {
    Site { partner_codes: ["jane".to_owned()].into(), ..Site::default() }
}

fn verdict(address: &str, referrer: &str) -> Verdict {
    let page = PageAddress::parse(address).unwrap();
    classify(&Landing { page: &page, referrer, user_agent_hint: None, site: &site(), is_session_start: true })
}

/// Parameters that the rules look at, with values that mean something and some that do not.
fn params() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let names = prop::sample::subsequence(
        vec![
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_content",
            "utm_term",
            "gclid",
            "gbraid",
            "fbclid",
            "msclkid",
            "mc_cid",
            "mc_eid",
            "irclickid",
            "ref",
            "via",
            "page",
        ],
        0..8,
    );
    let value = prop_oneof![
        prop::sample::select(vec![
            "google",
            "facebook",
            "newsletter",
            "cpc",
            "email",
            "social_paid",
            "display",
            "jane",
            "null",
            "{{x}}",
            "chatgpt",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9 +%&=@._ü-]{0,20}",
    ];
    names.prop_flat_map(move |names| {
        let count = names.len();
        prop::collection::vec(value.clone(), count)
            .prop_map(move |values| names.iter().copied().zip(values).collect())
    })
}

fn address(params: &[(&str, String)]) -> String {
    let query: Vec<_> = params.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("https://example.com/pricing?{}", query.join("&"))
}

fn encode(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn referrers() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "https://www.google.com/",
        "https://l.facebook.com/",
        "https://blog.someone.dev/",
        "https://checkout.stripe.com/",
        "https://www.example.com/",
        "android-app://com.google.android.gm/",
    ])
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>(), referrer in any::<String>(), agent in any::<String>()) {
        let _ = PageAddress::parse(&text);
        let _ = storable(&text);
        let _ = Referrer::parse(&referrer);
        let _ = Agent::read(&agent);
        if let Ok(page) = PageAddress::parse(&format!("https://example.com/{text}")) {
            let site = site();
            let _ = campaign_identity(&page, &referrer, &site);
            for hint in [None, Some(agent.as_str())] {
                let landing = Landing { page: &page, referrer: &referrer, user_agent_hint: hint, site: &site, is_session_start: true };
                let _ = classify(&landing);
            }
        }
    }

    #[test]
    fn no_query_or_host_makes_a_reader_panic(query in "[ -~äß€%]{0,80}", host in "[a-zA-Z0-9.äß\\[\\]:_-]{1,40}") {
        let address = format!("https://{host}/?{query}&utm_source={query}&ref={query}&utm_medium={query}");
        if let Ok(page) = PageAddress::parse(&address) {
            let _ = verdict(&address, &format!("https://{host}/{query}"));
            prop_assert!(page.host().ends_with(page.registrable_domain()));
        }
    }

    #[test]
    fn the_order_of_parameters_changes_nothing(params in params().prop_shuffle(), referrer in referrers()) {
        let mut sorted = params.clone();
        sorted.sort();
        prop_assert_eq!(verdict(&address(&params), referrer), verdict(&address(&sorted), referrer));
        let page = |params: &[_]| PageAddress::parse(&address(params)).unwrap();
        prop_assert_eq!(
            campaign_identity(&page(&params), referrer, &site()),
            campaign_identity(&page(&sorted), referrer, &site())
        );
    }

    #[test]
    fn values_are_decoded_once(value in "[a-zA-Z0-9%+&=#äß€]{1,60}") {
        let page = PageAddress::parse(&format!("https://example.com/?x={}", encode(&value))).unwrap();
        let found: Vec<_> = page.query().map(|(_, value)| value.to_owned()).collect();
        prop_assert_eq!(found, [value]);
    }

    #[test]
    fn values_are_clean_and_short(value in any::<String>()) {
        let value: String = value.chars().take(150).collect();
        let address = format!("https://example.com/?x={}", encode(&value));
        if let Ok(page) = PageAddress::parse(&address) {
            let (_, found) = page.query().next().unwrap();
            prop_assert!(found.chars().count() <= VALUE_CHARS_MAX);
            prop_assert!(!found.chars().any(char::is_control));
            prop_assert_eq!(found.trim(), found);
        }
    }

    #[test]
    fn a_stored_address_is_classified_as_the_one_that_came(params in params(), referrer in referrers()) {
        let came = address(&params);
        let stored = storable(&came).unwrap();
        prop_assert_eq!(storable(&stored).unwrap(), stored.clone());
        prop_assert_eq!(without_warnings(verdict(&came, referrer)), without_warnings(verdict(&stored, referrer)));
    }

    #[test]
    fn texts_that_run_into_each_other_are_other_facets(source in "[a-z]{1,8}", medium in "[a-z]{1,8}") {
        let facets = |source: &str, medium: &str| Facets { source: source.into(), medium: medium.into(), ..Facets::direct() };
        let moved = format!("{source}{}", &medium[..1]);
        prop_assert_ne!(facet_id(&facets(&source, &medium)), facet_id(&facets(&moved, &medium[1..])));
    }
}

/// A stored address has lost the text that the warnings are about, and no more.
fn without_warnings(verdict: Verdict) -> Option<Classification> {
    match verdict {
        Verdict::Touch(touch) => Some(Classification { warnings: Vec::new(), ..*touch }),
        Verdict::NoTouch(_) => None,
    }
}

#[test]
fn every_channel_reads_back_from_its_name() {
    for channel in Channel::ALL {
        assert_eq!(channel.as_str().parse(), Ok(*channel));
        assert_eq!(channel.as_str().to_uppercase().parse(), Ok(*channel));
    }
    assert_eq!("Newsletter".parse::<Channel>().unwrap_err().0, "Newsletter");
}
