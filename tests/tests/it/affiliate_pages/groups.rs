//! Groups on the page of programmes and coupons on the page of partners.

use serde_json::json;
use support::Shop;

use super::{encoded, page, sends};
use crate::affiliates::{partner, program, text};
use crate::portal::thirty;

#[tokio::test]
async fn a_group_is_made_filled_given_terms_of_its_own_and_left() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    assert!(page(&shop, "/affiliates/programs").await.contains("None yet: everybody has the terms"));
    let wrong = sends(&shop, "/affiliates/groups", &format!("program={program}&name=")).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("use 1 to 100 characters"), "{wrong}");
    let made = sends(&shop, "/affiliates/groups", &format!("program={program}&name=Gold")).await;
    assert!(made.contains("Gold is made") && made.contains("those of the programme"), "{made}");
    let groups = shop.ask(&format!("/v1/programs/{program}/groups")).await;
    let gold = text(&groups["rows"][0]["id"]);
    let wrong = sends(&shop, "/affiliates/groups", &format!("partner={jane}&group=grp_nobody")).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("no group"), "{wrong}");
    let inside = sends(&shop, "/affiliates/groups", &format!("partner={jane}&group={gold}")).await;
    assert!(inside.contains("Take jane out of Gold"), "{inside}");
    assert!(page(&shop, "/affiliates").await.contains("Friends, Gold"));
    // What was refused stays with its group, so that it is not put in force for everybody next.
    let refused = format!("program={program}&group={gold}&terms=nonsense");
    let refused = sends(&shop, "/affiliates/programs", &refused).await;
    assert!(refused.contains("role=\"alert\"") && refused.contains(">nonsense</textarea>"), "{refused}");
    assert!(refused.contains(&format!("value=\"{gold}\" selected")), "{refused}");
    let terms = encoded(r#"{"reward": {"basis_points": 4500}}"#);
    let form = format!("program={program}&group={gold}&terms={terms}");
    let changed = sends(&shop, "/affiliates/programs", &form).await;
    assert!(changed.contains("of the group Gold") && changed.contains("45 % of the amount"), "{changed}");
    assert!(changed.contains("version 2</td>"), "{changed}");
    let out = sends(&shop, "/affiliates/groups", &format!("partner={jane}&group=")).await;
    assert!(out.contains("the terms of the programme from now on") && out.contains("nobody"), "{out}");
    assert_eq!(shop.ask(&format!("/v1/programs/{program}/groups")).await["rows"][0]["partners"], json!([]));
}

#[tokio::test]
async fn a_coupon_is_given_to_a_partner_once_and_ended() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let wrong = sends(&shop, "/affiliates/coupons", &format!("partner={jane}&coupon=two+words")).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("no blanks"), "{wrong}");
    assert!(wrong.contains("value=\"two words\""), "what was refused stays: {wrong}");
    let given = sends(&shop, "/affiliates/coupons", &format!("partner={jane}&coupon=jane20")).await;
    assert!(
        given.contains("JANE20 earns for its partner") && given.contains("<code>JANE20</code>"),
        "{given}"
    );
    let taken = sends(&shop, "/affiliates/coupons", &format!("partner={jane}&coupon=JANE20")).await;
    assert!(taken.contains("role=\"alert\"") && taken.contains("is taken"), "{taken}");
    let ended = sends(&shop, "/affiliates/coupons", "end=JANE20").await;
    assert!(ended.contains("earns nothing from now on") && ended.contains(">ended "), "{ended}");
    assert!(sends(&shop, "/affiliates/coupons", "end=JANE20").await.contains("role=\"alert\""));
    assert!(shop.ask("/v1/coupons").await["rows"][0]["archived_at_ms"].is_i64());
}
