//! One order's page: who earned it and why, as a time line, and each model's division to the cent.

mod commission;
mod division;
mod reported;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::attribution::{DEFAULT_MODEL, MODELS};
use jiff::tz::TimeZone;

use super::home::matched;
use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::http::problem::Problem;
use crate::report::{OrderExplanation, Reports, TouchDocument};

use commission::Commission;
use division::{Earned, Model, division, earned};
use reported::{Reported, reported};

struct Step {
    number: usize,
    when: String,
    iso: String,
    channel: String,
    source: String,
    campaign: String,
    landing: String,
    counts: bool,
    why: String,
    rule: String,
    credit: String,
    /// How long before the checkout, or after it.
    age: String,
}

struct Refund {
    when: String,
    net: String,
    tax: String,
    reason: String,
}

struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    workspace: String,
    title: String,
    id: String,
    provider: String,
    net: String,
    left: Option<String>,
    currency: String,
    kind: String,
    status: String,
    when: String,
    matched: String,
    match_text: String,
    /// How far the match is believed: the badge's look.
    evidence: &'static str,
    excess: Option<String>,
    inherits: Option<(String, String)>,
    window: String,
    anchor: String,
    steps: Vec<Step>,
    without: Option<&'static str>,
    model_titles: Vec<(&'static str, bool)>,
    earned: Vec<Earned>,
    totals: Vec<String>,
    models: Vec<Model>,
    refunds: Vec<Refund>,
    reported: Option<Reported>,
    commission: Option<Commission>,
    facts: Vec<Fact>,
    agrees: bool,
    rules_version: u32,
}

/// `GET /orders/{id}`
pub(super) async fn order(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Path(id): Path<String>,
) -> Response {
    let reports = Reports::of(&app, &reader.workspace);
    match reports.explain(&id).await {
        Ok(Some(story)) => shown(&page(&reports, &story)),
        Ok(None) => failed(&Problem::not_found("unknown_order", "This workspace has no order with that id.")),
        Err(error) => failed(&error.into()),
    }
}

fn page(reports: &Reports, story: &OrderExplanation) -> OrderPage {
    let order = &story.order;
    let zone = reports.zone();
    let currency = show::currency(&order.currency);
    let amount = |minor| show::digits(minor, currency);
    let refunded: i64 = order.refunds.iter().map(|refund| refund.net).sum();
    let name = |candidate: Option<usize>| match candidate {
        Some(at) => format!("{} · {}", at + 1, label(&story.touches[at])),
        None => match story.without_touches.as_deref() {
            Some("direct") => "Direct".to_owned(),
            _ => "Unattributed".to_owned(),
        },
    };
    let known = story.order.visitor_id.is_some() || story.without_touches.as_deref() != Some("unattributed");
    let evidence = match order.match_evidence.as_str() {
        "signed" => "signed",
        "forged" => "forged",
        _ if known => "",
        _ => "none",
    };
    OrderPage {
        workspace: reports.workspace().name.clone(),
        title: if order.product_name.is_empty() { order.provider_order_id.clone() } else { order.product_name.clone() },
        id: order.id.clone(),
        provider: order.provider.clone(),
        net: amount(order.net),
        left: (refunded != 0).then(|| amount(order.net - refunded)),
        currency: order.currency.clone(),
        kind: show::word(&order.kind),
        status: show::word(&order.status),
        when: show::moment(order.paid_at_ms.unwrap_or(order.created_at_ms), &zone),
        matched: matched(&order.match_method),
        match_text: match_text(story),
        evidence,
        excess: (order.refund_excess > 0).then(|| amount(order.refund_excess)),
        inherits: story.inherits_from.as_ref().map(|root| {
            (format!("/orders/{}", root.id), show::moment(root.paid_at_ms.unwrap_or(root.created_at_ms), &zone))
        }),
        window: match story.window.as_str() {
            "lifetime" => "any time".to_owned(),
            days => format!("{} days", days.trim_end_matches('d')),
        },
        anchor: show::moment(story.anchor_at_ms, &zone),
        steps: story.touches.iter().enumerate().map(|(at, touch)| step(at, touch, story.anchor_at_ms, amount, &zone)).collect(),
        without: story.without_touches.as_deref().map(|who| match who {
            "direct" => "The visitor is known, but no touch lies in the window: the whole order is Direct.",
            _ => "No visitor could be found for this order: it is Unattributed, and still counted in every total.",
        }),
        model_titles: MODELS.iter().enumerate().map(|(at, model)| (model.title(), at == DEFAULT_MODEL)).collect(),
        earned: earned(story, &name, amount),
        totals: story.models.iter().map(|model| {
            amount(model.entries.iter().map(|entry| entry.amount_minor).sum())
        }).collect(),
        models: story.models.iter().enumerate().map(|(at, model)| division(at, model, &name, amount)).collect(),
        refunds: order.refunds.iter().map(|refund| Refund {
            when: show::moment(refund.at_ms, &zone),
            net: amount(-refund.net),
            tax: amount(-refund.tax),
            reason: show::value(&refund.reason),
        }).collect(),
        reported: reported(order),
        commission: story.commission.as_ref().and_then(|told| Commission::of(told, amount, &zone)),
        facts: facts(story, amount),
        agrees: story.stored_agrees,
        rules_version: story.rules_version,
    }
}

