//! What each happening changes and sends: the table of situations in Polar's order.

use super::*;

impl World {
    /// Lets it happen after `pause_ms`; nothing when it cannot happen now.
    pub fn act(&mut self, pause_ms: i64, act: &Act) {
        self.now_ms += pause_ms;
        let status = self.subscription.as_ref().map(|it| it.state.status);
        let runs = matches!(status, Some(SubscriptionStatus::Active | SubscriptionStatus::Trialing));
        let has_ended = status.is_none_or(|status| status == SubscriptionStatus::Canceled);
        let order = |at: usize| at % self.orders.len();
        match *act {
            Act::Poll => self.polled.push(self.poll()),
            Act::Renew { is_paid } if runs => self.renew(is_paid),
            Act::Recover => self.recover(),
            Act::Exhaust => self.exhaust(),
            Act::CancelAtPeriodEnd if !has_ended => {
                self.change_subscription(&["updated", "canceled"], |it, at_ms| {
                    it.cancel_at_period_end = true;
                    it.canceled_ms = Some(at_ms);
                    it.ends_ms = it.period_end_ms;
                });
            }
            Act::Uncancel if !has_ended => {
                self.change_subscription(&["updated", "uncanceled"], |it, _| {
                    it.cancel_at_period_end = false;
                    (it.canceled_ms, it.ends_ms) = (None, None);
                });
            }
            Act::Revoke if !has_ended => self.end(),
            Act::Pause if runs => self.change_subscription(&["updated", "paused"], |it, at_ms| {
                it.status = SubscriptionStatus::Paused;
                it.paused_ms = Some(at_ms);
            }),
            Act::Resume if status == Some(SubscriptionStatus::Paused) => {
                self.change_subscription(&["updated", "resumed"], |it, _| {
                    it.status = SubscriptionStatus::Active;
                    it.paused_ms = None;
                });
                self.renew(true);
            }
            // The order comes before the change it is for; a downgrade's total is nothing.
            Act::Upgrade { net_minor } if runs => self.change_plan(net_minor),
            Act::Downgrade if runs => self.change_plan(0),
            Act::Seats { count } if runs => {
                self.change_subscription(&["updated"], |it, _| it.seats = Some(count));
            }
            Act::EditMetadata { value } if status.is_some() => {
                let metadata = Metadata::from([("plan".to_owned(), value.to_string())]);
                self.change_subscription(&["updated"], |it, _| it.metadata = metadata);
            }
            Act::EditCustomer { value } if !self.customer.state.deleted => {
                self.change_customer("customer.updated", |it| it.external_id = Some(value.to_string()));
            }
            Act::DeleteCustomer if !self.customer.state.deleted => {
                self.change_customer("customer.deleted", |it| it.deleted = true);
            }
            Act::Refund { order: at, percent, is_instant } => self.refund(order(at), percent, is_instant),
            Act::RefundSucceeds { refund } => {
                if let Some(at) = self.refund_in(refund, &[RefundStatus::Pending]) {
                    self.change_refund(at, "refund.updated", RefundStatus::Succeeded);
                    self.book_refund(at, 1, &["order.updated", "order.refunded"]);
                }
            }
            Act::RefundFails { refund } => {
                let Some(at) = self.refund_in(refund, &[RefundStatus::Pending, RefundStatus::Succeeded])
                else {
                    return;
                };
                let had_succeeded = self.refunds[at].status == RefundStatus::Succeeded;
                self.change_refund(at, "refund.updated", RefundStatus::Failed);
                if had_succeeded {
                    self.book_refund(at, -1, &["order.updated"]);
                }
            }
            Act::Dispute { order: at, percent } => self.dispute(order(at), percent),
            Act::DisputeEnds { dispute, status } => self.end_dispute(dispute, status),
            Act::Fee { order: at } => {
                let at = order(at);
                if self.orders[at].paid {
                    self.change_order(at, &["order.updated"], |order| {
                        order.amounts.fee_minor += 37;
                        order.fee_currency = Some("USD".parse().expect("a currency"));
                    });
                }
            }
            Act::EditOrder { order: at } => {
                self.change_order(order(at), &["order.updated"], |order| order.country = Some("BE".into()));
            }
            // Not possible as things stand.
            _ => {}
        }
    }

