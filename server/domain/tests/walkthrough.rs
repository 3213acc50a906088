//! One buyer from first visit to refunded renewal, through every rule in the order the server applies them.

use domain::attribution::{Credit, Earner, Entry, Scratch, Touch, credits, model_index};
use domain::identity::{BindingSource, Buyer, EmailHasher, Limits, PersonKey, Strength, resolve};
use domain::ids::{FactId, OrderId, VisitorId};
use domain::journey::{Window, eligible};
use domain::matching::{MatchInputs, MatchMethod, match_order};
use domain::order::{
    Amounts, Basis, Head, Member, Metadata, OrderFact, OrderKind, OrderState, OrderStatus, anchor_ms,
    fold_order, inherits, root_of,
};
use domain::visitor_token::VisitorKeys;

const DAY_MS: i64 = 86_400_000;
const START_MS: i64 = 1_790_000_000_000;

fn paid(object: &str, at_ms: i64, kind: OrderKind, metadata: Metadata) -> OrderFact {
    OrderFact {
        head: Head {
            fact_id: FactId::derive("polar", "msg_1", "order", object),
            object_id: object.into(),
            version_ms: at_ms,
            observed_ms: at_ms,
            event: "order.paid".into(),
        },
        created_ms: at_ms,
        status: OrderStatus::Paid,
        paid: true,
        booked_at_ms: Some(at_ms),
        kind,
        currency: "USD".parse().unwrap(),
        amounts: Amounts { net_minor: 9601, total_minor: 9601, ..Amounts::default() },
        fee_currency: None,
        subscription_id: Some("sub".into()),
        checkout_id: None,
        customer_id: Some("cus".into()),
        product_id: None,
        product_name: None,
        discount_code: None,
        discount_id: None,
        discount_name: None,
        partner_code: None,
        interval: None,
        country: None,
        email: None,
        metadata,
    }
}

fn amounts(rows: &[Credit], entry: Entry, model: &str) -> Vec<(Earner, i64)> {
    let model = model_index(model).unwrap();
    let rows = rows.iter().filter(|row| row.entry == entry && row.amounts[model] != 0);
    rows.map(|row| (row.earner, row.amounts[model])).collect()
}

#[test]
fn a_newsletter_and_a_search_share_a_sale_its_renewal_and_its_refund() {
    // Ada reads the newsletter on her phone and signs up; three days later she searches on her laptop and buys.
    let (phone, laptop) = (VisitorId(1), VisitorId(2));
    let newsletter = Touch { at_ms: START_MS, id: 10, facet: 1, direct: false };
    let search = Touch { at_ms: START_MS + 3 * DAY_MS, id: 11, facet: 2, direct: false };
    let thanks = Touch { at_ms: START_MS + 4 * DAY_MS, id: 12, facet: 3, direct: false };
    let email = EmailHasher::new(b"a secret of the installation", "ws_demo").hash("ada@example.com");
    let signed_up = Buyer { email, ..Buyer::default() };
    let signed_up =
        signed_up.binding(Some(phone), START_MS + 60_000, BindingSource::Identify, Strength::Said).unwrap();

    // The order carries the laptop's signed id; it binds customer and address to the laptop.
    let keys = VisitorKeys::new([("a1", &b"a secret that is long enough"[..])]).unwrap();
    let written = Metadata::from([("tributary_visitor_id".into(), keys.sign(laptop, "ws_demo"))]);
    let bought_ms = START_MS + 3 * DAY_MS + 600_000;
    let first = fold_order(&[paid("o1", bought_ms, OrderKind::New, written)], &[], &[], &[]).unwrap();
    let customer = PersonKey::Customer { connection: "polar".into(), id: "cus".into() };
    let inputs = |order: &OrderState, persons| {
        match_order(&MatchInputs {
            workspace: "ws_demo",
            visitor_keys: &keys,
            metadata_keys: &[],
            order: Some(&order.metadata),
            subscription: None,
            checkout: None,
            customer: None,
            external_id: None,
            customer_key: Some(&customer),
            email: email.as_ref(),
            persons,
        })
    };
    let before = resolve(std::slice::from_ref(&signed_up), Limits::default());
    let matched = inputs(&first, &before);
    assert_eq!((matched.method, matched.visitor), (MatchMethod::OrderMetadata, Some(laptop)));
    let buyer = Buyer { customer: Some(customer.clone()), email, ..Buyer::default() };
    let binding = matched.binding(&buyer, bought_ms).unwrap();
    let persons = resolve(&[binding, signed_up], Limits::default());
    let ada = persons.person_of(laptop, bought_ms).unwrap();
    assert_eq!(persons.person_of(phone, START_MS), Some(ada), "the address joins both devices");

    // Her journey: all touches of her visitors, in the window, until she paid.
    let touches_of = |visitor| if visitor == phone { vec![newsletter] } else { vec![search, thanks] };
    let segments = persons.segments(ada).iter();
    let mut journey: Vec<Touch> = segments.flat_map(|segment| touches_of(segment.visitor)).collect();
    let anchor = anchor_ms(&first, None).unwrap();
    eligible(&mut journey, anchor, Window::default());
    assert_eq!(journey, [newsletter, search]);

    // The renewal names nobody by metadata but is hers, and inherits the journey of the first order.
    let mut renewal = paid("o2", bought_ms + 30 * DAY_MS, OrderKind::Renewal, Metadata::new());
    renewal.amounts.refunded_minor = 101;
    let renewal = fold_order(&[renewal], &[], &[], &[]).unwrap();
    assert_eq!(inputs(&renewal, &persons).person, Some(ada));
    let id = |object| OrderId::derive("ws_demo", "polar", object);
    let members = [Member::of(id("o2"), &renewal).unwrap(), Member::of(id("o1"), &first).unwrap()];
    assert!(inherits(renewal.kind));
    assert_eq!(root_of(&members), Some(id("o1")));

    let mut scratch = Scratch::default();
    let mut rows = Vec::new();
    credits(&journey, anchor, true, &first.booked(Basis::Net).unwrap(), &mut scratch, &mut rows);
    let (first_touch, last_touch) = (Earner::Touch(0), Earner::Touch(1));
    assert_eq!(amounts(&rows, Entry::Order, "linear"), [(first_touch, 4800), (last_touch, 4801)]);
    assert_eq!(amounts(&rows, Entry::Order, "last_non_direct"), [(last_touch, 9601)]);

    rows.clear();
    credits(&journey, anchor, true, &renewal.booked(Basis::Net).unwrap(), &mut scratch, &mut rows);
    assert_eq!(amounts(&rows, Entry::Order, "linear"), [(first_touch, 4800), (last_touch, 4801)]);
    let refund = Entry::Refund(renewal.refunds[0].id.0);
    assert_eq!(amounts(&rows, refund, "linear"), [(first_touch, -50), (last_touch, -51)]);
    assert_eq!(amounts(&rows, refund, "first_touch"), [(first_touch, -101)]);
}
