//! Every way a body or a hit can be wrong has its own code, and spoils nothing beside it.

use wire::{BodyError, Consent, Kind, decode, limits};

const GOOD: &str = r#"{"ws":"ws_demo","kind":"page","id":"01arz3ndektsv4rrffq69g5fav","session":"01arz3ndektsv4rrffq69g5fav","url":"https://shop.example/","at":1763718000000}"#;

/// A good hit of `kind` with more fields, a later one replacing an earlier of the same name.
fn hit(fields: &str) -> String {
    let mut hit: serde_json::Map<String, serde_json::Value> = serde_json::from_str(GOOD).unwrap();
    let more: serde_json::Map<String, serde_json::Value> = serde_json::from_str(fields).unwrap();
    for (name, value) in more {
        if value.is_null() {
            hit.remove(&name);
        } else {
            hit.insert(name, value);
        }
    }
    serde_json::to_string(&hit).unwrap()
}

#[track_caller]
fn check(body: &str, code: &str) {
    let hits = decode(body.as_bytes()).expect("the body itself is fine");
    let codes: Vec<String> =
        hits.into_iter().map(|hit| hit.map_or_else(|error| error.code(), |_| "ok".into())).collect();
    assert_eq!(codes, [code], "{body:.300}");
}

/// `GOOD` with raw text put before its closing brace.
fn with(raw: &str) -> String {
    format!("{},{raw}}}", GOOD.strip_suffix('}').unwrap())
}

#[test]
fn bodies() {
    let check = |body: &[u8], error| assert_eq!(decode(body), Err(error));
    check(b"", BodyError::Empty);
    check(b" \r\n", BodyError::Empty);
    check(b"[]", BodyError::Empty);
    check(b"{", BodyError::NotJson);
    check(b"{} {}", BodyError::NotJson);
    check(b"hello", BodyError::NotJson);
    check(&GOOD.as_bytes()[..GOOD.len() - 1], BodyError::NotJson);
    check(format!("[{GOOD},").as_bytes(), BodyError::NotJson);
    check(b"{\"ws\":\"\xff\"}", BodyError::NotUtf8);
    check(&vec![b' '; limits::BODY_BYTES_MAX + 1], BodyError::TooLong);
    check(format!("[{}0]", "0,".repeat(100)).as_bytes(), BodyError::ListTooLong);
    assert_eq!(BodyError::ListTooLong.code(), "body.list_too_long");
}

