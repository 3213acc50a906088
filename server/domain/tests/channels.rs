//! The golden table of landings, and the edge cases that the rules decide one by one.

use domain::visit::{
    Classification, Landing, NoTouch, PageAddress, RuleField, RuleTest, Site, Verdict, Warning,
    WorkspaceRule, classify,
};

fn site() -> Site {
    Site {
        domains: vec!["example.com".to_owned()],
        partner_codes: ["jane".to_owned()].into(),
        ..Site::default()
    }
}

fn verdict(query: &str, referrer: &str, is_session_start: bool) -> Verdict {
    let page = PageAddress::parse(&format!("https://example.com/?{query}")).unwrap();
    classify(&Landing { page: &page, referrer, user_agent_hint: None, site: &site(), is_session_start })
}

fn touch(query: &str, referrer: &str) -> Classification {
    match verdict(query, referrer, true) {
        Verdict::Touch(touch) => *touch,
        Verdict::NoTouch(why) => panic!("`{query}` from `{referrer}` is no touch: {why:?}"),
    }
}

/// Channel and source of a landing that begins a session.
#[track_caller]
fn check(query: &str, referrer: &str, channel: &str, source: &str) {
    let touch = touch(query, referrer);
    let found = (touch.channel.as_str(), touch.source.as_str());
    assert_eq!(found, (channel, source), "`{query}` from `{referrer}` ({})", touch.reason);
}

#[test]
fn every_row_of_the_golden_table_gets_its_channel_and_source() {
    let mut reader = csv::Reader::from_path("tests/golden/channel-vectors.csv").unwrap();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        let (query, referrer, channel, source) = (&row[1], &row[2], &row[3], &row[4]);
        let found = match verdict(query, referrer, true) {
            Verdict::Touch(touch) => (touch.channel.to_string(), touch.source),
            Verdict::NoTouch(_) => ("(no touch)".to_owned(), String::new()),
        };
        if found != (channel.to_owned(), source.to_owned()) {
            wrong.push(format!(
                "{}: `{query}` from `{referrer}` is {found:?}, not {channel}, {source}",
                &row[0]
            ));
        }
        rows += 1;
    }
    println!("{} of {rows} rows right", rows - wrong.len());
    assert!(rows >= 40, "the table has only {rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn advertisers_click_ids_are_paid_without_any_tag() {
    check("gclid=Cj0", "", "Paid Search", "google");
    check("gbraid=0AAA", "https://www.google.com/", "Paid Search", "google");
    check("msclkid=abc", "", "Paid Search", "bing");
    check("msclkid=abc", "https://duckduckgo.com/", "Paid Search", "duckduckgo");
    check("gclid=Cj0", "https://www.youtube.com/", "Paid Video", "youtube");
    check("dclid=abc", "", "Display", "google");
    check("dclid=abc", "https://news.someone.dev/", "Display", "google");
    check("ttclid=abc", "", "Paid Social", "tiktok");
    check("ScCid=abc", "", "Paid Social", "snapchat");
    check("tblci=abc", "https://news.someone.dev/", "Paid Other", "taboola");
    check("spclid=abc", "", "Audio", "spotify");
    check("gclid=Cj0&utm_source=spring-sale", "", "Paid Search", "spring-sale");
}

#[test]
fn a_click_id_that_fits_neither_source_nor_referrer_is_a_copied_link() {
    check("gclid=old", "https://www.linkedin.com/", "Organic Social", "linkedin");
    check("gclid=old", "https://blog.someone.dev/", "Referral", "blog.someone.dev");
    check("gclid=old&utm_source=newsletter&utm_medium=email", "", "Email", "newsletter");
    check("gclid=old&utm_source=acme&utm_medium=email", "", "Email", "acme");
    check("fbclid=old", "https://blog.someone.dev/", "Referral", "blog.someone.dev");
    check("mc_cid=1a", "https://www.linkedin.com/", "Organic Social", "linkedin");
    let stale = touch("gclid=old", "https://www.linkedin.com/");
    assert_eq!(stale.click_id, None);
    assert_eq!(stale.warnings, [Warning::StaleClickId("gclid")]);
}

#[test]
fn click_ids_of_shares_and_listings_are_not_paid() {
    check("fbclid=IwAR", "", "Organic Social", "facebook");
    check("fbclid=IwAR", "https://l.instagram.com/", "Organic Social", "instagram");
    check("igsh=abc", "", "Organic Social", "instagram");
    check("srsltid=abc", "https://www.google.com/", "Organic Shopping", "google");
    check("ysclid=abc", "https://yandex.ru/", "Organic Search", "yandex");
    check("irclickid=abc", "https://blog.someone.dev/", "Affiliates", "impact");
    check("_gl=1*abc&_ga=2", "", "Direct", "");
}

