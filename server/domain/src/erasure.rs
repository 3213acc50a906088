//! What stays of what a provider told when the person behind it is erased: the money, its dates and states, the
//! product, the country; nothing that names the buyer or leads to one. Pure; which facts it concerns is for
//! others to find out.

use crate::matching::VISITOR_KEY;
use crate::order::{Fact, Metadata};

/// The fact without its person; none for a fact about the person only. `journey` is the id, made for the order
/// and leading to nobody, under which the visits that earned it are kept: credits then stay what they were.
/// Doing it twice gives the same.
#[must_use]
pub fn anonymous(fact: Fact, journey: Option<&str>) -> Option<Fact> {
    let kept = || -> Metadata {
        journey.map(|journey| (VISITOR_KEY.to_owned(), journey.to_owned())).into_iter().collect()
    };
    Some(match fact {
        Fact::Customer(_) => return None,
        Fact::Order(mut order) => {
            order.customer_id = None;
            order.email = None;
            order.metadata = kept();
            Fact::Order(order)
        }
        Fact::Refund(mut refund) => {
            refund.customer_id = None;
            Fact::Refund(refund)
        }
        Fact::Dispute(mut dispute) => {
            dispute.customer_id = None;
            Fact::Dispute(dispute)
        }
        Fact::Payment(payment) => Fact::Payment(payment),
        Fact::Subscription(mut subscription) => {
            subscription.state.customer_id = None;
            subscription.state.metadata = Metadata::new();
            Fact::Subscription(subscription)
        }
        Fact::Checkout(mut checkout) => {
            let state = &mut checkout.state;
            state.customer_id = None;
            state.customer_external_id = None;
            state.email = None;
            state.metadata = Metadata::new();
            state.customer_metadata = Metadata::new();
            Fact::Checkout(checkout)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts as they are stored, with a person in every place there is for one.
    const TOLD: [&str; 4] = [
        r#"{"fact":"order","head":{"fact_id":"fact_00000000000000000000000000000001","object_id":"o","version_ms":1,"observed_ms":1,"event":"order.paid"},"created_ms":1,"status":"paid","paid":true,"booked_at_ms":1,"kind":"one_time","currency":"USD","amounts":{"net_minor":4900,"total_minor":4900},"customer_id":"cus-ada","email":{"strong":"000000000000000000000000000000ad","weak":"000000000000000000000000000000ae"},"metadata":{"tributary_visitor_id":"vis_ada","note":"for ada"}}"#,
        r#"{"fact":"refund","head":{"fact_id":"fact_00000000000000000000000000000002","object_id":"r","version_ms":1,"observed_ms":1,"event":"refund.created"},"order_id":"o","created_ms":1,"status":"succeeded","amount_minor":4900,"tax_minor":0,"currency":"USD","customer_id":"cus-ada"}"#,
        r#"{"fact":"checkout","head":{"fact_id":"fact_00000000000000000000000000000003","object_id":"c","version_ms":1,"observed_ms":1,"event":"checkout.created"},"created_ms":1,"status":"open","customer_id":"cus-ada","customer_external_id":"ada","email":{"strong":"000000000000000000000000000000ad","weak":"000000000000000000000000000000ae"},"metadata":{"x":"ada"},"customer_metadata":{"x":"ada"}}"#,
        r#"{"fact":"customer","head":{"fact_id":"fact_00000000000000000000000000000004","object_id":"cus-ada","version_ms":1,"observed_ms":1,"event":"customer.created"},"created_ms":1,"external_id":"ada","deleted":false,"metadata":{}}"#,
    ];

    #[test]
    fn money_stays_and_the_person_goes() {
        for told in TOLD {
            let fact: Fact = serde_json::from_str(told).unwrap();
            let Some(left) = anonymous(fact.clone(), Some("vis_nobody")) else {
                assert_eq!(fact.kind(), "customer");
                continue;
            };
            let text = serde_json::to_string(&left).unwrap();
            for trace in ["\"ada\"", "vis_ada", "cus-ada", "for ada", "00ad", "00ae"] {
                assert!(!text.contains(trace), "{trace} in {text}");
            }
            if let (Fact::Order(before), Fact::Order(after)) = (&fact, &left) {
                assert_eq!((before.amounts, before.booked_at_ms), (after.amounts, after.booked_at_ms));
                assert_eq!(after.metadata[VISITOR_KEY], "vis_nobody");
            }
            assert_eq!(anonymous(left.clone(), Some("vis_nobody")), Some(left));
        }
    }
}
