//! User agents: class of device, browser, operating system, and whether it is a program and not a person.
//!
//! Browsers name one another for the sake of old servers, so what is asked first decides: `Edg/` before
//! `Chrome/` before `Safari/`. Reading costs a few microseconds; callers that see the same text often keep
//! the answer.

use super::bots;

/// Class of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Device {
    /// A computer.
    Desktop,
    /// A telephone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television or a box beside it.
    Tv,
    /// Consoles, watches, programs.
    Other,
}

impl Device {
    /// The name that reports show and rows store.
    pub fn as_str(self) -> &'static str {
        match self {
            Device::Desktop => "desktop",
            Device::Mobile => "mobile",
            Device::Tablet => "tablet",
            Device::Tv => "tv",
            Device::Other => "other",
        }
    }
}

/// Why an agent is taken for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BotReason {
    /// No user agent at all; every browser sends one.
    Missing,
    /// A word that programs call themselves by (`crawl`, `headless`) or the name of a known one.
    Word,
    /// It gives an address to complain to, as crawlers do and browsers do not.
    Contact,
    /// It has the shape of a program's name, not of a browser's.
    Shape,
}

impl BotReason {
    /// The stable name under which rejects are counted.
    pub fn as_str(self) -> &'static str {
        match self {
            BotReason::Missing => "missing",
            BotReason::Word => "word",
            BotReason::Contact => "contact",
            BotReason::Shape => "shape",
        }
    }
}

/// What a user agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Class of the device.
    pub device: Device,
    /// `Chrome`, `Safari`, `Instagram`, …; `Other`.
    pub browser: &'static str,
    /// `Windows`, `iOS`, …; `Other`.
    pub os: &'static str,
    /// The source that an app's own browser names: `facebook`, `instagram`. A hint of low confidence.
    pub in_app: Option<&'static str>,
    /// Major version of Chromium, 0 for others: which headers belong to it depends on that.
    pub chromium: u16,
    /// Set when it is a program.
    pub bot: Option<BotReason>,
}

/// Longer user agents are read only up to here, in bytes.
const AGENT_BYTES_MAX: usize = 1_000;

impl Agent {
    /// Reads a `User-Agent` header.
    pub fn read(user_agent: &str) -> Agent {
        let end = user_agent.floor_char_boundary(AGENT_BYTES_MAX);
        let text = user_agent[..end].trim().to_lowercase();
        let os = os(&text);
        let app = first(&APPS, &text);
        Agent {
            device: device(&text, os),
            browser: app.or_else(|| first(&BROWSERS, &text)).unwrap_or("Other"),
            os,
            in_app: app.and_then(source_of_app),
            chromium: chromium(&text),
            bot: bots::reason(&text),
        }
    }
}

/// The number after `chrome/`.
fn chromium(text: &str) -> u16 {
    let Some((_, version)) = text.split_once("chrome/") else { return 0 };
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().unwrap_or(0)
}

/// Browsers inside apps: mark, name.
const APPS: [(&str, &str); 18] = [
    ("messengerliteforios", "Messenger"),
    ("fban/messenger", "Messenger"),
    ("instagram", "Instagram"),
    ("barcelona ", "Threads"),
    ("fban/", "Facebook"),
    ("fb_iab", "Facebook"),
    ("fbav/", "Facebook"),
    ("metaiab facebook", "Facebook"),
    ("linkedinapp", "LinkedIn"),
    ("musical_ly", "TikTok"),
    ("bytedancewebview", "TikTok"),
    ("tiktok", "TikTok"),
    ("pinterest/", "Pinterest"),
    ("snapchat/", "Snapchat"),
    ("twitter for", "X"),
    ("twitterandroid", "X"),
    ("micromessenger", "WeChat"),
    ("reddit/", "Reddit"),
];

