//! The visits of the plan as hits, some hundred browsers a request.

use futures::stream::{self, StreamExt, TryStreamExt};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wire::{Consent, Hit, Kind, Touch, Ulid};

use domain::ids::{HitId, VisitorId};

use super::super::WORKSPACE;
use super::super::plan::{Plan, Visit};
use super::{Target, answer, bar};

/// Visits in one request.
const BATCH: usize = 500;
/// The shop's own address, as its pages would report it.
const SHOP: &str = "http://localhost:4601";

pub async fn send(target: &Target, plan: &Plan) -> anyhow::Result<()> {
    let bar = bar("visits", plan.visits.len() as u64);
    let batches = plan.visits.chunks(BATCH).map(|batch| {
        let bar = &bar;
        async move {
            let body: Vec<Value> = batch.iter().map(browser).collect();
            let url = format!("{}/v1/import/hits", target.server);
            let taken =
                answer(target.http.post(url).bearer_auth(target.key.expose_secret()).json(&body)).await?;
            let refused = taken["rejected"].as_array().map_or(0, Vec::len);
            anyhow::ensure!(refused == 0, "{refused} hits were refused: {}", taken["rejected"]);
            bar.inc(batch.len() as u64);
            Ok(())
        }
    });
    stream::iter(batches).buffer_unordered(4).try_collect::<()>().await?;
    bar.finish();
    Ok(())
}

fn browser(visit: &Visit) -> Value {
    let mut hits = Vec::new();
    for (number, (id, path)) in visit.pages.iter().enumerate() {
        hits.push(hit(visit, number, *id, path, Kind::Page));
    }
    if let (Some(email), Some((id, path))) = (&visit.identifies_as, visit.pages.last()) {
        let kind = Kind::Identify { email: Some(email.into()), user: None, traits: Vec::new() };
        hits.push(hit(visit, visit.pages.len(), id ^ 1, path, kind));
    }
    let mut body = String::from("[");
    for (number, hit) in hits.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        wire::encode(hit, &mut body);
    }
    body.push(']');
    let hits = serde_json::value::RawValue::from_string(body).expect("the wire's own JSON");
    json!({ "user_agent": visit.user_agent, "country": visit.country, "hits": hits })
}

fn hit<'a>(visit: &'a Visit, number: usize, id: u128, path: &'a str, kind: Kind<'a>) -> Hit<'a> {
    let first = number == 0;
    let query = if first && !visit.arrival.query.is_empty() {
        format!("?{}", visit.arrival.query)
    } else {
        String::new()
    };
    Hit {
        ws: WORKSPACE.into(),
        kind,
        id: ulid(id),
        visitor: Some(VisitorId(visit.visitor).to_string().into()),
        session: ulid(visit.session),
        touch: first.then_some(Touch::Session),
        url: format!("{SHOP}{path}{query}").into(),
        referrer: if first { visit.arrival.referrer.into() } else { "".into() },
        at_ms: visit.at_ms as u64 + number as u64 * 45_000,
        sent_ms: None,
        width: None,
        cookie_domain: None,
        consent: Consent::Granted,
        engaged_ms: None,
        handover: None,
    }
}

fn ulid(id: u128) -> Ulid {
    Ulid::parse(&HitId(id).to_string()).expect("hit ids are ULIDs")
}
