//! What the invented shop "Pinewhistle Notes" sells. Ids are fixed, as a merchant would have them in the
//! shop's settings. Products carry no benefits, so no `benefit_grant.*` event follows a sale.

use serde_json::json;
use uuid::Uuid;

use crate::clock::Time;
use crate::model::{CheckoutLink, Discount, Interval, Metadata, Off, Product};

/// The organization everything belongs to.
pub const ORGANIZATION_ID: Uuid = Uuid::from_u128(0x7c2f_9d10_5a4e_4c88_9b1d_0e6a_33f8_b201);

/// The organization's name, shown on the hosted page.
pub const ORGANIZATION_NAME: &str = "Pinewhistle Notes";

/// Stands in invoice numbers.
pub const INVOICE_PREFIX: &str = "PINE-7C2F9D10";

fn created() -> Time {
    Time::parse("2026-03-02T09:00:00.102931Z").expect("a constant instant")
}

/// The products: a slug for the control surface, and what Polar knows of each.
#[must_use]
pub fn products() -> Vec<Product> {
    let product =
        |n: u128, slug: &str, name: &str, description: &str, price, currency: &str, interval| Product {
            id: Uuid::from_u128(0x1f0a_77d2_0000_4000_8000_0000_0000_0000 + n),
            slug: slug.into(),
            name: name.into(),
            description: description.into(),
            interval,
            trial_days: None,
            price_id: Uuid::from_u128(0x2e9b_41c5_0000_4000_8000_0000_0000_0000 + n),
            price,
            currency: currency.into(),
            created_at: created(),
        };
    let month = Some(Interval::Month);
    let pro = "Every notebook, every device, version history and publishing.";
    let mut trial = product(5, "trial", "Pinewhistle Pro, monthly with trial", pro, 1900, "usd", month);
    trial.trial_days = Some(14);
    vec![
        product(1, "monthly", "Pinewhistle Pro, monthly", pro, 1900, "usd", month),
        product(2, "yearly", "Pinewhistle Pro, yearly", pro, 19_000, "usd", Some(Interval::Year)),
        product(3, "lifetime", "Pinewhistle Pro, lifetime", "Pay once, keep it.", 14_900, "usd", None),
        product(4, "templates", "Template pack", "Forty notebooks to start from.", 2900, "eur", None),
        trial,
    ]
}

/// The codes buyers may use: a partner's for ever, a welcome for the first order.
#[must_use]
pub fn discounts() -> Vec<Discount> {
    let discount = |n: u128, name: &str, code: &str, off, is_once| Discount {
        id: Uuid::from_u128(0x4c66_13aa_0000_4000_8000_0000_0000_0000 + n),
        created_at: created(),
        name: name.into(),
        code: code.into(),
        off,
        is_once,
        redemptions: 0,
    };
    vec![
        discount(1, "Partner, 20 % off", "PARTNER20", Off::BasisPoints(2000), false),
        discount(2, "Welcome, 5.00 off", "WELCOME5", Off::Amount(500), true),
        discount(3, "Friends, free", "FREE100", Off::BasisPoints(10_000), false),
    ]
}

/// One checkout link a product, with the secret `polar_cl_demo_<slug>`.
#[must_use]
pub fn links(products: &[Product], success_url: Option<&str>) -> Vec<CheckoutLink> {
    products
        .iter()
        .enumerate()
        .map(|(n, product)| CheckoutLink {
            id: Uuid::from_u128(0x3d55_90ae_0000_4000_8000_0000_0000_0001 + n as u128),
            created_at: created(),
            client_secret: format!("polar_cl_demo_{}", product.slug),
            metadata: Metadata::from_iter([("link".to_owned(), json!(product.slug))]),
            label: Some(product.name.clone()),
            success_url: success_url.map(str::to_owned),
            product_ids: vec![product.id],
        })
        .collect()
}

/// Tax in percent, exclusive, for consumers. A short table: enough that tax shows up in the demo's money.
#[must_use]
pub fn tax_percent(country: Option<&str>) -> i64 {
    match country {
        Some("DE" | "CY") => 19,
        Some("FR" | "GB" | "AT") => 20,
        Some("ES" | "NL" | "BE") => 21,
        Some("IT") => 22,
        Some("PL") => 23,
        Some("SE" | "DK" | "NO") => 25,
        _ => 0,
    }
}
