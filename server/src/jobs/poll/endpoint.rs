//! The last step of a pass: whether the provider still sends its webhooks to us. Providers switch an endpoint off
//! after a row of failures and never switch it on again by themselves.

use serde_json::Value;

use super::state::{EndpointState, PollState};
use crate::app::App;
use crate::billing::Provider;
use crate::billing::http::{self, ApiError, Page};
use crate::control::connections::Connection;
use crate::http::connections::webhook_url;

pub(super) async fn watch(
    app: &App,
    provider: &'static dyn Provider,
    connection: &Connection,
    state: &mut PollState,
) -> Result<(), ApiError> {
    let (path, scope) = provider.endpoints();
    let query = [("limit", "100".to_owned())];
    let found = match http::get(&app.outbound, provider, connection, path, &query, scope).await {
        Ok(answer) => judge(
            &Page::read(answer)?.items,
            &webhook_url(app.config.http.own_url(), connection),
            provider.webhook_events(),
        ),
        Err(ApiError::Scope(scope)) => {
            if let Some(run) = &mut state.run {
                run.missing_scopes.push(scope);
            }
            EndpointState::Unknown
        }
        Err(error) => return Err(error),
    };
    metrics::gauge!("tributary_webhook_endpoint_enabled", "connection" => connection.id.clone())
        .set(f64::from(u8::from(!matches!(found, EndpointState::Disabled | EndpointState::Missing))));
    if found == EndpointState::Disabled {
        tracing::warn!(
            connection = connection.id,
            "{} has switched off the webhook endpoint of {}: nothing is sent; switch it on again there. Polls go on",
            connection.provider,
            connection.id
        );
    }
    state.endpoint = Some(found);
    if let Some(run) = &mut state.run {
        run.next_list();
    }
    Ok(())
}

/// The best of the endpoints that have our address.
fn judge(endpoints: &[Value], url: &str, events: &[&str]) -> EndpointState {
    let ours = endpoints.iter().filter(|endpoint| endpoint["url"].as_str() == Some(url));
    let states = ours.map(|endpoint| {
        let chosen = endpoint["events"].as_array().map_or(&[][..], Vec::as_slice);
        let sends = |event: &&str| chosen.iter().any(|chosen| chosen.as_str() == Some(event));
        match endpoint["enabled"].as_bool() {
            Some(false) => EndpointState::Disabled,
            _ if events.iter().all(sends) => EndpointState::Fine,
            _ => EndpointState::Incomplete,
        }
    });
    let rank = |state: &EndpointState| match state {
        EndpointState::Fine => 0,
        EndpointState::Incomplete => 1,
        _ => 2,
    };
    states.min_by_key(rank).unwrap_or(EndpointState::Missing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_endpoint_is_ours_by_its_address_and_fine_when_it_sends_everything() {
        let endpoint = |url: &str, enabled: bool, events: &[&str]| json!({ "url": url, "enabled": enabled, "events": events });
        let wanted = ["order.paid", "refund.created"];
        let judged = |endpoints: &[Value]| judge(endpoints, "https://t/w", &wanted);
        assert_eq!(judged(&[endpoint("https://other", true, &wanted)]), EndpointState::Missing);
        assert_eq!(judged(&[endpoint("https://t/w", false, &wanted)]), EndpointState::Disabled);
        assert_eq!(judged(&[endpoint("https://t/w", true, &wanted[..1])]), EndpointState::Incomplete);
        let both = [endpoint("https://t/w", false, &wanted), endpoint("https://t/w", true, &wanted)];
        assert_eq!(judged(&both), EndpointState::Fine);
    }
}
