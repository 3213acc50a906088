//! `tributary payout`: looked at, approved, written as files, and closed. Works on the control store alone, also beside a
//! running server.

use std::path::PathBuf;

use anyhow::{Context, ensure};

use super::affiliate::{affiliates, open};
use super::client::Of;
use super::money::shown;
use crate::affiliate::payouts::{NewAccount, PayoutDocument, Sent};
use crate::config::Config;
use crate::outbound::Outbound;
use crate::secrets::write_private;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Show who would be paid now, and who not and why. Moves nothing.
    Preview {
        /// USD, EUR, …
        currency: String,
        #[command(flatten)]
        of: Of,
    },
    /// Approve exactly what a preview showed.
    Approve {
        /// USD, EUR, …
        currency: String,
        /// pay_…, from the preview.
        token: String,
        #[command(flatten)]
        of: Of,
    },
    /// List the payouts, newest first.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Write a payout's file: paypal, wise or csv. It holds addresses, so only its owner can read it.
    File {
        /// pay_…
        id: String,
        #[arg(long, default_value = "csv")]
        format: String,
        /// Where; further files, where the rail takes only so many rows, get .2, .3, … behind the name.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        of: Of,
    },
    /// Say that a payout was sent.
    Paid {
        /// pay_…
        id: String,
        /// What the rail calls the payment.
        #[arg(long, default_value = "")]
        reference: String,
        /// A partner whose part did not go through, prt_…; repeat for several.
        #[arg(long = "failed")]
        failed: Vec<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Have what goes by PayPal sent by its Payouts API; the server does it, and takes in how each part ended.
    Send {
        /// pay_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Enter the PayPal account payouts are sent from. Its secret is read from the environment and kept sealed.
    PaypalAccount {
        /// production, sandbox, or an address.
        #[arg(long, default_value = "production")]
        environment: String,
        #[arg(long)]
        client_id: String,
        #[arg(long, env = "TRIBUTARY_PAYPAL_SECRET", hide_env_values = true)]
        client_secret: String,
        #[command(flatten)]
        of: Of,
    },
    /// Say that one partner's part was sent.
    ItemPaid {
        /// pay_…
        id: String,
        /// prt_…
        partner: String,
        /// What the rail calls the payment.
        #[arg(long, default_value = "")]
        reference: String,
        #[command(flatten)]
        of: Of,
    },
    /// Say that one partner's part was not sent or did not arrive: it is due again.
    ItemFailed {
        /// pay_…
        id: String,
        /// prt_…
        partner: String,
        #[command(flatten)]
        of: Of,
    },
    /// Call off a payout that was not sent.
    Cancel {
        /// pay_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (Command::Preview { of, .. }
        | Command::Approve { of, .. }
        | Command::List { of }
        | Command::File { of, .. }
        | Command::Paid { of, .. }
        | Command::Send { of, .. }
        | Command::PaypalAccount { of, .. }
        | Command::ItemPaid { of, .. }
        | Command::ItemFailed { of, .. }
        | Command::Cancel { of, .. }) = &self;
        let (settings, workspace) = open(config, of).await?;
        let affiliates = affiliates(&settings, &workspace);
        match self {
            Command::Preview { currency, .. } => {
                let preview = affiliates.preview_payout(&currency).await?;
                for item in &preview.items {
                    let amount = shown(item.amount, &preview.currency);
                    println!("{}\t{}\t{}\t{amount}", item.partner, item.name, item.method);
                }
                for held in &preview.held {
                    let amount = shown(held.amount, &preview.currency);
                    println!("{}\t{}\tnot paid\t{amount}\t{}", held.partner, held.name, held.sentence);
                }
                println!("total {}", shown(preview.total, &preview.currency));
                match preview.token {
                    Some(token) => {
                        println!("approve it with: tributary payout approve {} {token}", preview.currency)
                    }
                    None => println!("there is nobody to pay"),
                }
            }
            Command::Approve { currency, token, .. } => {
                println!("{}", told(&affiliates.approve_payout(&currency, &token).await?));
            }
            Command::List { .. } => {
                affiliates.payouts().await?.rows.iter().for_each(|payout| println!("{}", told(payout)));
            }
            Command::File { id, format, out, .. } => {
                let files = affiliates.payout_files(&id, &format).await?;
                ensure!(!files.is_empty(), "nobody in this payout is paid by {format}");
                for (part, file) in (1..).zip(&files) {
                    let path = match part {
                        1 => out.clone(),
                        part => PathBuf::from(format!("{}.{part}", out.display())),
                    };
                    write_private(&path, file.as_bytes())
                        .with_context(|| format!("{} cannot be written", path.display()))?;
                    println!("{}", path.display());
                }
            }
            Command::Paid { id, reference, failed, .. } => {
                println!("{}", told(&affiliates.payout_paid(&id, &Sent { reference, failed }).await?));
            }
            Command::Send { id, .. } => {
                let payout = affiliates.send_payout(&id).await?;
                println!("{}", told(&payout));
                for batch in &payout.paypal {
                    println!(
                        "{}\t{}\t{}\t{}",
                        batch.sender_batch_id, batch.state, batch.status, batch.problem
                    );
                }
            }
            Command::PaypalAccount { environment, client_id, client_secret, .. } => {
                let outbound = Outbound::new(&settings.config.outbound)?;
                let account = NewAccount { environment, client_id, client_secret };
                let account = affiliates.set_paypal_account(account, &outbound).await?;
                println!("payouts are sent from {} ({})", account.client_id, account.environment);
            }
            Command::ItemPaid { id, partner, reference, .. } => {
                println!("{}", told(&affiliates.payout_item_paid(&id, &partner, &reference).await?));
            }
            Command::ItemFailed { id, partner, .. } => {
                println!("{}", told(&affiliates.payout_item_failed(&id, &partner).await?));
            }
            Command::Cancel { id, .. } => println!("{}", told(&affiliates.cancel_payout(&id).await?)),
        }
        settings.control.close().await;
        Ok(())
    }
}

fn told(payout: &PayoutDocument) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{} partners\t{}",
        payout.id,
        payout.month,
        payout.state.name(),
        shown(payout.total, &payout.currency),
        payout.items.len(),
        payout.reference
    )
}
