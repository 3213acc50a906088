//! Becoming a partner: applying to a programme that is open, and saying yes to an invitation.

use serde_json::{Value, json};
use support::minutes;

use super::{Browser, shop_with_mail, thirty};
use crate::affiliates::{done, program, text};

#[tokio::test]
async fn an_applicant_reads_the_terms_agrees_and_is_approved() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let page = format!("/partners/apply/{program}");
    let mut browser = Browser::of(&shop);
    assert_eq!(browser.gets(&page).await.status, 404, "not open yet");
    assert_eq!(
        browser.sends(&page, &[("name", "Kai"), ("email", "kai@p.example"), ("agree", "1")]).await.status,
        404
    );
    let settings = format!("/v1/programs/{program}/applications");
    let open = done(&shop, "PUT", &settings, json!({ "open": true, "about": "Tell people about us." })).await;
    assert!(text(&open["url"]).ends_with(&page), "{open}");
    let html = browser.reads(&page).await;
    for shown in ["Tell people about us.", "30 % of the price without tax", "Held before payout", "30 days"] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    for (name, email, agree) in [
        ("Kai", "kai@p.example", ""),
        ("Kai", "kai", "1"),
        ("", "kai@p.example", "1"),
        ("Kai", "kai@p.example", "2"),
    ] {
        let answer = browser.sends(&page, &[("name", name), ("email", email), ("agree", agree)]).await;
        assert_eq!(answer.status, 400, "{name} {email} {agree}");
    }
    let form = [("name", "Kai"), ("email", "kai@p.example"), ("agree", "1")];
    let first = browser.sends(&page, &form).await;
    assert!(first.status == 200 && first.text().contains("Thank you"), "{}", first.text());
    assert!(mailbox.next().await.text.contains("your application"));
    let again = browser.sends(&page, &form).await;
    assert_eq!((again.status, again.text()), (200, first.text()), "who applied before is not told");
    let partners = done(&shop, "GET", "/v1/partners", Value::Null).await;
    let rows = partners["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["status"]), (1, &json!("applied")));
    let id = text(&rows[0]["id"]);
    browser.sends("/partners/sign-in", &[("email", "kai@p.example")]).await;
    let link = mailbox.next().await.link("/partners/enter?token=");
    browser.enters(&link).await;
    assert!(browser.reads("/partners").await.contains("Your application is being looked at"));
    assert_eq!(browser.sends("/partners/links", &[("code", "kai")]).await.status, 400, "not approved yet");
    done(&shop, "PATCH", &format!("/v1/partners/{id}"), json!({ "status": "approved" })).await;
    assert!(mailbox.next().await.text.contains("you are a partner"));
    assert_eq!(browser.sends("/partners/links", &[("code", "kai")]).await.status, 303);
    done(&shop, "PUT", &settings, json!({ "open": false })).await;
    assert_eq!(browser.gets(&page).await.status, 404);
}

#[tokio::test]
async fn an_invited_partner_says_yes_to_the_terms_that_were_shown() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let new = json!({ "program": program, "name": "Ann", "email": "ann@p.example" });
    let ann = text(&done(&shop, "POST", "/v1/partners", new).await["id"]);
    let mail = mailbox.next().await;
    assert!(mail.to == "ann@p.example" && mail.text.contains("invites you"), "{}", mail.text);
    assert!(!mail.text.contains("token="), "an invitation is no way in by itself");
    let browser = Browser::signed_in(&shop, &ann).await;
    assert!(browser.reads("/partners").await.contains("Agree and begin"));
    // The terms change while the page is open: yes to the old ones is no yes.
    shop.after(minutes(1));
    done(
        &shop,
        "POST",
        &format!("/v1/programs/{program}/terms"),
        json!({ "terms": { "reward": { "basis_points": 1000 } } }),
    )
    .await;
    browser.sends("/partners/invitation", &[("answer", "yes"), ("agree", "1")]).await;
    let page = browser.reads("/partners").await;
    assert!(page.contains("Agree and begin") && page.contains("10 % of the price"), "{page}");
    browser.sends("/partners/invitation", &[("answer", "yes"), ("agree", "2")]).await;
    assert!(browser.reads("/partners").await.contains("Nothing earned yet"));
    assert_eq!(done(&shop, "GET", &format!("/v1/partners/{ann}"), Value::Null).await["status"], "approved");
    let new = json!({ "program": program, "name": "Bob", "email": "bob@p.example" });
    let bob = text(&done(&shop, "POST", "/v1/partners", new).await["id"]);
    let browser = Browser::signed_in(&shop, &bob).await;
    browser.sends("/partners/invitation", &[("answer", "no")]).await;
    assert!(browser.reads("/partners").await.contains("You are no partner of this programme"));
}