fn source_of_app(app: &'static str) -> Option<&'static str> {
    Some(match app {
        "Facebook" | "Messenger" => "facebook",
        "Instagram" => "instagram",
        "Threads" => "threads",
        "LinkedIn" => "linkedin",
        "TikTok" => "tiktok",
        "Pinterest" => "pinterest",
        "Snapchat" => "snapchat",
        "X" => "x",
        "WeChat" => "wechat",
        "Reddit" => "reddit",
        _ => return None,
    })
}

/// Browsers: mark, name; the ones that name others come first.
const BROWSERS: [(&str, &str); 34] = [
    ("edg/", "Edge"),
    ("edge/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("opr/", "Opera"),
    ("opera mini", "Opera Mini"),
    ("opios/", "Opera Mini"),
    ("opera", "Opera"),
    ("opt/", "Opera"),
    ("samsungbrowser/", "Samsung Internet"),
    ("ucbrowser/", "UC Browser"),
    ("ucweb", "UC Browser"),
    ("yabrowser/", "Yandex Browser"),
    ("vivaldi/", "Vivaldi"),
    ("duckduckgo/", "DuckDuckGo"),
    ("ddg/", "DuckDuckGo"),
    ("brave", "Brave"),
    ("silk/", "Silk"),
    ("huaweibrowser/", "Huawei Browser"),
    ("miuibrowser/", "MIUI Browser"),
    ("whale/", "Whale"),
    ("qqbrowser", "QQ Browser"),
    ("gsa/", "Google app"),
    ("seamonkey/", "SeaMonkey"),
    ("fxios/", "Firefox"),
    ("focus/", "Firefox"),
    ("firefox/", "Firefox"),
    ("crios/", "Chrome"),
    ("chromium/", "Chromium"),
    ("chrome/", "Chrome"),
    ("trident/", "Internet Explorer"),
    ("msie ", "Internet Explorer"),
    ("safari/", "Safari"),
    ("applewebkit/", "WebKit"),
];

fn first(marks: &[(&str, &'static str)], text: &str) -> Option<&'static str> {
    marks.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name)
}

fn os(text: &str) -> &'static str {
    const MARKS: [(&str, &str); 20] = [
        ("windows phone", "Windows Phone"),
        ("xbox", "Windows"),
        ("web0s", "webOS"),
        ("webos", "webOS"),
        ("tizen", "Tizen"),
        ("kaios", "KaiOS"),
        ("harmonyos", "HarmonyOS"),
        ("openharmony", "HarmonyOS"),
        ("iphone", "iOS"),
        ("ipad", "iOS"),
        ("ipod", "iOS"),
        ("android", "Android"),
        ("windows", "Windows"),
        ("cros ", "ChromeOS"),
        ("mac os x", "macOS"),
        ("macintosh", "macOS"),
        ("playstation", "PlayStation"),
        ("freebsd", "BSD"),
        ("openbsd", "BSD"),
        ("linux", "Linux"),
    ];
    first(&MARKS, text).unwrap_or("Other")
}

fn device(text: &str, os: &str) -> Device {
    const TV: [&str; 14] = [
        "smart-tv",
        "smarttv",
        "smart tv",
        "googletv",
        "google tv",
        "android tv",
        "appletv",
        "apple tv",
        "hbbtv",
        "crkey",
        "bravia",
        "roku",
        " aft",
        "netcast",
    ];
    const TABLET: [&str; 6] = ["ipad", "tablet", "kindle", "silk-accelerated", "playbook", "nexus 10"];
    let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    let is_console = has(&["playstation", "nintendo", "xbox"]);
    match os {
        // `Tablet PC` is a part of Windows, on desks as well.
        "Windows" if !is_console => Device::Desktop,
        _ if has(&TV) || matches!(os, "webOS") => Device::Tv,
        _ if is_console => Device::Other,
        "iOS" if !text.contains("ipad") => Device::Mobile,
        _ if has(&TABLET) => Device::Tablet,
        // Android tablets leave the word out.
        "Android" | "HarmonyOS" if !text.contains("mobile") && text.contains("applewebkit") => Device::Tablet,
        "Android" | "HarmonyOS" | "KaiOS" | "Windows Phone" => Device::Mobile,
        _ if has(&["mobile", "phone", "midp"]) => Device::Mobile,
        "macOS" | "ChromeOS" | "Linux" | "BSD" => Device::Desktop,
        _ => Device::Other,
    }
}
