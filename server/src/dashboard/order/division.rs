//! What each touch earns of the order under each model, and how the amounts were divided, to the last unit.

use domain::attribution::{DEFAULT_MODEL, ModelExplanation};

use crate::dashboard::show;
use crate::report::OrderExplanation;

pub(super) struct Share {
    pub who: String,
    pub weight: String,
    pub floor: String,
    pub remainder: String,
    pub leftover: bool,
    pub credit: String,
}

pub(super) struct Entry {
    pub title: String,
    pub amount: String,
    pub shares: Vec<Share>,
}

pub(super) struct Model {
    pub title: &'static str,
    pub chosen: bool,
    pub entries: Vec<Entry>,
}

/// One line of the allocation table: an earner, and what it gets under each model.
pub(super) struct Earned {
    pub who: String,
    pub cells: Vec<String>,
}

/// What each earner gets under each model.
pub(super) fn earned(
    story: &OrderExplanation,
    name: &impl Fn(Option<usize>) -> String,
    amount: impl Fn(i64) -> String,
) -> Vec<Earned> {
    let eligible = story.touches.iter().enumerate().filter(|(_, touch)| touch.standing == "eligible");
    let mut who: Vec<Option<usize>> = eligible.map(|(at, _)| Some(at)).collect();
    if who.is_empty() {
        who.push(None);
    }
    let cell = |model: &ModelExplanation, who: Option<usize>| {
        let shares = model.entries.iter().flat_map(|entry| &entry.shares);
        amount(shares.filter(|share| share.candidate == who).map(|share| share.credit_minor).sum())
    };
    let lines = who.into_iter().map(|who| Earned {
        who: name(who),
        cells: story.models.iter().map(|model| cell(model, who)).collect(),
    });
    lines.collect()
}

/// How a model divided the order and each refund.
pub(super) fn division(
    at: usize,
    model: &ModelExplanation,
    name: &impl Fn(Option<usize>) -> String,
    amount: impl Fn(i64) -> String,
) -> Model {
    let entries = model.entries.iter().map(|entry| Entry {
        title: match entry.entry {
            "order" => "Order".to_owned(),
            "refund" => "Refund, over what remained".to_owned(),
            other => show::word(other),
        },
        amount: amount(entry.amount_minor),
        shares: entry
            .shares
            .iter()
            .map(|share| Share {
                who: name(share.candidate),
                weight: share.weight.to_string(),
                floor: amount(i64::try_from(share.floor_minor).unwrap_or(i64::MAX)),
                remainder: share.remainder.to_string(),
                leftover: share.leftover_minor > 0,
                credit: amount(share.credit_minor),
            })
            .collect(),
    });
    Model { title: model.title, chosen: at == DEFAULT_MODEL, entries: entries.collect() }
}
