//! A preview as the page shows it: per channel, per currency and for some of its orders. Pure.

use domain::attribution::{MODELS, model_index};

use crate::dashboard::show;
use crate::jobs::attribute::preview::{Moved, MovedOrder, Preview};

/// Orders named on the page; the answer of the API has a hundred.
const ORDERS_SHOWN: usize = 20;

pub struct Line {
    pub channel: String,
    pub from: String,
    pub to: String,
    pub difference: String,
    pub currency: String,
    pub is_gain: bool,
}

pub struct Balance {
    pub currency: String,
    pub difference: String,
    pub is_even: bool,
    /// Whether the other basis explains all of it.
    pub is_declared: bool,
}

pub struct Order {
    pub id: String,
    pub moves: String,
}

pub struct Difference {
    pub token: String,
    pub visits: String,
    pub orders: String,
    pub is_nothing: bool,
    pub model: &'static str,
    pub lines: Vec<Line>,
    pub balances: Vec<Balance>,
    pub examples: Vec<Order>,
    pub more: u64,
}

/// What the page says of a preview.
pub fn difference(found: Preview) -> Difference {
    let model = model_index(&found.model).unwrap_or(domain::attribution::DEFAULT_MODEL);
    Difference {
        token: found.token,
        visits: show::counted(found.visits, "visit"),
        orders: show::counted(found.orders, "order"),
        is_nothing: found.visits == 0 && found.orders == 0,
        model: MODELS[model].title(),
        lines: found.channels.iter().map(line).collect(),
        balances: found
            .differences
            .iter()
            .map(|balance| Balance {
                currency: balance.currency.clone(),
                difference: amount(balance.difference, &balance.currency),
                is_even: balance.difference == 0,
                is_declared: balance.difference == balance.declared,
            })
            .collect(),
        more: found.orders.saturating_sub(ORDERS_SHOWN as u64),
        examples: found.examples.iter().take(ORDERS_SHOWN).map(order).collect(),
    }
}

fn amount(minor: i64, code: &str) -> String {
    show::digits(minor, show::currency(code))
}

fn line(moved: &Moved) -> Line {
    Line {
        channel: moved.channel.clone(),
        from: amount(moved.from, &moved.currency),
        to: amount(moved.to, &moved.currency),
        difference: show::signed(moved.difference, show::currency(&moved.currency)),
        currency: moved.currency.clone(),
        is_gain: moved.difference > 0,
    }
}

/// `Email −24.50, Affiliates +24.50 USD`.
fn order(order: &MovedOrder) -> Order {
    let moves: Vec<String> = order
        .channels
        .iter()
        .map(|moved| {
            format!(
                "{} {} {}",
                moved.channel,
                show::signed(moved.difference, show::currency(&moved.currency)),
                moved.currency
            )
        })
        .collect();
    let moves = match moves.is_empty() {
        true => "within its channels, or under another model".to_owned(),
        false => moves.join(", "),
    };
    Order { id: order.order_id.clone(), moves }
}
