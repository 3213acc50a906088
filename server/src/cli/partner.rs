//! `tributary partner`: partners of a programme, where they stand, and how they are paid.

use anyhow::Context;
use domain::affiliate::PartnerStatus;
use domain::affiliate::payout::Method;

use super::affiliate::{affiliates, open};
use super::client::Of;
use crate::affiliate::Affiliates;
use crate::affiliate::coupons::NewCoupon;
use crate::affiliate::partners::{NewPartner, PartnerChange, PayoutTo};
use crate::config::Config;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Invite somebody, or enter somebody who applied.
    Add {
        name: String,
        #[arg(long)]
        email: String,
        /// prg_…; may be left out when there is only one.
        #[arg(long)]
        program: Option<String>,
        /// invited, applied or approved.
        #[arg(long, default_value = "invited")]
        status: PartnerStatus,
        #[command(flatten)]
        of: Of,
    },
    /// Let a partner earn.
    Approve {
        /// prt_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Turn somebody down.
    Reject {
        /// prt_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Let a partner earn nothing new and be paid nothing, until approved again.
    Suspend {
        /// prt_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Say how a partner is paid.
    PayTo {
        /// prt_…
        id: String,
        /// paypal, wise or other.
        method: Method,
        /// An e-mail address for PayPal and Wise.
        recipient: String,
        #[command(flatten)]
        of: Of,
    },
    /// Put a partner into a group of the programme, or into none.
    Group {
        /// prt_…
        id: String,
        /// grp_…; none when left out.
        group: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Say whose a discount code of the provider is: it earns where nobody clicked. For sales that are known already, run
    /// `tributary commission run` afterwards.
    Coupon {
        /// prt_…
        id: String,
        code: String,
        #[command(flatten)]
        of: Of,
    },
    /// End a coupon: it earns nothing for sales from now on.
    EndCoupon {
        code: String,
        #[command(flatten)]
        of: Of,
    },
    /// List the coupons.
    Coupons {
        #[command(flatten)]
        of: Of,
    },
    /// Print a link that signs a partner in, once and within 15 minutes, to pass on to them.
    LoginLink {
        /// prt_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// List the partners.
    List {
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (Command::Add { of, .. }
        | Command::Approve { of, .. }
        | Command::Reject { of, .. }
        | Command::Suspend { of, .. }
        | Command::PayTo { of, .. }
        | Command::Group { of, .. }
        | Command::Coupon { of, .. }
        | Command::EndCoupon { of, .. }
        | Command::Coupons { of }
        | Command::LoginLink { of, .. }
        | Command::List { of }) = &self;
        let (settings, workspace) = open(config, of).await?;
        let done = self.act(&affiliates(&settings, &workspace)).await;
        // What it writes to partners goes out before it ends.
        settings.mail.settled().await;
        settings.control.close().await;
        done
    }

    async fn act(self, affiliates: &Affiliates<'_>) -> anyhow::Result<()> {
        let becomes = |status| PartnerChange { status: Some(status), ..PartnerChange::default() };
        let (id, change) = match self {
            Command::Add { name, email, program, status, .. } => {
                let program = match program {
                    Some(program) => program,
                    None => only_program(affiliates).await?,
                };
                let new =
                    NewPartner { program, name, email, status: Some(status), payout: None, since_ms: None };
                println!("{}", affiliates.create_partner(new).await?.id);
                return Ok(());
            }
            Command::List { .. } => {
                for partner in affiliates.partners().await?.rows {
                    let paid = partner.payout.map_or("-", |payout| payout.method.name());
                    println!(
                        "{}\t{}\t{}\t{paid}\t{}",
                        partner.id, partner.status, partner.name, partner.email
                    );
                }
                return Ok(());
            }
            Command::Coupon { id, code, .. } => {
                println!("{}", affiliates.create_coupon(NewCoupon { partner: id, code }).await?.code);
                return Ok(());
            }
            Command::EndCoupon { code, .. } => {
                affiliates.archive_coupon(&code).await?;
                println!("ended {code}");
                return Ok(());
            }
            Command::Coupons { .. } => {
                for coupon in affiliates.coupons().await?.rows {
                    let state = if coupon.archived_at_ms.is_none() { "active" } else { "ended" };
                    println!("{}\t{}\t{state}", coupon.code, coupon.partner);
                }
                return Ok(());
            }
            Command::Group { id, group, .. } => {
                let group = Some(group.unwrap_or_default());
                (id, PartnerChange { group, ..PartnerChange::default() })
            }
            Command::LoginLink { id, .. } => {
                println!("{}", affiliates.login_link(&id).await?.url);
                return Ok(());
            }
            Command::Approve { id, .. } => (id, becomes(PartnerStatus::Approved)),
            Command::Reject { id, .. } => (id, becomes(PartnerStatus::Rejected)),
            Command::Suspend { id, .. } => (id, becomes(PartnerStatus::Suspended)),
            Command::PayTo { id, method, recipient, .. } => (
                id,
                PartnerChange { payout: Some(PayoutTo { method, recipient }), ..PartnerChange::default() },
            ),
        };
        let changed = affiliates.change_partner(&id, change).await?;
        println!("{}\t{}", changed.id, changed.status);
        Ok(())
    }
}

async fn only_program(affiliates: &Affiliates<'_>) -> anyhow::Result<String> {
    let mut rows = affiliates.programs().await?.rows;
    let first = rows.pop().context("there is no programme yet; make one with `tributary program create`")?;
    anyhow::ensure!(
        rows.is_empty(),
        "say which programme with --program: `tributary program list` shows them"
    );
    Ok(first.id)
}