#[test]
fn a_bad_hit_leaves_its_neighbours() {
    let lone = with(r#""name":"\ud800""#);
    let body = format!("[{GOOD}, 7, {lone}, {{\"a\\ud800\":1}}, [], {GOOD}]");
    let outcomes: Vec<String> = decode(body.as_bytes())
        .unwrap()
        .into_iter()
        .map(|hit| hit.map_or_else(|error| error.code(), |_| "ok".into()))
        .collect();
    let want = ["ok", "hit.wrong_type", "name.malformed", "hit.malformed", "hit.wrong_type", "ok"];
    assert_eq!(outcomes, want);
}

#[test]
fn missing_fields() {
    for field in ["ws", "kind", "id", "session", "url", "at"] {
        check(&hit(&format!(r#"{{"{field}":null}}"#)), &format!("{field}.missing"));
    }
    check(&hit(r#"{"kind":"event"}"#), "name.missing");
    check(&hit(r#"{"kind":"identify"}"#), "email.missing");
    check(&hit(r#"{"kind":"identify","user":"u1"}"#), "ok");
}

#[test]
fn wrong_types() {
    for field in ["ws", "kind", "id", "visitor", "session", "touch", "url", "ref", "cookie_domain", "consent"]
    {
        check(&hit(&format!(r#"{{"{field}":5}}"#)), &format!("{field}.wrong_type"));
        check(&hit(&format!(r#"{{"{field}":{{}}}}"#)), &format!("{field}.wrong_type"));
    }
    for field in ["at", "width"] {
        check(&hit(&format!(r#"{{"{field}":"5"}}"#)), &format!("{field}.wrong_type"));
        check(&hit(&format!(r#"{{"{field}":5.5}}"#)), &format!("{field}.wrong_type"));
        check(&hit(&format!(r#"{{"{field}":-5}}"#)), &format!("{field}.out_of_range"));
        check(
            &with(&format!(r#""{field}":null"#)),
            if field == "at" { "at.wrong_type" } else { "width.wrong_type" },
        );
    }
    check(&hit(r#"{"kind":"event","name":"x","props":[]}"#), "props.wrong_type");
    check(&hit(r#"{"kind":"event","name":"x","props":{"a":{"b":1}}}"#), "props.wrong_type");
    check(&with(r#""kind2":1,"props":{"a":null}"#), "props.wrong_type");
}

#[test]
fn shapes_and_words() {
    check(&hit(r#"{"ws":""}"#), "ws.malformed");
    check(&hit(r#"{"ws":"a b"}"#), "ws.malformed");
    check(&hit(r#"{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#), "id.malformed");
    check(&hit(r#"{"visitor":"vis_1"}"#), "visitor.malformed");
    check(&hit(r#"{"url":""}"#), "url.malformed");
    check(&hit(r#"{"kind":"click"}"#), "kind.unknown");
    check(&hit(r#"{"touch":"hand"}"#), "touch.unknown");
    check(&hit(r#"{"handover":"vis_x.y z.m"}"#), "handover.malformed");
    check(&hit(r#"{"handover":"vis_x..m"}"#), "handover.malformed");
    check(&hit(r#"{"handover":"vis_x.1a.m-_"}"#), "ok");
    check(&hit(r#"{"consent":"denied"}"#), "consent.unknown");
    check(&hit(r#"{"cookie_domain":"a;b"}"#), "cookie_domain.malformed");
    for email in ["", "a", "@b", "a@", "a b@c", "a@b\\n"] {
        let code = if email == "a@b\\n" { "ok" } else { "email.malformed" };
        check(&hit(&format!(r#"{{"kind":"identify","email":"{email}"}}"#)), code);
    }
}

#[test]
fn lengths() {
    let long = |bytes| "a".repeat(bytes);
    check(&hit(&format!(r#"{{"url":"{}"}}"#, long(2000))), "ok");
    check(&hit(&format!(r#"{{"url":"{}"}}"#, long(2001))), "url.too_long");
    check(&hit(&format!(r#"{{"ref":"{}"}}"#, long(2001))), "ref.too_long");
    check(&hit(&format!(r#"{{"ws":"{}"}}"#, long(65))), "ws.too_long");
    check(&hit(&format!(r#"{{"kind":"event","name":"{}"}}"#, long(101))), "name.too_long");
    let event = |props: &str| hit(&format!(r#"{{"kind":"event","name":"x","props":{{{props}}}}}"#));
    check(&event(&format!(r#""a":"{}""#, long(500))), "ok");
    check(&event(&format!(r#""a":"{}""#, long(501))), "props.too_long");
    check(&event(&format!(r#""{}":1"#, long(101))), "props.too_long");
    let many: Vec<String> = (0..31).map(|i| format!(r#""p{i}":true"#)).collect();
    check(&event(&many[..30].join(",")), "ok");
    check(&event(&many.join(",")), "props.too_many");
    let email = format!("{}@b.example", long(250));
    check(&hit(&format!(r#"{{"kind":"identify","email":"{email}"}}"#)), "email.too_long");
    let large = with(&format!(r#""other":"{}""#, long(limits::HIT_BYTES_MAX)));
    check(&format!("[{large}]"), "hit.too_long");
    assert_eq!(decode(large.as_bytes()), Err(BodyError::TooLong), "alone it is the body that is too long");
    check(&with(&format!(r#""handover":"{}""#, long(limits::HANDOVER_BYTES_MAX + 1))), "handover.too_long");
}

#[test]
fn numbers_out_of_range() {
    check(&hit(r#"{"at":8640000000000001}"#), "at.out_of_range");
    check(&hit(r#"{"sent":8640000000000001}"#), "sent.out_of_range");
    check(&hit(r#"{"engaged":86400001}"#), "engaged.out_of_range");
    check(&hit(r#"{"sent":1763718000001,"engaged":0}"#), "ok");
    check(&hit(r#"{"width":100001}"#), "width.out_of_range");
    check(&with(r#""width":18446744073709551616"#), "width.out_of_range");
    check(&with(r#""width":1e400"#), "width.wrong_type");
    check(&with(r#""props":{"a":1e400}"#), "props.out_of_range");
    check(&with(&format!(r#""props":{{"a":{}}}"#, "9".repeat(41))), "props.too_long");
    check(&with(r#""other":1e400"#), "ok");
}

#[test]
fn a_field_given_twice_is_refused() {
    check(&with(r#""ws":"ws_other""#), "ws.duplicate");
    check(&with(r#""props":{"a":1,"\u0061":2}"#), "props.duplicate");
    check(&with(r#""other":1,"other":2"#), "ok");
}

#[test]
fn lone_surrogates_are_refused_and_pairs_read() {
    check(&with(r#""ref":"\ud800""#), "ref.malformed");
    check(&with(r#""ref":"\udc00\ud800""#), "ref.malformed");
    check(&with(r#""ref":"\ud83d\ude00""#), "ok");
}

#[test]
fn deep_nesting_is_skipped_without_recursion() {
    let deep = format!("{}{}", "[".repeat(7000), "]".repeat(7000));
    check(&with(&format!(r#""other":{deep}"#)), "ok");
    check(&with(&format!(r#""props":{deep}"#)), "props.wrong_type");
    let deep = "[".repeat(60_000);
    assert_eq!(decode(deep.as_bytes()), Err(BodyError::NotJson));
}

#[test]
fn unknown_fields_are_ignored_and_consent_defaults_to_granted() {
    let body = with(r#""future":{"a":[1,2,{"b":null}]}"#);
    let hits = decode(body.as_bytes()).unwrap();
    let hit = hits[0].as_ref().unwrap();
    assert_eq!((hit.consent, &hit.kind), (Consent::Granted, &Kind::Page));
    assert_eq!((&*hit.referrer, hit.width, hit.at_ms), ("", None, 1_763_718_000_000));
}
