//! An order's explanation as text that reads from top to bottom.

use std::fmt::Write;

use domain::affiliate::Verdict;
use domain::attribution::{DEFAULT_MODEL, ModelExplanation};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{CommissionDecision, OrderExplanation, TouchDocument};

impl OrderExplanation {
    /// The story for a terminal. Text from outside loses its control characters.
    pub fn to_text(&self, zone: &TimeZone) -> String {
        let order = &self.order;
        let amount = |minor| amount(minor, &order.currency);
        let when = |at_ms| when(at_ms, zone);
        let mut out = String::new();
        let mut say = |line: String| {
            let _ = writeln!(out, "{}", clean(&line));
        };
        say(format!("Order {} ({} {})", order.id, order.provider, order.provider_order_id));
        let paid = order.paid_at_ms.map_or("not paid".to_owned(), |at_ms| format!("paid {}", when(at_ms)));
        say(format!("  {} net, {}, {paid}, {}", amount(order.net), order.kind, order.product_name));
        for refund in &order.refunds {
            say(format!("  refund {} on {} {}", amount(-refund.net), when(refund.at_ms), refund.reason));
        }
        if order.refund_excess > 0 {
            say(format!(
                "  {} more was given back than was paid; only what was paid is booked",
                amount(order.refund_excess)
            ));
        }
        say(String::new());
        say(match (&order.visitor_id, order.match_method.as_str()) {
            (None, "none") => "Not matched: no field of the order names a visitor.".to_owned(),
            (visitor, method) => {
                let whom = visitor.as_deref().unwrap_or("a person, not one browser");
                format!(
                    "Matched by {method} ({}), evidence {}: {whom}",
                    order.match_field, order.match_evidence
                )
            }
        });
        if let Some(sentence) = &self.not_used {
            say(format!("  {sentence}"));
        }
        if let Some(root) = &self.inherits_from {
            say(format!("A renewal: it inherits the journey of {}.", root.id));
        }
        say(String::new());
        say(format!("Touches within {} before {} can earn:", self.window, when(self.anchor_at_ms)));
        for (at, touch) in self.touches.iter().enumerate() {
            let mark = if touch.standing == "eligible" { "+" } else { "-" };
            say(format!("  {mark} {:>2}. {}  {}", at + 1, when(touch.at_ms), label(touch)));
            say(format!("          {} (rule: {})", touch.why, touch.rule));
        }
        match self.without_touches.as_deref() {
            Some("direct") => say("  No touch counts: the order is Direct.".to_owned()),
            Some(_) => say("  No visitor: the order is Unattributed.".to_owned()),
            None => {}
        }
        for (at, model) in self.models.iter().enumerate() {
            say(String::new());
            say(format!("{}{}", model.title, if at == DEFAULT_MODEL { " (default)" } else { "" }));
            self.divide(model, &mut say);
        }
        if let Some(decision) = &self.commission {
            say(String::new());
            self.commissions(decision, zone, &mut say);
        }
        say(String::new());
        say(match self.stored_agrees {
            true => "The stored credits are exactly these.".to_owned(),
            false => format!(
                "{} stored sums differ; attribution is about to run, or run `tributary verify`.",
                self.disagreements.len()
            ),
        });
        out
    }

    fn commissions(&self, decision: &CommissionDecision, zone: &TimeZone, say: &mut impl FnMut(String)) {
        say(format!("Commission: {}", decision.sentence));
        for click in &decision.clicks {
            let mark = if click.verdict == Verdict::Earns { "+" } else { "-" };
            say(format!(
                "  {mark} {}  {} {}: {}",
                when(click.at_ms, zone),
                click.code,
                click.name,
                click.why
            ));
        }
        if let Some(coupon) = &decision.coupon {
            let mark = if coupon.verdict == Verdict::Earns { "+" } else { "-" };
            say(format!("  {mark} coupon {} {}: {}", coupon.code, coupon.name, coupon.why));
        }
        for part in &decision.parts {
            say(format!("  {} ({}): {}", part.name, part.code, part.why));
        }
        for commission in &decision.ledger {
            say(format!("  {} of {}, {}:", commission.id, commission.partner, commission.state));
            for entry in &commission.entries {
                let amount = amount(entry.amount, &commission.currency);
                let at = when(entry.at_ms, zone);
                say(format!(
                    "    {at}  {amount:>12}  {} to {}, {} {}",
                    entry.from, entry.to, entry.reason, entry.source
                ));
            }
        }
    }

    fn divide(&self, model: &ModelExplanation, say: &mut impl FnMut(String)) {
        for entry in &model.entries {
            say(format!("  {} {}", entry.entry, amount(entry.amount_minor, &self.order.currency)));
            for share in &entry.shares {
                let who = match share.candidate {
                    Some(at) => format!("{}. {}", at + 1, label(&self.touches[at])),
                    None => self.without_touches.clone().unwrap_or_default(),
                };
                let unit = if share.leftover_minor > 0 { ", +1 leftover" } else { "" };
                say(format!(
                    "    {:>16}  {who}  (weight {}, remainder {}{unit})",
                    amount(share.credit_minor, &self.order.currency),
                    share.weight,
                    share.remainder
                ));
            }
        }
    }
}

fn amount(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(currency) => Money::new(minor, currency).format(),
        Err(_) => minor.to_string(),
    }
}

fn when(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn label(touch: &TouchDocument) -> String {
    match touch.direct || touch.source.is_empty() {
        true => touch.channel.clone(),
        false if touch.campaign.is_empty() => format!("{} · {}", touch.channel, touch.source),
        false => format!("{} · {} · {}", touch.channel, touch.source, touch.campaign),
    }
}

fn clean(line: &str) -> String {
    line.trim_end().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