fn label(touch: &TouchDocument) -> String {
    match touch.source.is_empty() || touch.direct {
        true => touch.channel.clone(),
        false => format!("{} ({})", touch.channel, touch.source),
    }
}

fn match_text(story: &OrderExplanation) -> String {
    let mut text = matched_text(story);
    if let Some(sentence) = &story.not_used {
        text.push(' ');
        text.push_str(sentence);
    }
    text
}

fn matched_text(story: &OrderExplanation) -> String {
    let order = &story.order;
    if order.visitor_id.is_none() && matched(&order.match_method) == "not matched" {
        return "No field of the order named a visitor, and its customer is bound to none.".to_owned();
    }
    let mut text = format!("Found by {}", matched(&order.match_method));
    if !order.match_field.is_empty() {
        text.push_str(&format!(", in {}", order.match_field));
    }
    text.push_str(match order.match_evidence.as_str() {
        "signed" => "; the visitor id carries our signature",
        "unsigned" => "; the visitor id is not signed",
        "forged" => "; the signature was forged and is not believed",
        _ => "",
    });
    match story.visitors.len() {
        0 | 1 => text.push('.'),
        more => text.push_str(&format!("; {more} visitors are this person.")),
    }
    text
}

fn step(
    at: usize,
    touch: &TouchDocument,
    anchor_at_ms: i64,
    amount: impl Fn(i64) -> String,
    zone: &TimeZone,
) -> Step {
    let chosen = touch.credits.get(MODELS[DEFAULT_MODEL].name());
    Step {
        number: at + 1,
        when: show::moment(touch.at_ms, zone),
        iso: show::iso(touch.at_ms),
        channel: touch.channel.clone(),
        source: if touch.direct { String::new() } else { touch.source.clone() },
        campaign: touch.campaign.clone(),
        landing: touch.landing.clone(),
        counts: touch.standing == "eligible",
        why: touch.why.clone(),
        rule: touch.rule.clone(),
        credit: chosen.map_or_else(String::new, |minor| amount(*minor)),
        age: match anchor_at_ms - touch.at_ms {
            before if before >= 0 => format!("{} before", show::lasting(before)),
            after => format!("{} after", show::lasting(-after)),
        },
    }
}

fn facts(story: &OrderExplanation, amount: impl Fn(i64) -> String) -> Vec<Fact> {
    let order = &story.order;
    let fact = |name, value: &str| Fact { name, value: value.to_owned() };
    let mut facts = vec![
        fact("Our id", &order.id),
        fact("Provider's id", &order.provider_order_id),
        fact("Net, after discount and before tax", &amount(order.net)),
        fact("Discount", &amount(order.discount)),
        fact("Tax", &amount(order.tax)),
        fact("Total", &amount(order.total)),
        fact("Connection", &order.connection),
        fact("Customer", &order.customer_id),
        fact("Subscription", &order.subscription_id),
        fact("Checkout", &order.checkout_id),
        fact("Discount code", &order.discount_code),
        fact("Discount's name", &order.discount_name),
        fact("Partner named by the shop", &order.partner_code),
        fact("Renews every", &order.interval),
        fact("Country", &order.country),
        fact("Visitor", order.visitor_id.as_deref().unwrap_or_default()),
    ];
    facts.retain(|fact| !fact.value.is_empty());
    facts
}
