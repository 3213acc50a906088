//! What a partner is written does not depend on who did it: the API, the merchant's page, or the partner.

use serde_json::{Value, json};
use support::{Mail, Mailbox};

use crate::affiliate_pages::sends;
use crate::affiliates::{done, text};
use crate::portal::{shop_with_mail, thirty};

async fn subject(mailbox: &Mailbox) -> String {
    let Mail { to, text } = mailbox.next().await;
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned));
    format!("{to}: {}", line.unwrap_or_default())
}

#[tokio::test]
async fn an_invitation_and_an_approval_are_mailed_once_from_the_page_as_from_the_api() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = text(
        &done(&shop, "POST", "/v1/programs", json!({ "name": "Friends", "terms": thirty() })).await["id"],
    );
    let merchant = shop.app().directory().workspaces[shop.workspace()].name.clone();
    let form = format!("program={program}&name=Ann&email=ann%40example.net&status=invited&code=ann");
    assert!(sends(&shop, "/affiliates", &form).await.contains("Ann is invited"));
    assert_eq!(
        subject(&mailbox).await,
        format!("ann@example.net: {merchant} invites you to become a partner")
    );
    let add = |name: &str, status: &str| {
        let email = format!("{name}@example.net");
        json!({ "program": program, "name": name, "email": email, "status": status })
    };
    let bob = text(&done(&shop, "POST", "/v1/partners", add("bob", "applied")).await["id"]);
    done(&shop, "POST", "/v1/partners", add("cem", "approved")).await;
    let approved = sends(&shop, "/affiliates", &format!("partner={bob}&status=approved")).await;
    assert!(approved.contains("bob is approved now"), "{approved}");
    // The first that comes is the approval: neither the two who know already were written, nor anybody twice.
    assert_eq!(subject(&mailbox).await, format!("bob@example.net: You are a partner of {merchant}"));
    let details = json!({ "payout": { "method": "paypal", "recipient": "bob@pay.example" } });
    done(&shop, "PATCH", &format!("/v1/partners/{bob}"), details).await;
    assert_eq!(subject(&mailbox).await, format!("bob@example.net: How {merchant} pays you was changed"));
    done(&shop, "POST", &format!("/v1/partners/{bob}/login-link"), Value::Null).await;
    assert!(mailbox.is_empty().await);
}
