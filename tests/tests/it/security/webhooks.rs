//! Forged deliveries: 10,000 mutations of real ones, none accepted; and secrets that change without a gap.

use secrecy::SecretString;
use support::{Dice, Key, Shop, usd};
use tributary::billing::provider;

const NOW_S: i64 = 1_790_845_200;
const CASES: u64 = 10_000;

/// A signed delivery as its four parts.
#[derive(Clone, PartialEq)]
struct Delivery {
    id: String,
    timestamp: String,
    signature: String,
    body: Vec<u8>,
}

impl Delivery {
    fn headers(&self) -> Option<axum_headers::HeaderMap> {
        let mut headers = axum_headers::HeaderMap::new();
        for (name, value) in [
            ("webhook-id", &self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ] {
            headers.insert(name, value.parse().ok()?);
        }
        Some(headers)
    }
}

use reqwest::header as axum_headers;

#[test]
fn of_ten_thousand_mutated_deliveries_none_is_accepted() {
    let polar = provider("polar").expect("Polar is a provider");
    let secrets = Key::ALL.map(|key| SecretString::from(key.secret()));
    let mut dice = Dice::of(0x5ec0_0001);
    let mut refused = 0;
    for case in 0..CASES {
        let body = format!(r#"{{"type":"order.paid","data":{{"id":"{}","net_amount":4900}}}}"#, dice.roll());
        let id = format!("evt_{}", dice.roll());
        let key = *dice.pick(&Key::ALL);
        let sound = Delivery {
            signature: key.sign(&id, NOW_S, &body),
            timestamp: NOW_S.to_string(),
            id,
            body: body.into_bytes(),
        };
        let headers = sound.headers().expect("a sound delivery has headers");
        assert!(polar.verify(&headers, &sound.body, &secrets, NOW_S * 1000).is_ok(), "case {case}");
        let changed = mutated(&sound, &mut dice);
        if changed == sound {
            continue;
        }
        // What is no header value never reaches us.
        let Some(headers) = changed.headers() else { continue };
        let judged = polar.verify(&headers, &changed.body, &secrets, NOW_S * 1000);
        assert!(judged.is_err(), "case {case}: {} {} {}", changed.id, changed.timestamp, changed.signature);
        refused += 1;
    }
    assert!(refused > 9_500, "{refused}");
}

fn mutated(sound: &Delivery, dice: &mut Dice) -> Delivery {
    let mut changed = sound.clone();
    match dice.below(12) {
        0 | 1 => {
            let at = dice.below(changed.body.len() as u64) as usize;
            changed.body[at] ^= 1 << dice.below(8);
        }
        2 => changed.body.truncate(dice.below(changed.body.len() as u64) as usize),
        3 => changed.body.extend_from_slice(b" "),
        4 => changed.id = flipped(&changed.id, dice),
        5 => changed.timestamp = (NOW_S + dice.between(1, 100_000)).to_string(),
        6 => {
            changed.timestamp =
                format!("{}{}", ["0", "+", " ", "-"][dice.below(4) as usize], changed.timestamp)
        }
        7 => changed.signature = flipped(&changed.signature, dice),
        8 => {
            changed.signature = changed.signature.replacen(
                "v1,",
                ["v2,", "v1a,", "V1,", "v1;", ""][dice.below(5) as usize],
                1,
            )
        }
        9 => {
            let keep = 3 + dice.below(changed.signature.len() as u64 - 4) as usize;
            changed.signature.truncate(keep);
        }
        10 => changed.signature = format!("v1,{}", "A".repeat(43) + "="),
        _ => {
            // A true signature of another delivery.
            changed.signature = Key::Standard.sign("evt_other", NOW_S, "{}");
        }
    }
    changed
}

/// One letter exchanged for another that a signature may have. The last letters of base64 carry spare bits, which a
/// reader may overlook; those before do not.
fn flipped(text: &str, dice: &mut Dice) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = 3 + dice.below(bytes.len() as u64 - 6) as usize;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("letters stay letters")
}

#[tokio::test]
async fn a_delivery_for_one_workspace_is_nothing_to_another() {
    let app = std::sync::Arc::new(support::TestApp::start().await);
    let ours = Shop::open_on(app.clone(), "ws_ours").await;
    app.control
        .create_workspace(
            &tributary::control::workspaces::Workspace {
                id: "ws_bare".into(),
                name: "Bare".into(),
                timezone: "UTC".into(),
                currency: "USD".into(),
                settings: Default::default(),
            },
            ours.now_ms(),
        )
        .await
        .unwrap();
    app.reload_directory().await.unwrap();
    let answer = app.send(app.request("POST", "/webhooks/polar/ws_bare").body("{}")).await;
    assert_eq!((answer.status, &*answer.code()), (404, "no_connection"));
}

#[tokio::test]
async fn both_secrets_sign_while_one_replaces_the_other() {
    let shop = Shop::open().await;
    for key in Key::ALL {
        shop.signs_with(key);
        shop.sale(usd(10_00)).pays().await;
    }
    // The old secret is taken away: from now on only the new one counts.
    let app = shop.app();
    let mut connection = (*app.directory().connections[0]).clone();
    connection.webhook_secrets = vec![Key::Standard.secret().into()];
    app.control.save_connection(&connection, &app.secrets, shop.now_ms()).await.unwrap();
    app.reload_directory().await.unwrap();
    shop.holds_webhooks();
    shop.sale(usd(11_00)).pays().await;
    let event = shop.held().remove(0);
    let now_s = shop.now_ms() / 1000;
    for (key, status) in [(Key::Legacy, 401), (Key::Standard, 202)] {
        let answer = shop.post_signed(&event, key.sign(&event.id, now_s, &event.body), now_s).await;
        assert_eq!(answer.status, status, "{key:?}: {}", answer.text());
    }
}