#[test]
fn ids_of_mailing_tools_count_but_those_that_name_a_person_are_not_kept() {
    let touch = touch("mc_eid=9f8e", "https://mail.google.com/");
    assert_eq!((touch.channel.as_str(), touch.source.as_str()), ("Email", "mailchimp"));
    let click = touch.click_id.unwrap();
    assert_eq!((click.param, click.value), ("mc_eid", None));
}

#[test]
fn mediums_are_read_word_by_word() {
    check("utm_source=facebook&utm_medium=display-cpc", "", "Display", "facebook");
    check("utm_source=google&utm_medium=paidsearch", "", "Paid Search", "google");
    check("utm_source=acme&utm_medium=mcp", "", "Unassigned", "acme");
    check("utm_source=acme&utm_medium=webcpa", "", "Unassigned", "acme");
    check("utm_source=acme&utm_medium=cpm", "", "Display", "acme");
    check("utm_source=google&utm_medium=cpm", "", "Paid Search", "google");
    check("utm_source=amazon&utm_medium=cpc", "", "Paid Shopping", "amazon");
    check("utm_source=acme&utm_medium=e-mail", "", "Email", "acme");
    check("utm_source=acme&utm_medium=E_Mail", "", "Email", "acme");
    check("utm_source=acme&utm_medium=direct+mail", "", "Offline", "acme");
    check("utm_source=acme&utm_medium=social-media", "", "Organic Social", "acme");
    check("utm_source=acme&utm_medium=video", "", "Organic Video", "acme");
    check("utm_source=acme&utm_medium=referral", "", "Referral", "acme");
    check("utm_source=acme&utm_medium=organic", "", "Organic Search", "acme");
    check("utm_medium=email", "", "Email", "");
    check("utm_medium=cpc", "https://www.bing.com/", "Paid Search", "bing");
}

#[test]
fn explicit_mediums_beat_the_category_of_the_source() {
    check("utm_source=linkedin&utm_medium=affiliate", "", "Affiliates", "linkedin");
    check("utm_source=google&utm_medium=push", "", "Mobile Push", "google");
    check("utm_source=twitter&utm_medium=sms", "", "SMS", "x");
    check("utm_source=weekly-newsletter", "", "Email", "weekly-newsletter");
    check("utm_source=sms", "", "SMS", "sms");
}

#[test]
fn sources_are_known_by_alias_host_name_and_their_advertisements() {
    check("utm_source=IG", "", "Organic Social", "instagram");
    check("utm_source=t.co", "", "Organic Social", "x");
    check("utm_source=www.reddit.com", "", "Organic Social", "reddit");
    check("utm_source=https://news.ycombinator.com/item", "", "Organic Social", "hackernews");
    check("utm_source=Product%20Hunt", "", "Organic Social", "producthunt");
    check("utm_source=duckduckgo", "", "Organic Search", "duckduckgo");
    check("utm_source=claude.ai", "", "AI Assistants", "claude");
    check("utm_source=quora-ads", "", "Paid Social", "quora");
    check("utm_source=pinterestads", "", "Paid Social", "pinterest");
    check("utm_source=threads", "", "Organic Social", "threads");
    check("utm_source=squad", "", "Unassigned", "squad");
    check("utm_source=Acme%20Blog", "", "Unassigned", "acme blog");
}

#[test]
fn the_most_specific_host_wins() {
    check("", "https://gemini.google.com/app", "AI Assistants", "gemini");
    check("", "https://chat.openai.com/", "AI Assistants", "chatgpt");
    check("", "https://www.google.com.br/", "Organic Search", "google");
    check("", "https://www.google.com/search?q=x", "Organic Search", "google");
    check("", "https://shopping.google.com/", "Organic Shopping", "googleshopping");
    check("", "https://news.google.com/", "Organic Search", "googlenews");
    check("", "https://docs.google.com/", "Referral", "docs.google.com");
    check("", "https://google.blogspot.de/", "Referral", "google.blogspot.de");
    check("", "https://uk.search.yahoo.com/", "Organic Search", "yahoo");
    check("", "https://html.duckduckgo.com/", "Organic Search", "duckduckgo");
    check("", "https://yandex.com.tr/", "Organic Search", "yandex");
    check("", "https://x.com/i/grok", "AI Assistants", "grok");
    check("", "https://x.com/somebody", "Organic Social", "x");
    check("", "https://kagi.com/assistant/1", "AI Assistants", "kagiassistant");
    check("", "https://lm.facebook.com/", "Organic Social", "facebook");
    check("", "https://out.reddit.com/", "Organic Social", "reddit");
    check("", "https://somebody.substack.com/p/x", "Organic Social", "substack");
    check("", "https://m.youtube.com/", "Organic Video", "youtube");
    check("", "https://notgoogle.com/", "Referral", "notgoogle.com");
    check("", "https://m.someone.dev/", "Referral", "someone.dev");
    check("", "https://smile.amazon.de/", "Organic Shopping", "amazon");
}

