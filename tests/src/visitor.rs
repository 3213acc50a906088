//! Somebody with a browser. The pixel that runs in it is the real one: its rules of sessions, touches, ids and
//! cookies, compiled for this machine; only the browser around it is played here.

use std::sync::{Arc, Mutex};

use pixel::config::Config;
use pixel::pixel::{Call, Landing, Moment, Pixel};
use serde_json::Value;

use crate::shop::{ORIGIN, Shop};
use crate::{Answer, Dice, Order, Price, Purchase};

const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/141.0.0.0 Safari/537.36";

/// The visitor cookie.
const COOKIE: &str = "_trb";

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
    /// The open page's pixel, and its address. A page's texts live as long as the program: pixels borrow them.
    page: Option<(Pixel<'static>, &'static str)>,
    dice: Dice,
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

    /// Opens a page by typing its address, or by a link that tells no referrer.
    pub async fn visit(&self, path: &str) {
        self.arrives_from("", path).await;
    }

    /// Opens a page by a link on the page `referrer`.
    pub async fn arrives_from(&self, referrer: &str, path: &str) {
        self.opens(referrer, format!("{ORIGIN}{path}").leak(), false).await;
    }

    /// Reloads the open page.
    pub async fn reloads(&self) {
        let url = self.page_url();
        self.opens("", url, true).await;
    }

    /// Tells the shop an e-mail address on the open page.
    pub async fn identifies(&self, email: &str) {
        let answer = self.calls(Call::Identify(email, "", "")).await;
        accepted(&answer);
    }

    /// Tells the shop the shop's own id of the person on the open page.
    pub async fn logs_in_as(&self, user: &str) {
        let answer = self.calls(Call::Identify("", user, "")).await;
        accepted(&answer);
    }

    /// The visitor id as checkouts get it: signed, once the collector has answered.
    pub fn id(&self) -> String {
        let browser = self.browser();
        let (pixel, _) = browser.page.as_ref().expect("a page is open");
        pixel.visitor().to_owned()
    }

    /// The open page's pixel puts the visitor on a checkout link.
    pub fn decorates(&self, link: &str) -> String {
        let browser = self.browser();
        let (pixel, _) = browser.page.as_ref().expect("a page is open");
        pixel.decorate(link, false).expect("the pixel knows this link")
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

    async fn opens(&self, referrer: &str, url: &'static str, is_return: bool) {
        // What the loader reads off the script tag, a line each.
        let tag = format!("{}\n.shop.example\n\n\nref,via,aff\n\n\n\n\n", self.0.shop.workspace());
        let landing = Landing { url, referrer: referrer.to_owned().leak(), is_return };
        {
            let mut browser = self.browser();
            let pixel = Pixel::new(Config::read(tag.leak()), landing, false, &browser.stored);
            browser.page = Some((pixel, url));
        }
        accepted(&self.calls(Call::Land).await);
    }

    /// A call of the page to the pixel, and what the collector answers to what it sends.
    async fn calls(&self, call: Call<'_>) -> Answer {
        let post = self.browser().call(call, self.0.shop.now_ms());
        let body = post.expect("the pixel reports this call");
        let app = self.0.shop.app();
        let mut request = app
            .request("POST", "/c")
            .header("content-type", "text/plain;charset=UTF-8")
            .header("origin", ORIGIN)
            .header("user-agent", USER_AGENT)
            .body(body);
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
            browser.call(Call::Answer(id), self.0.shop.now_ms());
        }
        answer
    }

    fn page_url(&self) -> &'static str {
        self.browser().page.as_ref().expect("a page is open").1
    }

    fn browser(&self) -> std::sync::MutexGuard<'_, Browser> {
        self.0.browser.lock().expect("no holder panics")
    }
}

impl Browser {
    /// Runs a call, does what it wants done to cookie and storage, and answers what it wants sent.
    fn call(&mut self, call: Call<'_>, now_ms: i64) -> Option<String> {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
        let random: String = (0..48).map(|_| char::from(LETTERS[self.dice.below(32) as usize])).collect();
        let (cookies, stored) = (self.cookie.clone(), self.stored.clone());
        let (pixel, url) = self.page.as_mut().expect("a page is open");
        let moment = Moment {
            now_ms: now_ms as u64,
            random: &random,
            cookies: &cookies,
            stored: &stored,
            width: 1280,
            url,
        };
        let mut post = None;
        let mut effects = |letter: char, text: &str| match letter {
            'k' => self.cookie = format!("{COOKIE}={text}"),
            's' => self.stored = text.to_owned(),
            'P' => post = Some(text.to_owned()),
            other => panic!("nobody here wants the effect {other:?}"),
        };
        pixel.call(call, &moment, &mut effects);
        post
    }
}

fn accepted(answer: &Answer) {
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &Value::from(1)), "{}", answer.text());
}
