//! Somebody with a browser. The pixel that runs in it is the real one: its rules of sessions, touches, ids and
//! cookies, compiled for this machine; only the browser around it is played here.

use std::sync::{Arc, Mutex};

use pixel::config::Call;
use pixel::draft::Draft;
use pixel::pixel::{FORGET, KEEP, Pixel, STORE};
use serde_json::{Value, json};

use crate::shop::{ORIGIN, Shop};
use crate::{Answer, Dice, Order, Price, Purchase};

const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/141.0.0.0 Safari/537.36";

/// The visitor cookie.
const COOKIE: &str = "_trb";

/// The tag's cookie domain.
const COOKIE_DOMAIN: &str = ".shop.example";

/// A browser, and the person in front of it.
#[derive(Clone)]
pub struct Visitor(Arc<Parts>);

struct Parts {
    shop: Shop,
    email: String,
    number: u64,
    browser: Mutex<Browser>,
}

struct Browser {
    /// What the shop's site reads as `document.cookie`, and what is sent to the collector.
    cookie: String,
    /// What the pixel keeps in storage.
    stored: String,
    page: Option<Page>,
    dice: Dice,
}

/// An open page: its pixel and how it was opened.
struct Page {
    pixel: Box<Pixel>,
    url: String,
    referrer: String,
    is_return: bool,
}

impl Visitor {
    pub(crate) fn new(shop: Shop, number: u64) -> Visitor {
        let browser = Browser {
            cookie: String::new(),
            stored: String::new(),
            page: None,
            dice: Dice::of(0x7669_7369_746f_7200 + number),
        };
        let email = format!("buyer-{number}@example.com");
        Visitor(Arc::new(Parts { shop, email, number, browser: Mutex::new(browser) }))
    }

    /// The address this person buys with.
    pub fn email(&self) -> &str {
        &self.0.email
    }

    /// The same person in front of another browser.
    pub fn on_another_device(&self) -> Visitor {
        let other = Visitor::new(self.0.shop.clone(), self.0.number + 1000);
        let Parts { shop, number, browser, .. } = Arc::into_inner(other.0).expect("nobody else has it yet");
        Visitor(Arc::new(Parts { shop, number, browser, email: self.0.email.clone() }))
    }

    /// The same browser with a cookie that somebody else's page made the collector set.
    pub fn with_cookie(self, cookie: &str) -> Visitor {
        self.browser().cookie = cookie.to_owned();
        self
    }

    /// Opens a page by typing its address, or by a link that tells no referrer.
    pub async fn visit(&self, path: &str) {
        self.arrives_from("", path).await;
    }

    /// Opens a page by a link on the page `referrer`.
    pub async fn arrives_from(&self, referrer: &str, path: &str) {
        self.opens(referrer, format!("{ORIGIN}{path}"), false).await;
    }

    /// Reloads the open page.
    pub async fn reloads(&self) {
        let url = self.page_url();
        self.opens("", url, true).await;
    }

    /// Tells the shop an e-mail address on the open page.
    pub async fn identifies(&self, email: &str) {
        let answer = self.calls('t', json!({"kind": "identify", "email": email})).await;
        accepted(&answer);
    }

    /// Tells the shop the shop's own id of the person on the open page.
    pub async fn logs_in_as(&self, user: &str) {
        let answer = self.calls('t', json!({"kind": "identify", "user": user})).await;
        accepted(&answer);
    }

    /// The visitor id as checkouts get it: signed, once the collector has answered.
    pub fn id(&self) -> String {
        self.browser().asks('v', "", self.0.shop.now_ms())
    }

    /// The open page's pixel puts the visitor on a checkout link.
    pub fn decorates(&self, link: &str) -> String {
        let decorated = self.browser().asks('D', link, self.0.shop.now_ms());
        assert_ne!(decorated, "", "the pixel knows this link");
        decorated
    }

    /// A purchase by this person whose checkout does not know the visitor yet.
    pub fn checkout(&self, price: Price) -> Purchase {
        Purchase::new(self.0.shop.clone(), price, self.0.email.clone()).of(self.clone())
    }

