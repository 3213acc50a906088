//! What the pixel writes is what the collector reads, whatever characters the page puts in it.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;
use wire::limits;
use wire::{Consent, Hit, Kind, Number, PropValue, Props, Touch, Ulid, decode, encode};

fn text(bytes_max: usize) -> impl Strategy<Value = Cow<'static, str>> {
    any::<String>().prop_map(move |text| Cow::Owned(limits::cut(&text, bytes_max).to_owned()))
}

fn some_text(bytes_max: usize) -> impl Strategy<Value = Cow<'static, str>> {
    text(bytes_max).prop_filter("not empty", |text| !text.is_empty())
}

fn ulid() -> impl Strategy<Value = Ulid> {
    any::<(u64, [u8; 10])>().prop_map(|(time_ms, random)| Ulid::new(time_ms, random))
}

fn value() -> impl Strategy<Value = PropValue<'static>> {
    let number = any::<f64>().prop_filter("finite", |number| number.is_finite());
    prop_oneof![
        text(limits::PROP_VALUE_CHARS_MAX).prop_map(PropValue::Text),
        number.prop_map(|number| {
            let text = format!("{number:e}");
            PropValue::Number(Number::parse(text).expect("Rust's exponent form is a JSON number"))
        }),
        any::<bool>().prop_map(PropValue::Flag),
    ]
}

fn props() -> impl Strategy<Value = Props<'static>> {
    vec((text(limits::PROP_NAME_CHARS_MAX), value()), 0..limits::PROPS_MAX).prop_map(|mut props| {
        props.sort_by(|a, b| a.0.cmp(&b.0));
        props.dedup_by(|a, b| a.0 == b.0);
        props
    })
}

fn kind() -> impl Strategy<Value = Kind<'static>> {
    let email = "[a-z+.]{1,20}@[a-z]{1,10}\\.[a-z]{2,5}".prop_map(Cow::Owned);
    prop_oneof![
        Just(Kind::Page),
        (some_text(limits::NAME_BYTES_MAX), props()).prop_map(|(name, props)| Kind::Event { name, props }),
        (proptest::option::of(email), some_text(limits::USER_BYTES_MAX), props())
            .prop_map(|(email, user, traits)| Kind::Identify { email, user: Some(user), traits }),
    ]
}

prop_compose! {
    fn hit()(
        ws in "[A-Za-z0-9_-]{1,64}",
        kind in kind(),
        ids in (ulid(), ulid()),
        visitor in proptest::option::of((ulid(), proptest::option::of("[A-Za-z0-9_-]{1,60}"))),
        touch in proptest::option::of(prop_oneof![Just(Touch::Session), Just(Touch::Campaign)]),
        url in some_text(limits::ADDRESS_BYTES_MAX),
        referrer in text(limits::ADDRESS_BYTES_MAX),
        at_ms in 0..=limits::AT_MS_MAX,
        sent_ms in proptest::option::of(0..=limits::AT_MS_MAX),
        engaged_ms in proptest::option::of(0..=limits::ENGAGED_MS_MAX),
        handover in proptest::option::of("[A-Za-z0-9_-]{1,60}\\.[a-z0-9]{1,8}\\.[A-Za-z0-9_-]{1,40}"),
        width in proptest::option::of(0..=limits::WIDTH_MAX),
        cookie_domain in proptest::option::of("\\.[a-z0-9-]{1,20}\\.[a-z]{2,5}"),
        session_only in any::<bool>(),
    ) -> Hit<'static> {
        let visitor = visitor.map(|(ulid, signature)| match signature {
            None => format!("vis_{ulid}"),
            Some(signature) => format!("vis_{ulid}_{signature}"),
        });
        Hit {
            ws: ws.into(),
            kind,
            id: ids.0,
            visitor: visitor.map(Cow::Owned),
            session: ids.1,
            touch,
            url,
            referrer,
            at_ms,
            sent_ms,
            width,
            cookie_domain: cookie_domain.map(Cow::Owned),
            consent: if session_only { Consent::Session } else { Consent::Granted },
            engaged_ms,
            handover: handover.map(Cow::Owned),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(hit in hit()) {
        let mut body = String::new();
        encode(&hit, &mut body);
        prop_assume!(body.len() <= limits::HIT_BYTES_MAX);
        prop_assert_eq!(decode(body.as_bytes()), Ok(vec![Ok(hit)]));
    }

    #[test]
    fn a_list_keeps_its_order(hits in vec(hit(), 1..8)) {
        let mut body = String::from("[");
        for (i, hit) in hits.iter().enumerate() {
            if i > 0 {
                body.push(',');
            }
            encode(hit, &mut body);
        }
        body.push(']');
        prop_assume!(body.len() <= limits::BODY_BYTES_MAX);
        let read: Vec<_> = decode(body.as_bytes()).unwrap().into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(read, hits);
    }

    #[test]
    fn any_bytes_have_an_answer(body in vec(any::<u8>(), 0..400)) {
        let _ = decode(&body);
    }

    #[test]
    fn a_damaged_hit_has_an_answer(hit in hit(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = String::new();
        encode(&hit, &mut body);
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = decode(&body);
        body.truncate(at);
        prop_assert!(decode(&body).is_err(), "a cut hit is never accepted");
    }

    #[test]
    fn cutting_keeps_whole_characters(text in any::<String>(), bytes_max in 0usize..40) {
        let cut = limits::cut(&text, bytes_max);
        prop_assert!(text.starts_with(cut) && cut.len() <= bytes_max);
        prop_assert!(cut.len() == text.len() || cut.len() + 4 > bytes_max);
    }
}
