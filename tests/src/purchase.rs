//! From a price to an order: how a buyer's visit travels into a checkout, and what happens to the order later.

use serde_json::{Map, Value, json};

use crate::polar::{NewCheckout, Product};
use crate::shop::Shop;
use crate::{Price, Visitor};

/// The shop's checkout link at Polar.
const LINK: &str = "https://buy.polar.sh/polar_cl_shop";
/// What a checkout link copies from its query into metadata.
const CAPTURED: [&str; 6] =
    ["reference_id", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
/// The key of the contract.
const VISITOR_KEY: &str = "tributary_visitor_id";

/// A purchase about to be made.
pub struct Purchase {
    shop: Shop,
    visitor: Option<Visitor>,
    new: NewCheckout,
}

impl Purchase {
    pub(crate) fn new(shop: Shop, price: Price, email: String) -> Purchase {
        let new = NewCheckout {
            price,
            product: Product::OneTime,
            email,
            external_id: None,
            metadata: Map::new(),
            customer_metadata: Map::new(),
            subscription_metadata: Map::new(),
            discount: None,
            plan: None,
        };
        Purchase { shop, visitor: None, new }
    }

    pub(crate) fn of(mut self, visitor: Visitor) -> Purchase {
        self.visitor = Some(visitor);
        self
    }

    /// By a checkout link on the open page, which the pixel has put the visitor on.
    pub fn by_link(mut self) -> Purchase {
        let link = self.visitor().decorates(LINK);
        let link: url::Url = link.parse().expect("a decorated link is an address");
        for (name, value) in link.query_pairs().filter(|(name, _)| CAPTURED.contains(&&**name)) {
            self.new.metadata.insert(name.into_owned(), value.into_owned().into());
        }
        self
    }

    /// By a checkout that the shop's server makes, with the visitor in its metadata.
    pub fn by_api(self) -> Purchase {
        let id = self.visitor().id();
        self.metadata(VISITOR_KEY, &id)
    }

    /// With the visitor in what the checkout writes on the customer.
    pub fn by_customer_metadata(mut self) -> Purchase {
        let id = self.visitor().id();
        self.new.customer_metadata.insert(VISITOR_KEY.to_owned(), id.into());
        self
    }

    /// With the visitor in the metadata of the subscription only.
    pub fn by_subscription_metadata(mut self) -> Purchase {
        let id = self.visitor().id();
        self.new.subscription_metadata.insert(VISITOR_KEY.to_owned(), id.into());
        self
    }

    /// With something of the shop's in the checkout's metadata.
    pub fn metadata(mut self, key: &str, value: &str) -> Purchase {
        self.new.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// What the shop itself calls the customer.
    pub fn external_id(mut self, id: &str) -> Purchase {
        self.new.external_id = Some(id.to_owned());
        self
    }

    /// With another address than the buyer's own.
    pub fn email(mut self, email: &str) -> Purchase {
        self.new.email = email.to_owned();
        self
    }

    /// With a discount of this code.
    pub fn coupon(mut self, code: &str) -> Purchase {
        self.new.discount = Some((code.to_owned(), json!({})));
        self
    }

    /// With a discount that names a partner in its metadata.
    pub fn discount_of(mut self, key: &str, partner: &str) -> Purchase {
        self.new.discount = Some(("SUMMER".to_owned(), json!({ key: partner })));
        self
    }

    /// Another product than the usual one, and how often it renews.
    pub fn product(mut self, id: &str, interval: Option<&'static str>) -> Purchase {
        self.new.plan = Some((id.to_owned(), interval));
        self
    }

    /// A subscription by the month.
    pub fn monthly(mut self) -> Purchase {
        self.new.product = Product::Monthly { trial_days: None };
        self
    }

    /// A subscription by the month that begins with days for nothing.
    pub fn trial(mut self, days: i64) -> Purchase {
        self.new.product = Product::Monthly { trial_days: Some(days) };
        self
    }

    /// Opens the checkout and pays.
    pub async fn pays(self) -> Order {
        self.opens().await.pays().await
    }

    /// Opens the checkout: the moment up to which touches count.
    pub async fn opens(self) -> OpenCheckout {
        let Purchase { shop, new, .. } = self;
        let id = shop.at_polar(|scene| scene.opens(new)).await;
        OpenCheckout { shop, id }
    }

    fn visitor(&self) -> &Visitor {
        self.visitor.as_ref().expect("a visitor buys")
    }
}

/// A checkout page somebody is looking at.
pub struct OpenCheckout {
    shop: Shop,
    id: String,
}

impl OpenCheckout {
    /// Fills in the form, pays, and gets what was bought.
    pub async fn pays(self) -> Order {
        let OpenCheckout { shop, id } = self;
        let (id, subscription_id) = shop.at_polar(|scene| scene.pays(&id)).await;
        Order { shop, id, subscription_id }
    }
}

/// An order at Polar.
#[derive(Clone)]
pub struct Order {
    shop: Shop,
    /// Polar's id.
    pub id: String,
    subscription_id: Option<String>,
}

impl Order {
    /// The next period of the subscription begins and is paid; a trial converts in the same way.
    pub async fn renews(&self) -> Order {
        let subscription = self.subscription();
        let id = self.shop.at_polar(|scene| scene.renews(subscription)).await;
        Order { id, ..self.clone() }
    }

    /// A change to a dearer plan, paid at once.
    pub async fn upgrades(&self, price: Price) -> Order {
        let subscription = self.subscription();
        let id = self.shop.at_polar(|scene| scene.upgrades(subscription, price)).await;
        Order { id, ..self.clone() }
    }

    /// Some of it goes back, at once.
    pub async fn refunds(&self, price: Price) {
        self.shop.at_polar(|scene| scene.refunds(&self.id, Some(price.minor), true)).await;
    }

    /// All that is left goes back, at once.
    pub async fn refunds_the_rest(&self) {
        self.shop.at_polar(|scene| scene.refunds(&self.id, None, true)).await;
    }

    /// A refund that the bank takes its time for.
    pub async fn asks_for_refund(&self, price: Price) -> PendingRefund {
        let id = self.shop.at_polar(|scene| scene.refunds(&self.id, Some(price.minor), false)).await;
        PendingRefund { shop: self.shop.clone(), id }
    }

    /// The path of this order in the API.
    pub fn path(&self) -> String {
        format!("/v1/orders/{}", self.id)
    }

    /// The order as the API shows it.
    pub async fn shown(&self) -> Value {
        self.shop.settle().await;
        self.shop.ask(&self.path()).await
    }

    /// How the order was matched: method, field, evidence.
    pub async fn matched(&self) -> Value {
        let shown = self.shown().await;
        json!([shown["match_method"], shown["match_field"], shown["match_evidence"]])
    }

    fn subscription(&self) -> &str {
        self.subscription_id.as_deref().expect("an order of a subscription")
    }
}

/// A refund under way.
pub struct PendingRefund {
    shop: Shop,
    id: String,
}

impl PendingRefund {
    pub async fn succeeds(&self) {
        self.shop.at_polar(|scene| scene.settles_refund(&self.id, "succeeded")).await;
    }

    pub async fn fails(&self) {
        self.shop.at_polar(|scene| scene.settles_refund(&self.id, "failed")).await;
    }
}
