//! What strangers write reaches every page and every export as text: 100 payloads in every field that the public
//! collector stores, each page read tag by tag; and CSV that no spreadsheet runs.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};
use support::{BROWSER, ORIGIN, Shop, usd};

const ALWAYS: &str = "from=2026-01-01&to=2028-12-31";

/// Breakouts from text, attributes, addresses, scripts, comments and templates, times ways to run something.
pub(super) fn payloads() -> Vec<String> {
    let runs = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<a href=javascript:alert(1)>x</a>",
        "<style>@import'//evil.example'</style>",
        "<base href=//evil.example>",
        "<form action=//evil.example><button>x",
        "<meta http-equiv=refresh content=0;url=//evil.example>",
        "{{constructor.constructor('alert(1)')()}}",
    ];
    let breakouts = [
        "",
        "\">",
        "'>",
        "</title>",
        "</textarea>",
        "-->",
        "</script>",
        "\" onmouseover=alert(1) x=\"",
        "'-alert(1)-'",
        "javascript:alert(1)//",
    ];
    let all = breakouts.iter().flat_map(|out| runs.iter().map(move |run| format!("{out}{run}")));
    all.collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Hits that carry the payload in every field there is.
fn hit(shop: &Shop, number: usize, payload: &str) -> Value {
    let text = encoded(payload);
    json!({
        "ws": shop.workspace(), "kind": "event", "name": cut(payload, 90), "props": { cut(payload, 90): cut(payload, 400) },
        "id": format!("01k6f000000000000000000{number:03}"),
        "session": format!("01k6f000000000000000001{number:03}"),
        "visitor": format!("vis_01k6f000000000000000002{number:03}"),
        "touch": "session", "at": shop.now_ms(),
        "ref": format!("https://{}.example/{text}?q={text}", "r".repeat(1 + number % 20)),
        "url": format!(
            "{ORIGIN}/{text}?utm_source={text}&utm_medium={text}&utm_campaign={text}&utm_content={text}&utm_term={text}&ref={text}"
        ),
    })
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Every tag that the templates write.
fn template_tags() -> HashSet<String> {
    tags_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/templates"))
}

/// Every tag that the templates of a folder write.
pub(super) fn tags_of(folder: &Path) -> HashSet<String> {
    let files = std::fs::read_dir(folder).expect("there are templates").flatten();
    let texts: Vec<String> = files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    let names = texts.iter().flat_map(|text| text.split('<').skip(1)).map(|tag| {
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric() && c != '!').next();
        name.unwrap_or_default().to_ascii_lowercase()
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// Reads every tag of a page: only those the templates write, no handler, no script of its own, no way out.
pub(super) fn is_clean(page: &str, at: &str, tags: &HashSet<String>) {
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start + 1..];
        let mut quote = None;
        let end = tag.char_indices().find(|(_, c)| match quote {
            Some(open) => {
                if *c == open {
                    quote = None;
                }
                false
            }
            None if *c == '"' || *c == '\'' => {
                quote = Some(*c);
                false
            }
            None => *c == '>',
        });
        let end = end.map_or(tag.len(), |(end, _)| end);
        let (inside, after) = tag.split_at(end);
        rest = after;
        let name = inside
            .trim_start_matches('/')
            .split(|c: char| c.is_whitespace() || c == '/')
            .next()
            .unwrap_or("");
        let name = name.to_ascii_lowercase();
        assert!(tags.contains(&name), "{at}: a tag {name:?} in <{inside}>");
        let mut quiet = String::new();
        let mut open = None;
        for c in inside.chars() {
            match open {
                Some(quote) if c == quote => open = None,
                Some(_) => {}
                None if c == '"' || c == '\'' => open = Some(c),
                None => quiet.push(c),
            }
        }
        for word in quiet.split_whitespace().skip(1) {
            let attribute = word.split('=').next().unwrap_or_default().to_ascii_lowercase();
            assert!(
                !attribute.starts_with("on") && attribute != "style" && attribute != "srcdoc",
                "{at}: <{inside}>"
            );
        }
        for address in ["href=\"", "src=\"", "action=\"", "formaction=\""] {
            let Some(value) = inside.split(address).nth(1).and_then(|value| value.split('"').next()) else {
                continue;
            };
            let local = value.starts_with('/') && !value.starts_with("//") || value.starts_with(['?', '#']);
            assert!(local || value.is_empty(), "{at}: an address leads out: {value}");
        }
        assert!(
            name != "script" || inside.starts_with('/') || inside.contains("src=\"/assets/"),
            "{at}: <{inside}>"
        );
    }
}

#[tokio::test]
async fn a_hundred_payloads_in_every_field_stay_text_on_every_page() {
    let shop = Shop::open().await;
    let app = shop.app();
    let payloads = payloads();
    assert!(payloads.len() >= 100);
    let mut accepted = 0;
    for (chunk, some) in payloads.chunks(10).enumerate() {
        let list: Vec<Value> =
            some.iter().enumerate().map(|(at, payload)| hit(&shop, chunk * 10 + at, payload)).collect();
        let request = app.request("POST", "/c").header("origin", ORIGIN).header("user-agent", BROWSER);
        let answer = app.send(request.body(Value::from(list).to_string())).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        accepted += answer.json()["accepted"].as_u64().unwrap_or(0);
    }
    assert_eq!(accepted, 100);
    // Three of them buy, the payload also in what the merchant wrote.
    let mut orders = Vec::new();
    for number in [1, 10, 70] {
        let visitor = format!("vis_01k6f000000000000000002{number:03}");
        let sale = shop.sale(usd(10_00 + number)).metadata("tributary_visitor_id", &visitor);
        orders.push(
            sale.metadata("note", &payloads[number as usize])
                .external_id(&payloads[number as usize])
                .pays()
                .await,
        );
    }
    shop.settle().await;
    let key = shop.key_for(tributary::control::keys::Scope::Read).await;
    let mut pages = vec!["/docs".to_owned(), "/login".to_owned(), "/no/such/page".to_owned()];
    let dimensions = [
        "channel",
        "source",
        "medium",
        "campaign",
        "content",
        "term",
        "landing_page",
        "referrer",
        "partner",
        "country",
        "device",
    ];
    for dimension in dimensions {
        pages.push(format!("/?{ALWAYS}&group_by={dimension}&limit=500"));
        for number in [22, 73] {
            let payload = encoded(&payloads[number]);
            pages.push(format!("/?{ALWAYS}&group_by={dimension}&filter[{dimension}]={payload}"));
        }
    }
    for payload in payloads.iter().step_by(19).map(|payload| encoded(payload)) {
        pages.extend([
            format!("/login?next={payload}"),
            format!("/login?token={payload}"),
            format!("/orders/{payload}"),
            format!("/?{payload}={payload}"),
            format!("/?from={payload}"),
            format!("/?model={payload}"),
            format!("/match-quality?from={payload}"),
        ]);
    }
    pages.extend(
        ["/match-quality", "/attribution", "/statements", "/reconciliation", "/webhooks", "/not-counted"]
            .map(str::to_owned),
    );
    for order in &orders {
        let id = shop.ask(&order.path()).await["id"].as_str().expect("an id").to_owned();
        pages.push(format!("/orders/{id}"));
    }
    let tags = template_tags();
    let (mut read, mut shown) = (0, 0);
    for path in &pages {
        let answer =
            app.send(app.request("GET", path).header("authorization", format!("Bearer {key}"))).await;
        assert!(answer.status < 500, "{path}: {}", answer.text());
        let kind = answer.header("content-type").to_owned();
        if kind.starts_with("text/html") {
            let page = answer.text();
            is_clean(&page, path, &tags);
            shown += usize::from(page.contains("alert(1)"));
            read += 1;
        } else {
            assert!(!kind.is_empty() || answer.body.is_empty(), "{path} is {kind}");
        }
    }
    assert!(read > 60 && shown > 20, "{read} pages read, {shown} show a payload as text");
}

#[tokio::test]
async fn no_cell_of_an_export_starts_a_formula_and_money_stays_numbers() {
    let shop = Shop::open().await;
    let app = shop.app();
    let leads = ["=", "+", "-", "@", "\t", "\r", "\n", "\0"];
    let hits: Vec<Value> = leads
        .iter()
        .enumerate()
        .map(|(number, lead)| hit(&shop, number, &format!("{lead}1+1|' /C calc,\"x\"")))
        .collect();
    let request = app.request("POST", "/c").header("origin", ORIGIN).header("user-agent", BROWSER);
    assert_eq!(app.send(request.body(Value::from(hits).to_string())).await.status, 202);
    for number in 0..8 {
        let visitor = format!("vis_01k6f000000000000000002{number:03}");
        let order = shop.sale(usd(10_00 + number)).metadata("tributary_visitor_id", &visitor).pays().await;
        order.refunds(usd(5_00)).await;
    }
    shop.settle().await;
    let key = shop.key_for(tributary::control::keys::Scope::Read).await;
    let mut amounts = 0;
    for report in ["channels", "timeseries", "models", "paths", "timing", "match-quality", "rejects"] {
        for dimension in [
            "channel",
            "source",
            "medium",
            "campaign",
            "content",
            "term",
            "landing_page",
            "partner",
            "product",
        ] {
            let path = format!("/v1/reports/{report}?{ALWAYS}&group_by={dimension}&format=csv");
            let answer = shop.ask_as(&key, &path).await;
            if answer.status == 400 {
                continue;
            }
            assert_eq!(answer.header("content-type").split(';').next(), Some("text/csv"), "{path}");
            let text = answer.text();
            let rows = cells(&text);
            let money: Vec<usize> = rows[0]
                .iter()
                .enumerate()
                .filter(|(_, name)| name.ends_with("_minor"))
                .map(|(at, _)| at)
                .collect();
            for row in &rows[1..] {
                for (at, cell) in row.iter().enumerate() {
                    if money.contains(&at) {
                        assert!(cell.is_empty() || cell.parse::<i64>().is_ok(), "{path}: {cell:?}");
                        amounts += usize::from(cell.starts_with('-'));
                    } else {
                        let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']);
                        assert!(!runs || cell.parse::<f64>().is_ok(), "{path}: {cell:?}");
                    }
                }
            }
        }
    }
    assert!(amounts > 0, "refunds are numbers below zero");
}

/// RFC 4180, as a spreadsheet reads it.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let row = rows.last_mut().expect("there is a row");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                row.last_mut().expect("a row has a cell").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted && letters.peek() == Some(&'\n') => {
                letters.next();
                rows.push(vec![String::new()]);
            }
            other => row.last_mut().expect("a row has a cell").push(other),
        }
    }
    rows.pop();
    rows
}