    fn renew(&mut self, is_paid: bool) {
        self.change_subscription(&["cycled", "updated"], |it, _| {
            it.status = SubscriptionStatus::Active;
            it.period_start_ms = it.period_end_ms;
            it.period_end_ms = it.period_end_ms.map(|end_ms| end_ms + 30 * DAY_MS);
        });
        let net_minor = self.subscription.as_ref().map_or(0, |it| it.state.amount_minor);
        let at = self.order(OrderKind::Renewal, net_minor);
        self.sent_created(at);
        if is_paid {
            self.pay(at);
        } else {
            self.change_subscription(&["updated", "past_due"], |it, at_ms| {
                it.status = SubscriptionStatus::PastDue;
                it.past_due_ms = Some(at_ms);
            });
            self.change_order(at, &["order.updated"], |_| {});
        }
    }

    /// The first version of an order: it was never modified.
    fn sent_created(&mut self, at: usize) {
        let fact = Fact::Order(self.orders[at].clone());
        self.send("order.created", vec![fact]);
    }

    fn pay(&mut self, at: usize) {
        self.change_order(at, &["order.updated", "order.paid"], |order| {
            order.status = OrderStatus::Paid;
            order.paid = true;
        });
    }

    fn unpaid(&self) -> Option<usize> {
        self.orders.iter().rposition(|order| order.status == OrderStatus::Pending)
    }

    fn recover(&mut self) {
        let Some(at) = self.unpaid() else { return };
        self.pay(at);
        self.change_subscription(&["updated", "active"], |it, _| {
            it.status = SubscriptionStatus::Active;
            it.past_due_ms = None;
        });
    }

    fn exhaust(&mut self) {
        let Some(at) = self.unpaid() else { return };
        self.end();
        self.change_order(at, &["order.updated"], |order| order.status = OrderStatus::Void);
    }

    fn end(&mut self) {
        self.change_subscription(&["updated", "canceled", "revoked"], |it, at_ms| {
            it.status = SubscriptionStatus::Canceled;
            it.canceled_ms.get_or_insert(at_ms);
            it.ended_ms = Some(at_ms);
        });
    }

    fn change_plan(&mut self, net_minor: i64) {
        let at = self.order(OrderKind::Upgrade, net_minor);
        self.sent_created(at);
        self.pay(at);
        self.change_subscription(&["updated"], |it, _| it.amount_minor += net_minor);
    }

    fn refund_in(&self, chosen: usize, statuses: &[RefundStatus]) -> Option<usize> {
        let at = chosen.checked_rem(self.refunds.len())?;
        statuses.contains(&self.refunds[at].status).then_some(at)
    }

    fn dispute(&mut self, at: usize, percent: i64) {
        let order = &self.orders[at];
        let is_disputed = self.disputes.iter().any(|it| it.order_id == order.head.object_id);
        let amount_minor = order.amounts.net_minor * percent / 100;
        if !order.paid || amount_minor == 0 || is_disputed {
            return;
        }
        self.disputes.push(DisputeFact {
            head: head(format!("dis{}", self.disputes.len())),
            order_id: order.head.object_id.clone(),
            created_ms: self.now_ms,
            status: DisputeStatus::Open,
            amount_minor,
            tax_minor: order.amounts.tax_minor * percent / 100,
            currency: order.currency,
            reason: Some("fraudulent".into()),
            customer_id: Some("cus".into()),
        });
        self.keep_dispute(self.disputes.len() - 1);
    }

    /// Lost ends the subscription and says nothing on the order; prevented is a refund of all that is left.
    fn end_dispute(&mut self, chosen: usize, status: DisputeStatus) {
        let Some(at) = chosen.checked_rem(self.disputes.len()) else { return };
        let before = self.disputes[at].status;
        let is_turned = before == DisputeStatus::Lost && status == DisputeStatus::Won;
        if before != DisputeStatus::Open && !is_turned {
            return;
        }
        self.disputes[at].status = status;
        self.keep_dispute(at);
        match status {
            DisputeStatus::Lost => self.end(),
            DisputeStatus::Prevented => {
                let order = self.order_of(&self.disputes[at].order_id);
                self.refund(order, 100, true);
            }
            DisputeStatus::Open | DisputeStatus::Won => {}
        }
    }
}