#[test]
fn apps_are_sources_by_their_id() {
    check("", "android-app://com.google.android.googlequicksearchbox/", "Organic Search", "google");
    check(
        "",
        "android-app://com.google.android.googlequicksearchbox/https/www.google.com",
        "Organic Search",
        "google",
    );
    check("", "android-app://com.facebook.katana/", "Organic Social", "facebook");
    check("", "ios-app://835599320/snssdk1233/x", "Organic Social", "tiktok");
    check("", "android-app://org.somebody.reader/", "Referral", "org.somebody.reader");
}

#[test]
fn what_templates_leave_behind_is_absent_and_warned_of() {
    check("utm_source=null&utm_medium=null", "", "Direct", "");
    check("utm_source=(not+set)&utm_medium=(none)", "", "Direct", "");
    check(
        "utm_source={{source}}&utm_medium={{medium}}",
        "https://www.google.com/",
        "Organic Search",
        "google",
    );
    check("utm_source=%257B%257Bsource%257D%257D", "", "Direct", "");
    check("utm_source=%7B%7Bsource%7D%7D", "", "Direct", "");
    check("utm_source=google&utm_medium=cpc&utm_campaign=__CAMPAIGN__", "", "Paid Search", "google");
    let touch = touch("utm_source=google&utm_medium=cpc&utm_campaign=__CAMPAIGN_NAME__&utm_term=null", "");
    assert_eq!((touch.campaign.as_str(), touch.term.as_str()), ("", ""));
    assert_eq!(touch.warnings, [Warning::Placeholder("utm_campaign"), Warning::Placeholder("utm_term")]);
}

#[test]
fn the_first_parameter_that_says_something_wins() {
    check("utm_source=&utm_source=google&utm_source=bing&utm_medium=cpc", "", "Paid Search", "google");
    check("UTM_Source=google&UTM_MEDIUM=cpc", "", "Paid Search", "google");
    check("utm_source=%20google%20&utm_medium=%63pc", "", "Paid Search", "google");
}

#[test]
fn ref_is_a_partner_code_or_else_a_label() {
    let partner = touch("ref=Jane", "https://blog.someone.dev/");
    assert_eq!((partner.channel.as_str(), partner.source.as_str()), ("Affiliates", "jane"));
    assert_eq!(partner.partner.as_deref(), Some("jane"));
    check("ref=somebody", "", "Unassigned", "somebody");
    // The merchant's own word for a link in the footer does not hide the search.
    check("ref=footer", "https://www.google.com/", "Organic Search", "google");
    check("ref=jane&utm_source=twitter&utm_medium=cpc", "", "Affiliates", "x");
}

#[test]
fn an_unknown_affiliate_code_is_warned_of_and_earns_no_partner() {
    let touch = touch("via=bob", "");
    assert_eq!((touch.channel.as_str(), touch.source.as_str(), touch.partner), ("Affiliates", "bob", None));
    assert_eq!(touch.warnings, [Warning::UnknownPartnerCode]);
    check("via=bob&utm_source=newsletter&utm_medium=email", "", "Email", "newsletter");
}

#[test]
fn payment_and_login_pages_start_no_touch_but_real_referrers_among_them_do_at_a_start() {
    let no_touch = |referrer: &str, is_session_start| verdict("", referrer, is_session_start);
    let ignored = Verdict::NoTouch(NoTouch::IgnoredReferrer);
    for host in [
        "checkout.stripe.com",
        "www.paypal.com",
        "login.microsoftonline.com",
        "acme.okta.com",
        "buy.polar.sh",
    ] {
        assert_eq!(no_touch(&format!("https://{host}/"), true), ignored, "{host}");
    }
    for host in ["github.com", "x.com", "discord.com", "polar.sh", "www.facebook.com"] {
        assert_eq!(no_touch(&format!("https://{host}/"), false), ignored, "{host}");
        assert!(matches!(no_touch(&format!("https://{host}/"), true), Verdict::Touch(_)), "{host}");
    }
    // A click passes through the link shim, a sign-in does not.
    assert!(matches!(no_touch("https://l.facebook.com/", false), Verdict::Touch(_)));
    // Tags say more than the page they came back through.
    check("utm_source=newsletter&utm_medium=email", "https://checkout.stripe.com/", "Email", "newsletter");
}