    /// Buys something once, through a checkout that the shop's server makes with the visitor in its metadata.
    pub async fn buys(&self, price: Price) -> Order {
        self.checkout(price).by_api().pays().await
    }

    /// Subscribes by the month in the same way.
    pub async fn subscribes(&self, price: Price) -> Order {
        self.checkout(price).by_api().monthly().pays().await
    }

    async fn opens(&self, referrer: &str, url: String, is_return: bool) {
        let (pixel, referrer) = (Box::new(Pixel::new()), referrer.to_owned());
        let page = json!({"kind": "page", "ref": referrer});
        self.browser().page = Some(Page { pixel, url, referrer, is_return });
        accepted(&self.calls('l', page).await);
    }

    /// A call of the page to the pixel, and what the collector answers to what it sends: what the loader does.
    async fn calls(&self, letter: char, happened: Value) -> Answer {
        let now_ms = self.0.shop.now_ms();
        let answer = self.browser().asks(letter, "", now_ms);
        let mut words = answer.split(' ').map(str::to_owned);
        let mut hit = happened;
        for name in ["visitor", "session", "consent", "touch"] {
            let word = words.next().expect("the pixel reports this call");
            if !word.is_empty() {
                hit[name] = word.into();
            }
        }
        hit["id"] = self.browser().mints(now_ms).into();
        hit["ws"] = self.0.shop.workspace().into();
        hit["url"] = self.page_url().into();
        hit["at"] = now_ms.into();
        hit["width"] = 1280.into();
        hit["cookie_domain"] = COOKIE_DOMAIN.into();
        let app = self.0.shop.app();
        let mut request = app
            .request("POST", "/c")
            .header("content-type", "text/plain;charset=UTF-8")
            .header("origin", ORIGIN)
            .header("user-agent", USER_AGENT)
            .body(hit.to_string());
        let cookie = self.browser().cookie.clone();
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        let answer = app.send(request).await;
        let mut browser = self.browser();
        // Browsers take the header's cookie before a script sees the answer.
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            browser.cookie = cookie.to_owned();
        }
        if let Value::String(id) = &answer.json()["visitor"] {
            browser.asks('a', id, self.0.shop.now_ms());
        }
        answer
    }

    fn page_url(&self) -> String {
        self.browser().page.as_ref().expect("a page is open").url.clone()
    }

    fn browser(&self) -> std::sync::MutexGuard<'_, Browser> {
        self.0.browser.lock().expect("no holder panics")
    }
}

impl Browser {
    /// A new ULID.
    fn mints(&mut self, now_ms: i64) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
        let random: String = (0..16).map(|_| char::from(LETTERS[self.dice.below(32) as usize])).collect();
        wire::Ulid::from_digits(now_ms as u64, &random).to_string()
    }

    /// Runs a call, does what it wants done to cookie and storage, and answers what it answers.
    fn asks(&mut self, letter: char, about: &str, now_ms: i64) -> String {
        let fresh = self.mints(now_ms);
        let page = self.page.as_mut().expect("a page is open");
        let draft = Draft {
            letter,
            now_ms: now_ms as u64,
            fresh: &fresh,
            cookies: &self.cookie,
            stored: &self.stored,
            url: &page.url,
            referrer: &page.referrer,
            is_return: page.is_return,
            has_gpc: false,
            tag: ["", COOKIE_DOMAIN, "", "", "", "", "", ""],
            about,
        };
        let outcome = page.pixel.call(&Call::read(&draft.write()));
        assert_eq!(outcome & FORGET, 0, "nobody here withdraws their consent");
        if outcome & KEEP != 0 {
            self.cookie = format!("{COOKIE}={}", page.pixel.visitor.as_str());
        }
        if outcome & STORE != 0 {
            page.pixel.line.as_str().clone_into(&mut self.stored);
        }
        page.pixel.answer.as_str().to_owned()
    }
}

fn accepted(answer: &Answer) {
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &Value::from(1)), "{}", answer.text());
}
