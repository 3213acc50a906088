//! Disputes. No webhook has a name for them: a lost one ends the subscription and leaves the order alone, one that
//! is prevented is an ordinary refund.

use serde_json::json;
use uuid::Uuid;

use super::record::record;
use super::refund::{NewRefund, refund};
use super::{Refusal, Scene, subscription};
use crate::model::{Dispute, DisputeStatus, Metadata, OrderStatus};

/// The bank asks. `amount` is without tax; all of the order when absent.
pub fn open(scene: &mut Scene<'_>, order_id: Uuid, amount: Option<i64>) -> Result<Uuid, Refusal> {
    let order = scene.state.orders.get(order_id).ok_or(Refusal::NotFound)?.clone();
    let payment =
        scene.state.payments.iter().find(|payment| payment.order_id == order_id && payment.succeeded);
    let payment_id = payment.map(|payment| payment.id).ok_or(Refusal::NotNow("nothing was charged"))?;
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Void) {
        return Err(Refusal::NotNow("the order is not paid"));
    }
    let amount = amount.unwrap_or(order.net).min(order.net);
    if amount <= 0 {
        return Err(Refusal::NotNow("there is nothing to dispute"));
    }
    let (created_at, id) = (scene.tick(), scene.state.ids.uuid());
    scene.state.disputes.push(Dispute {
        id,
        created_at,
        modified_at: None,
        status: DisputeStatus::NeedsResponse,
        amount,
        tax: order.tax * amount / order.net,
        currency: order.currency,
        reason: Some("fraudulent".into()),
        order_id,
        payment_id,
    });
    Ok(id)
}

/// The bank, or Polar before it, decides. A lost one can still be won by an appeal.
pub fn settle(scene: &mut Scene<'_>, id: Uuid, status: DisputeStatus) -> Result<(), Refusal> {
    let at = scene.tick();
    let dispute = scene.state.disputes.get_mut(id).ok_or(Refusal::NotFound)?;
    let before = dispute.status;
    let is_closed = matches!(before, DisputeStatus::Prevented | DisputeStatus::Won | DisputeStatus::Lost);
    let is_appeal = before == DisputeStatus::Lost && status == DisputeStatus::Won;
    if is_closed && !is_appeal {
        return Err(Refusal::NotNow("the dispute is closed"));
    }
    dispute.status = status;
    dispute.modified_at = Some(at);
    let dispute = dispute.clone();
    let order = scene.state.orders.get(dispute.order_id).ok_or(Refusal::NotFound)?.clone();
    let about = json!({
        "transaction_id": id, "dispute_id": id, "order_id": order.id, "amount": -dispute.amount,
        "currency": dispute.currency, "presentment_amount": -dispute.amount,
        "presentment_currency": dispute.currency, "tax_amount": -dispute.tax, "fee": 1500,
    });
    match status {
        DisputeStatus::Lost => {
            record(scene, "balance.dispute", order.customer_id, about);
            if let Some(id) = order.subscription_id {
                // It may have ended by itself.
                drop(subscription::revoke(scene, id));
            }
        }
        DisputeStatus::Won if is_appeal => {
            record(scene, "balance.dispute_reversal", order.customer_id, about)
        }
        DisputeStatus::Prevented => {
            let new = NewRefund {
                order_id: order.id,
                amount: None,
                reason: "dispute_prevention".into(),
                metadata: Metadata::new(),
                revoke_benefits: false,
                is_instant: true,
                dispute_id: Some(id),
            };
            // What was refunded before leaves nothing to prevent.
            drop(refund(scene, new));
        }
        _ => {}
    }
    Ok(())
}