#[test]
fn the_merchants_own_sites_and_spam_start_no_touch() {
    let own = Verdict::NoTouch(NoTouch::SelfReferral);
    assert_eq!(verdict("", "https://www.example.com/", true), own);
    let page = PageAddress::parse("https://example.com/").unwrap();
    let site = Site { domains: vec!["sister.dev".into(), ".shop.other.org".into()], ..Site::default() };
    let from = |referrer| {
        classify(&Landing {
            page: &page,
            referrer,
            user_agent_hint: None,
            site: &site,
            is_session_start: true,
        })
    };
    assert_eq!(from("https://blog.sister.dev/"), own);
    assert_eq!(from("https://shop.other.org/"), own);
    assert!(matches!(from("https://other.org/"), Verdict::Touch(_)));
    assert!(matches!(from("https://notsister.dev/"), Verdict::Touch(_)));
    assert_eq!(from("https://semalt.semalt.com/crawler"), Verdict::NoTouch(NoTouch::SpamReferrer));
    assert_eq!(from("http://localhost:3000/"), Verdict::NoTouch(NoTouch::IgnoredReferrer));
}

#[test]
fn nothing_new_in_a_session_is_no_touch() {
    assert_eq!(verdict("", "", false), Verdict::NoTouch(NoTouch::NothingNew));
    assert!(matches!(verdict("", "https://www.google.com/", false), Verdict::Touch(_)));
    assert!(matches!(verdict("utm_campaign=x", "", false), Verdict::Touch(_)));
}

#[test]
fn an_app_browser_names_the_source_and_never_says_paid() {
    let page = PageAddress::parse("https://example.com/").unwrap();
    let site = site();
    let from = |referrer| {
        let landing = Landing {
            page: &page,
            referrer,
            user_agent_hint: Some("instagram"),
            site: &site,
            is_session_start: true,
        };
        match classify(&landing) {
            Verdict::Touch(touch) => (touch.channel.as_str(), touch.source),
            Verdict::NoTouch(why) => panic!("{why:?}"),
        }
    };
    assert_eq!(from(""), ("Organic Social", "instagram".to_owned()));
    assert_eq!(from("https://www.google.com/"), ("Organic Search", "google".to_owned()));
}

#[test]
fn a_workspace_rule_comes_first() {
    let rule = |field, test, value: &str, channel: &str, source: Option<&str>| WorkspaceRule {
        field,
        test,
        value: value.to_owned(),
        channel: channel.parse().unwrap(),
        source: source.map(str::to_owned),
    };
    let site = Site {
        rules: vec![
            rule(RuleField::Campaign, RuleTest::Prefix, "", "Offline", None),
            rule(RuleField::Medium, RuleTest::Equals, "CPC", "Display", None),
            rule(RuleField::Referrer, RuleTest::Contains, "someone", "Influencers", Some("someone")),
        ],
        ..site()
    };
    let found = |query: &str, referrer| {
        let page = PageAddress::parse(&format!("https://example.com/?{query}")).unwrap();
        let landing =
            Landing { page: &page, referrer, user_agent_hint: None, site: &site, is_session_start: true };
        match classify(&landing) {
            Verdict::Touch(touch) => (touch.channel.to_string(), touch.source, touch.reason),
            Verdict::NoTouch(why) => panic!("{why:?}"),
        }
    };
    let reason = "a rule of the workspace";
    assert_eq!(found("utm_source=google&utm_medium=cpc", ""), ("Display".into(), "google".into(), reason));
    assert_eq!(found("", "https://blog.someone.dev/"), ("Influencers".into(), "someone".into(), reason));
    assert_eq!(found("via=jane&utm_medium=cpc", "").0, "Display");
}

#[test]
fn e_mail_addresses_in_tags_are_dropped() {
    let touch = touch("utm_source=newsletter&utm_medium=email&utm_content=jane@example.org", "");
    assert_eq!(touch.content, "");
    assert_eq!(touch.warnings, [Warning::EmailDropped("utm_content")]);
}
