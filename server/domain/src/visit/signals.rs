//! What a request's headers give away about a program that borrowed a browser's user agent. Only what every
//! copy of that browser sends is asked for: a browser must never be refused for a setting of its user.

use super::Agent;

/// Chromium sends `Sec-Fetch-…` since version 80; ten more for forks that were late.
const FETCH_METADATA_SINCE: u16 = 90;

/// Headers of a request, as far as they are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserHeaders<'a> {
    /// `Accept-Language`.
    pub language: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// `Sec-CH-UA`.
    pub brands: Option<&'a str>,
    /// `Sec-CH-UA-Platform`.
    pub platform: Option<&'a str>,
    /// Whether the page was fetched by https: then this was too, and browsers leave out nothing.
    pub is_secure: bool,
}

/// What gives a program away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The client hints name a browser without a window.
    Headless,
    /// No `Accept-Language`; every browser sends one.
    NoLanguage,
    /// A Chromium of these years that does not say where its request came from, over https.
    NoFetchMetadata,
    /// Client hints that this user agent's browser does not send, or of another system.
    ImpossibleAgent,
}

/// The first thing that gives a program away; `None` for what may be a browser. Allocates nothing.
pub fn signal(agent: &Agent, headers: &BrowserHeaders<'_>) -> Option<Signal> {
    if headers.brands.is_some_and(|brands| brands.contains("Headless")) {
        Some(Signal::Headless)
    } else if headers.language.is_none_or(|language| language.trim().is_empty()) {
        Some(Signal::NoLanguage)
    } else if agent.chromium >= FETCH_METADATA_SINCE && headers.is_secure && headers.fetch_site.is_none() {
        Some(Signal::NoFetchMetadata)
    } else if is_impossible(agent, headers) {
        Some(Signal::ImpossibleAgent)
    } else {
        None
    }
}

/// Only Chromium sends client hints, and tells the same system in them as in its user agent; but Android may
/// ask for pages as a Linux desktop.
fn is_impossible(agent: &Agent, headers: &BrowserHeaders<'_>) -> bool {
    let named = |text: &&str| !text.trim_matches(['"', ' ']).is_empty();
    if headers.brands.filter(named).is_some() && matches!(agent.browser, "Firefox" | "Safari") {
        return true;
    }
    let platform = headers.platform.map(|platform| platform.trim_matches(['"', ' ']));
    match (platform, agent.os) {
        (Some("Windows"), os) => matches!(os, "macOS" | "iOS" | "Linux" | "Android" | "ChromeOS"),
        (Some("macOS"), os) => matches!(os, "Windows" | "Linux" | "Android" | "ChromeOS"),
        (Some("Linux"), os) => matches!(os, "Windows" | "macOS" | "iOS"),
        (Some("Android"), os) => matches!(os, "Windows" | "macOS" | "iOS"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/142.0.0.0 Safari/537.36";
    const OLD_CHROME: &str = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                              Chrome/70.0.3538.77 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
    const ANDROID_DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

    /// Headers of Chrome on Windows, over https.
    const USUAL: BrowserHeaders<'_> = BrowserHeaders {
        language: Some("de-DE,de;q=0.9"),
        fetch_site: Some("same-site"),
        brands: Some(r#""Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99""#),
        platform: Some(r#""Windows""#),
        is_secure: true,
    };

    #[track_caller]
    fn check(user_agent: &str, headers: BrowserHeaders<'_>, want: Option<Signal>) {
        assert_eq!(signal(&Agent::read(user_agent), &headers), want, "{user_agent} {headers:?}");
    }

    #[test]
    fn whole_browsers_pass() {
        let bare = BrowserHeaders { language: Some("en"), ..BrowserHeaders::default() };
        let secure = BrowserHeaders { is_secure: true, ..bare };
        check(CHROME, USUAL, None);
        check(CHROME, bare, None);
        check(CHROME, BrowserHeaders { brands: None, platform: None, ..USUAL }, None);
        check(CHROME, BrowserHeaders { brands: Some(""), platform: Some("\"\""), ..USUAL }, None);
        check(OLD_CHROME, secure, None);
        check(FIREFOX, secure, None);
        check(ANDROID_DESKTOP, BrowserHeaders { platform: Some("\"Android\""), ..USUAL }, None);
        check(ANDROID_DESKTOP, BrowserHeaders { platform: Some("\"Chrome OS\""), ..USUAL }, None);
    }

    #[test]
    fn what_a_program_forgets_gives_it_away() {
        check(CHROME, BrowserHeaders { language: None, ..USUAL }, Some(Signal::NoLanguage));
        check(FIREFOX, BrowserHeaders::default(), Some(Signal::NoLanguage));
        check(CHROME, BrowserHeaders { fetch_site: None, ..USUAL }, Some(Signal::NoFetchMetadata));
        let headless = r#""HeadlessChrome";v="142", "Chromium";v="142""#;
        check(CHROME, BrowserHeaders { brands: Some(headless), ..USUAL }, Some(Signal::Headless));
        check(FIREFOX, USUAL, Some(Signal::ImpossibleAgent));
        check(FIREFOX, BrowserHeaders { brands: None, ..USUAL }, Some(Signal::ImpossibleAgent));
        for platform in ["\"Linux\"", "\"macOS\"", "\"Android\""] {
            check(
                CHROME,
                BrowserHeaders { platform: Some(platform), ..USUAL },
                Some(Signal::ImpossibleAgent),
            );
        }
    }
}
