//! Coming from Rewardful, FirstPromoter or Dub: what a file would bring, what it brings, and what it never brings twice.

use serde_json::{Value, json};
use support::{Answer, Receiver, Shop, days, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, partner, program, text};
use crate::events;

const REWARDFUL: &str = "First Name,Last Name,Email,Token,PayPal Email,State,Unpaid,Currency\r\n\
    Jane,Doe,jane@partners.example,jane,pay@partners.example,active,\"1,234.50\",USD\r\n\
    Joe,Dow,joe@partners.example,joe,,active,$0.00,USD\r\n\
    Kim,Lee,kim@partners.example,taken,,active,10.00,USD\r\n\
    Sam,Fox,sam at partners,sam,,active,,\r\n\
    Lou,Ray,lou@partners.example,lou,,active,12.345,USD\r\n";

async fn sends(shop: &Shop, scope: Scope, path: &str, file: impl Into<Vec<u8>>) -> Answer {
    let key = shop.key_for(scope).await;
    let request = shop.app().request("POST", path).header("authorization", format!("Bearer {key}"));
    shop.app().send(request.header("content-type", "text/csv").body(file.into())).await
}

async fn previews(shop: &Shop, program: &str, tool: &str, file: &str) -> Value {
    let answer =
        sends(shop, Scope::Write, &format!("/v1/programs/{program}/imports/{tool}/preview"), file).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn applies(shop: &Shop, program: &str, tool: &str, file: &str, token: &str) -> Answer {
    sends(shop, Scope::Admin, &format!("/v1/programs/{program}/imports/{tool}?token={token}"), file).await
}

/// Line, outcome and what is wrong.
fn outcomes(told: &Value) -> Vec<(u64, String, String)> {
    let all = told["lines"].as_array().expect("lines");
    let line = |line: &Value| (line["line"].as_u64().unwrap(), text(&line["outcome"]), text(&line["field"]));
    all.iter().map(line).collect()
}

fn lines<const N: usize>(rows: [(u64, &str, &str); N]) -> Vec<(u64, String, String)> {
    rows.map(|(line, outcome, field)| (line, outcome.to_owned(), field.to_owned())).to_vec()
}

#[tokio::test]
async fn a_file_is_looked_at_applied_whole_and_never_twice() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &prg, "taken").await;
    let told = previews(&shop, &prg, "rewardful", REWARDFUL).await;
    let wanted = lines([
        (2, "imported", ""),
        (3, "imported", ""),
        (4, "rejected", "code"),
        (5, "rejected", "email"),
        (6, "rejected", "amount"),
    ]);
    assert_eq!(outcomes(&told), wanted, "{told}");
    assert!(text(&told["lines"][2]["reason"]).contains("taken"), "{told}");
    assert_eq!((&told["partners"], &told["links"]), (&json!(2), &json!(2)));
    assert_eq!(told["balances"], json!([{ "currency": "USD", "balances": 1, "total": 123_450 }]));
    assert_eq!(shop.ask("/v1/commissions").await["rows"], json!([]), "a preview moves nothing");
    let token = text(&told["token"]);

    let made = applies(&shop, &prg, "rewardful", REWARDFUL, &token).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(outcomes(&made.json()), wanted);
    let again = applies(&shop, &prg, "rewardful", REWARDFUL, &token).await;
    assert_eq!((again.status, again.json()), (201, made.json()), "applied twice it is one import");
    let told = previews(&shop, &prg, "rewardful", REWARDFUL).await;
    assert_eq!((&told["imported"], &told["known"], &told["token"]), (&json!(0), &json!(2), &Value::Null));

    // The balance is a commission of its own, payable like others, and no run takes it back.
    shop.settle().await;
    let page = shop.ask("/v1/commissions").await;
    let owed = &page["rows"][0];
    assert_eq!((&owed["state"], &owed["balance"]["due"]), (&json!("due"), &json!(123_450)), "{page}");
    let told = shop.ask(&format!("/v1/commissions/{}", text(&owed["id"]))).await;
    assert_eq!(told["entries"][0]["reason"], "imported");
    assert_eq!(text(&told["entries"][0]["source"]), format!("{token}/2"));
    assert_eq!(done(&shop, "POST", "/v1/commissions/run", Value::Null).await["entries"], 0);
    assert_eq!(shop.failing_checks().await, [""; 0]);
    let payout = shop.ask("/v1/payouts/preview?currency=USD").await;
    assert_eq!(payout["items"][0]["amount"], 123_450, "{payout}");

    // Brought links earn at once.
    let ada = shop.visitor();
    ada.visit("/?via=joe").await;
    ada.buys(usd(10_00)).await;
    shop.settle().await;
    let page = shop.ask("/v1/commissions").await;
    assert_eq!(
        (&page["rows"][0]["click"]["code"], &page["rows"][0]["balance"]["earned"]),
        (&json!("joe"), &json!(3_00))
    );
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn what_comes_over_is_told_like_what_is_made_here_and_says_by_which_import() {
    let (shop, receiver) = (Shop::open().await, Receiver::open().await);
    events::endpoint(&shop, &receiver.url(), &[]).await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &prg, "taken").await;
    let token = text(&previews(&shop, &prg, "rewardful", REWARDFUL).await["token"]);
    assert_eq!(applies(&shop, &prg, "rewardful", REWARDFUL, &token).await.status, 201);
    assert_eq!(applies(&shop, &prg, "rewardful", REWARDFUL, &token).await.status, 201);
    let told = events::told(&shop).await;
    let of = |kind: &str| told.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let approved = of("partner.approved");
    let imports: Vec<&Value> = approved.iter().map(|event| &event["data"]["import"]).collect();
    assert_eq!(imports.iter().filter(|import| ***import == json!(token)).count(), 2, "{imports:?}");
    assert_eq!((approved.len(), imports.iter().filter(|import| import.is_null()).count()), (3, 1));
    let created = of("commission.created");
    let [created] = created.as_slice() else { panic!("{told:?}") };
    let data = &created["data"];
    assert_eq!((&data["reason"], &data["amount"]), (&json!("imported"), &json!(123_450)));
    assert_eq!(text(&data["source"]), format!("{token}/2"));
    assert!(!json!(told).to_string().contains('@'), "nobody's address is told");
}

