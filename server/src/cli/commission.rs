//! `tributary commission`: what partners earned and where it stands.

use domain::affiliate::ledger::State;

use super::affiliate::{affiliates, open};
use super::client::{Errand, Of, Server, Source};
use super::money::shown;
use crate::affiliate::commissions::{CommissionDocument, Wanted};
use crate::config::Config;
use crate::jobs::commission::{Accrued, accrue_all};
use crate::jobs::settle;

#[derive(clap::Subcommand)]
pub enum Command {
    /// List commissions, the newest payment first.
    List {
        /// prt_…
        #[arg(long)]
        partner: Option<String>,
        /// ord_…
        #[arg(long)]
        order: Option<String>,
        /// pending, due, processing, paid, reversed or void.
        #[arg(long)]
        state: Option<State>,
        #[command(flatten)]
        of: Of,
    },
    /// What stands for every partner: held, due, under way, paid.
    Balances {
        #[command(flatten)]
        of: Of,
    },
    /// One commission with every entry, its reason and the fact behind it.
    Show {
        /// com_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Look at every order again and book what is missing.
    Run {
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let of = match self {
            Command::Run { of } => return run(config, &of).await,
            Command::List { ref of, .. } | Command::Balances { ref of } | Command::Show { ref of, .. } => of,
        };
        let (settings, workspace) = open(config, of).await?;
        let affiliates = affiliates(&settings, &workspace);
        match &self {
            Command::List { partner, order, state, .. } => {
                let mut wanted = Wanted {
                    partner: partner.clone(),
                    order: order.clone(),
                    state: *state,
                    ..Wanted::default()
                };
                loop {
                    let page = affiliates.commissions(&wanted).await?;
                    page.rows.iter().for_each(|commission| println!("{}", told(commission)));
                    if page.after.is_none() {
                        break;
                    }
                    wanted.after = page.after;
                }
            }
            Command::Balances { .. } => {
                for row in affiliates.balances().await?.rows {
                    let balance = &row.balance;
                    let shown = |minor| shown(minor, &row.currency);
                    println!(
                        "{}\t{}\tpending {}\tdue {}\tprocessing {}\tpaid {}",
                        row.partner,
                        row.name,
                        shown(balance.pending),
                        shown(balance.due),
                        shown(balance.processing),
                        shown(balance.paid)
                    );
                }
            }
            Command::Show { id, .. } => {
                let commission = affiliates.commission(id).await?;
                println!("{}", told(&commission));
                for entry in &commission.entries {
                    println!(
                        "  {}\t{} to {}\t{}\t{} {}",
                        entry.number,
                        entry.from,
                        entry.to,
                        shown(entry.amount, &commission.currency),
                        entry.reason,
                        entry.source
                    );
                }
            }
            Command::Run { .. } => unreachable!("returned above"),
        }
        settings.control.close().await;
        Ok(())
    }
}

async fn run(config: Config, of: &Of) -> anyhow::Result<()> {
    let accrued: Accrued = match Server::find(&config).await? {
        Some(server) => server.client(of, Errand::Work).await?.post("/v1/commissions/run").await?,
        None => {
            let Source::Stores(app, workspace) = Source::find(config, of).await? else {
                anyhow::bail!("the server has just begun to answer; try again")
            };
            settle(&app).await?;
            let accrued = accrue_all(&app, &workspace.id).await;
            app.close().await;
            accrued?
        }
    };
    println!("{} orders, {} entries added", accrued.orders, accrued.entries);
    Ok(())
}

fn told(commission: &CommissionDocument) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}",
        commission.id,
        commission.state,
        shown(commission.balance.earned, &commission.currency),
        commission.partner,
        commission.order,
        commission
            .click
            .as_ref()
            .map(|click| &click.code)
            .or(commission.coupon.as_ref())
            .map_or("", String::as_str)
    )
}
