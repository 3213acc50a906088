//! Real user agents: every browser is let in, nearly every program is refused.

use domain::visit::signals::{BrowserHeaders, signal};
use domain::visit::{Agent, BotReason, Device};

/// The samples of a file whose lines are `name:` and `  - user agent`.
fn samples(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("tests/golden/{file}")).unwrap();
    let unquoted = |line: &str| match line.strip_prefix('"').and_then(|line| line.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\""),
        None => line.to_owned(),
    };
    text.lines().filter_map(|line| line.strip_prefix("  - ")).map(unquoted).collect()
}

#[test]
fn no_browser_is_refused() {
    let browsers = samples("isbot-browsers.yml");
    let refused: Vec<_> = browsers
        .iter()
        .filter_map(|text| Agent::read(text).bot.map(|why| format!("{why:?}: {text}")))
        .collect();
    println!("{} of {} browsers accepted", browsers.len() - refused.len(), browsers.len());
    assert!(browsers.len() > 250);
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn at_least_95_of_100_crawlers_are_refused() {
    let crawlers = samples("isbot-crawlers.yml");
    let missed: Vec<_> = crawlers.iter().filter(|text| Agent::read(text).bot.is_none()).cloned().collect();
    let refused = crawlers.len() - missed.len();
    println!("{refused} of {} crawlers refused; missed: {missed:#?}", crawlers.len());
    assert!(crawlers.len() > 300);
    assert!(refused * 100 >= crawlers.len() * 95, "{refused} of {}", crawlers.len());
}

#[test]
fn the_reason_is_named() {
    let why = |text| Agent::read(text).bot;
    assert_eq!(why(""), Some(BotReason::Missing));
    assert_eq!(why("   "), Some(BotReason::Missing));
    assert_eq!(
        why("Mozilla/5.0 (compatible; Some/1.0; +https://some.example/bot)"),
        Some(BotReason::Contact)
    );
    assert_eq!(why("HeadlessChrome/120.0.0.0 Mozilla/5.0"), Some(BotReason::Word));
    assert_eq!(why("something/1.2"), Some(BotReason::Shape));
}

#[test]
fn telephones_by_cubot_are_telephones() {
    let agent = Agent::read(
        "Mozilla/5.0 (Linux; Android 9; CUBOT MAX) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.120 \
         Mobile Safari/537.36",
    );
    assert_eq!((agent.bot, agent.device), (None, Device::Mobile));
}

#[track_caller]
fn check(text: &str, device: Device, browser: &str, os: &str, in_app: Option<&str>) {
    let agent = Agent::read(text);
    assert_eq!(
        (agent.device, agent.browser, agent.os, agent.in_app),
        (device, browser, os, in_app),
        "{text}"
    );
    assert_eq!(agent.bot, None, "{text}");
}

#[test]
fn browsers_systems_and_devices_are_told_apart() {
    let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
    let windows =
        format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/131.0.0.0 Safari/537.36");
    check(&windows, Device::Desktop, "Chrome", "Windows", None);
    check(&format!("{windows} Edg/131.0.0.0"), Device::Desktop, "Edge", "Windows", None);
    check(&format!("{windows} OPR/116.0.0.0"), Device::Desktop, "Opera", "Windows", None);
    check(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 \
         Safari/605.1.15",
        Device::Desktop,
        "Safari",
        "macOS",
        None,
    );
    check(
        "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
        Device::Desktop,
        "Firefox",
        "Linux",
        None,
    );
    check(
        &format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {webkit} Chrome/131.0.0.0 Safari/537.36"),
        Device::Desktop,
        "Chrome",
        "ChromeOS",
        None,
    );
    check(
        &format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/131.0.0.0 Mobile Safari/537.36"),
        Device::Mobile,
        "Chrome",
        "Android",
        None,
    );
    check(
        &format!("Mozilla/5.0 (Linux; Android 13; SM-X200) {webkit} Chrome/131.0.0.0 Safari/537.36"),
        Device::Tablet,
        "Chrome",
        "Android",
        None,
    );
    check(
        &format!(
            "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) {webkit} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile \
             Safari/537.36"
        ),
        Device::Mobile,
        "Samsung Internet",
        "Android",
        None,
    );
    let iphone =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    check(
        &format!("{iphone} Version/18.1 Mobile/15E148 Safari/604.1"),
        Device::Mobile,
        "Safari",
        "iOS",
        None,
    );
    check(
        &format!("{iphone} CriOS/131.0.0.0 Mobile/15E148 Safari/604.1"),
        Device::Mobile,
        "Chrome",
        "iOS",
        None,
    );
    check(
        &format!("{iphone} Mobile/15E148 Instagram 358.0.0.32.91 (iPhone16,2; iOS 18_1)"),
        Device::Mobile,
        "Instagram",
        "iOS",
        Some("instagram"),
    );
    check(
        &format!("{iphone} Mobile/15E148 [FBAN/FBIOS;FBAV/183.0.0.41.81;FBDV/iPhone6,2]"),
        Device::Mobile,
        "Facebook",
        "iOS",
        Some("facebook"),
    );
    check(
        &format!("{iphone} Mobile/15E148 [LinkedInApp]"),
        Device::Mobile,
        "LinkedIn",
        "iOS",
        Some("linkedin"),
    );
    check(
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
         Mobile/15E148 Safari/604.1",
        Device::Tablet,
        "Safari",
        "iOS",
        None,
    );
    check(
        &format!("Mozilla/5.0 (Web0S; Linux/SmartTV) {webkit} Chrome/94.0.4606.128 Safari/537.36"),
        Device::Tv,
        "Chrome",
        "webOS",
        None,
    );
    check(
        "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15",
        Device::Other,
        "WebKit",
        "PlayStation",
        None,
    );
}

#[test]
fn headers_give_no_browser_of_the_sample_away() {
    let least = BrowserHeaders { language: Some("en"), ..BrowserHeaders::default() };
    let whole = BrowserHeaders { fetch_site: Some("same-site"), is_secure: true, ..least };
    for text in samples("isbot-browsers.yml") {
        let agent = Agent::read(&text);
        assert_eq!(signal(&agent, &least), None, "over http: {text}");
        assert_eq!(signal(&agent, &whole), None, "{text}");
    }
}