#[tokio::test]
async fn what_changed_since_the_preview_is_looked_at_again() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let token = text(&previews(&shop, &prg, "rewardful", REWARDFUL).await["token"]);
    partner(&shop, &prg, "joe").await;
    let answer = applies(&shop, &prg, "rewardful", REWARDFUL, &token).await;
    assert_eq!((answer.status, &*answer.code()), (409, "preview_outdated"), "{}", answer.text());
    let other = REWARDFUL.replace("1,234.50", "9,234.50");
    let token = text(&previews(&shop, &prg, "rewardful", REWARDFUL).await["token"]);
    assert_eq!(applies(&shop, &prg, "rewardful", &other, &token).await.code(), "preview_outdated");
    assert_eq!(applies(&shop, &prg, "rewardful", REWARDFUL, "").await.code(), "invalid_parameter");
    assert_eq!(shop.ask("/v1/commissions").await["rows"], json!([]), "nothing went in by half");
    let joe = shop.ask_as(&shop.key_for(Scope::Write).await, "/v1/partners").await.json();
    assert_eq!(joe["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn commissions_that_are_open_come_over_each_by_itself_and_held_ones_stay_held() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 }, "hold_days": 10 })).await;
    let file = "ID,Type,Amount,Earnings,Currency,Status,Partner name,Partner email\n\
                cm_1,sale,4900,1470,usd,pending,Jane,jane@partners.example\n\
                cm_2,sale,$49.00,$14.70,usd,processed,Jane,jane@partners.example\n\
                cm_3,sale,4900,1470,usd,paid,Jane,jane@partners.example\n\
                cm_4,sale,4900,1470,jpy,processed,Jane,jane@partners.example\n";
    let told = previews(&shop, &prg, "dub", file).await;
    let wanted = [(2, "imported", ""), (3, "imported", ""), (4, "nothing", ""), (5, "imported", "")];
    assert_eq!(outcomes(&told), lines(wanted), "{told}");
    assert_eq!(applies(&shop, &prg, "dub", file, &text(&told["token"])).await.status, 201);
    let balance = |row: &Value| {
        let minor = |account: &str| row["balance"][account].as_i64().unwrap();
        (text(&row["currency"]), minor("pending"), minor("due"))
    };
    let standing = async || {
        let mut all: Vec<_> = shop.ask("/v1/commissions/balances").await["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(balance)
            .collect();
        all.sort();
        all
    };
    let (jpy, usd) = ("JPY".to_owned(), "USD".to_owned());
    assert_eq!(standing().await, [(jpy.clone(), 0, 1470), (usd.clone(), 14_70, 14_70)]);
    shop.after(days(10));
    shop.settle().await;
    assert_eq!(standing().await, [(jpy, 0, 1470), (usd, 0, 29_40)]);
    // A later export with one more line adds that line alone.
    let more = format!("{file}cm_5,sale,100,30,usd,processed,Jane,jane@partners.example\n");
    let told = previews(&shop, &prg, "dub", &more).await;
    assert_eq!((&told["imported"], &told["known"]), (&json!(1), &json!(3)), "{told}");
    let changed = file.replace("$14.70", "$14.71");
    let told = previews(&shop, &prg, "dub", &changed).await;
    assert_eq!(
        outcomes(&told)[1],
        (3, "rejected".to_owned(), "amount".to_owned()),
        "a balance comes over once"
    );
}

#[tokio::test]
async fn no_column_is_dropped_and_no_number_guessed_without_a_word() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let file = "Email,Token,Visitors,Due\nann@partners.example,ann,31,1250\n";
    let told = previews(&shop, &prg, "rewardful", file).await;
    let columns = json!([
        { "heading": "Email", "read_as": "email" }, { "heading": "Token", "read_as": "link code" },
        { "heading": "Visitors" }, { "heading": "Due", "read_as": "amount owed" },
    ]);
    assert_eq!(told["columns"], columns);
    let path = format!("/v1/programs/{prg}/imports/rewardful/preview?currency=USD");
    let unsaid = sends(&shop, Scope::Write, &path, file).await.json();
    assert_eq!(outcomes(&unsaid), lines([(2, "rejected", "amount")]));
    assert!(text(&unsaid["lines"][0]["reason"]).contains("unit major, or unit minor"), "{unsaid}");
    for (unit, total) in [("minor", 12_50), ("major", 125_000)] {
        let said = sends(&shop, Scope::Write, &format!("{path}&unit={unit}"), file).await.json();
        assert_eq!(said["balances"][0]["total"], total, "{said}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_are_refused_with_what_to_do() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let preview = |tool: &str| format!("/v1/programs/{prg}/imports/{tool}/preview");
    let latin = b"Email,Name\njose@partners.example,Jos\xE9\n".to_vec();
    for (file, says) in [
        (b"".to_vec(), "no rows"),
        (latin, "ine 2 is not UTF-8"),
        (b"Name,Status\nJane,active\n".to_vec(), "no column for the partner's e-mail address"),
        (b"Email,Token\na@partners.example,\"a\n".to_vec(), "begins on line 2"),
    ] {
        let answer = sends(&shop, Scope::Write, &preview("rewardful"), file).await;
        assert_eq!((answer.status, &*answer.code()), (422, "unreadable_file"), "{}", answer.text());
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    let tool = sends(&shop, Scope::Write, &preview("tapfiliate"), "email\na@b.example\n").await;
    assert!(tool.text().contains("rewardful, firstpromoter and dub"), "{}", tool.text());
    let unknown = sends(&shop, Scope::Write, "/v1/programs/prg_x/imports/dub/preview", "email\n").await;
    assert_eq!(unknown.code(), "unknown_program");
    // As a spreadsheet of another country saves it, sent by a form.
    let sheet = "\u{feff}Email;Token;Unpaid\nann@partners.example;ann;\"1.234,50\"\n";
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\n{sheet}\r\n--b--\r\n"
    );
    let key = shop.key_for(Scope::Write).await;
    let request = shop.app().request("POST", &format!("{}?currency=EUR", preview("rewardful")));
    let request = request.header("authorization", format!("Bearer {key}"));
    let told =
        shop.app().send(request.header("content-type", "multipart/form-data; boundary=b").body(form)).await;
    assert_eq!(told.json()["balances"][0]["total"], 123_450, "{}", told.text());
    let euro = sends(&shop, Scope::Write, &preview("rewardful"), sheet).await.json();
    assert_eq!(outcomes(&euro), lines([(2, "rejected", "amount")]), "a currency is never guessed");
}
