//! What the demo's history is made of: routes people arrive by, countries, browsers, names, products.

use domain::affiliate::payout::Method;

/// How one visit began, as the browser would tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Query of the landing page, without the question mark.
    pub query: String,
    pub referrer: &'static str,
}

/// A way people arrive, with how often it opens a relationship and how often it brings people back.
#[derive(Debug)]
pub struct Route {
    pub opens: u32,
    pub returns: u32,
    query: &'static str,
    referrer: &'static str,
}

const fn route(opens: u32, returns: u32, query: &'static str, referrer: &'static str) -> Route {
    Route { opens, returns, query, referrer }
}

/// `{n}` is a number of a few (issue, ad), `{id}` a click's own id.
pub const ROUTES: &[Route] = &[
    route(160, 90, "", "https://www.google.com/"),
    route(22, 14, "", "https://duckduckgo.com/"),
    route(16, 10, "", "https://www.bing.com/"),
    route(
        70,
        40,
        "utm_source=google&utm_medium=cpc&utm_campaign=note-app&gclid=Cj0{id}",
        "https://www.google.com/",
    ),
    route(
        18,
        34,
        "utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=Cj0{id}",
        "https://www.google.com/",
    ),
    route(
        48,
        12,
        "utm_source=facebook&utm_medium=paid_social&utm_campaign=spring-{n}&fbclid=IwAR{id}",
        "https://l.facebook.com/",
    ),
    route(34, 18, "", "https://t.co/"),
    route(26, 12, "", "https://www.linkedin.com/"),
    route(40, 12, "", "https://www.reddit.com/"),
    route(44, 16, "utm_source=youtube&utm_medium=video&utm_campaign=desk-tour", "https://www.youtube.com/"),
    route(20, 8, "", "https://news.ycombinator.com/"),
    route(14, 5, "ref=producthunt", "https://www.producthunt.com/"),
    route(38, 18, "utm_source=chatgpt.com", ""),
    route(16, 8, "", "https://www.perplexity.ai/"),
    route(30, 14, "via=jane", "https://tools-weekly.example.org/"),
    route(14, 8, "via=studio-kai", "https://kai.example.net/"),
    route(24, 6, "utm_source=podcast-deep-work&utm_medium=podcast", ""),
    route(12, 150, "utm_source=newsletter&utm_medium=email&utm_campaign=issue-{n}", ""),
    route(22, 6, "via=minimal-desk", "https://blog.minimal-desk.example/"),
    route(60, 170, "", ""),
];

impl Route {
    pub fn arrive(&self, chance: u32) -> Arrival {
        let issue = 1 + chance % 12;
        let query = self.query.replace("{n}", &issue.to_string()).replace("{id}", &format!("{chance:08x}"));
        Arrival { query, referrer: self.referrer }
    }
}

/// A partner of the demo: code among the routes, name, where their own page is, and how they are paid, if they said so.
#[derive(Debug)]
pub struct Partner {
    pub code: &'static str,
    pub name: &'static str,
    pub page: &'static str,
    pub paid: Option<(Method, &'static str)>,
}

/// Three partners; the last has not said how to be paid.
pub const PARTNERS: [Partner; 3] = [
    Partner {
        code: "jane",
        name: "Jane Weekly",
        page: "https://tools-weekly.example.org/",
        paid: Some((Method::Paypal, "jane@partners.example")),
    },
    Partner {
        code: "studio-kai",
        name: "Studio Kai",
        page: "https://kai.example.net/",
        paid: Some((Method::Wise, "kai@partners.example")),
    },
    Partner {
        code: "minimal-desk",
        name: "Minimal Desk",
        page: "https://blog.minimal-desk.example/",
        paid: None,
    },
];

/// ISO country and how many visitors it sends.
pub const COUNTRIES: &[(&str, u32)] = &[
    ("US", 38),
    ("DE", 12),
    ("GB", 11),
    ("FR", 6),
    ("NL", 5),
    ("CA", 6),
    ("IN", 7),
    ("BR", 4),
    ("JP", 3),
    ("AU", 4),
    ("SE", 2),
    ("ES", 2),
];

pub const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
];

/// What the shop sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Monthly,
    Yearly,
    Lifetime,
    Templates,
}

impl Plan {
    pub fn renews_after_days(self) -> Option<i64> {
        match self {
            Plan::Monthly => Some(30),
            Plan::Yearly => Some(365),
            Plan::Lifetime | Plan::Templates => None,
        }
    }
}

const FIRST: &[&str] = &[
    "Ada", "Ben", "Chloe", "Dev", "Elif", "Finn", "Gia", "Hugo", "Ines", "Jonas", "Kaya", "Liam", "Mina",
    "Noor", "Otto", "Priya",
];
const LAST: &[&str] = &[
    "Arnold", "Berg", "Costa", "Dahl", "Evans", "Fischer", "Grant", "Haas", "Ito", "Jensen", "Kumar",
    "Lopez", "Moreau", "Novak",
];

/// A made-up customer; the address is under a reserved name and unique by `number`.
pub fn person(number: u32, chance: u32) -> (String, String) {
    let first = FIRST[chance as usize % FIRST.len()];
    let last = LAST[(chance as usize / FIRST.len()) % LAST.len()];
    let email = format!("{}.{}{number}@customers.example", first.to_lowercase(), last.to_lowercase());
    (format!("{first} {last}"), email)
}
