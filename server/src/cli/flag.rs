//! `tributary flag`: what is doubtful about commissions, and what is decided about it. Works on the control store alone,
//! also beside a running server.

use domain::affiliate::flag::{Decision, FlagKind};

use super::affiliate::{affiliates, open};
use super::client::Of;
use super::money::shown;
use crate::affiliate::flag_limits::FlagLimits;
use crate::affiliate::flags::{Deciding, FlagDocument, FlagState, WantedFlags};
use crate::config::Config;

/// Who decides here, as it is kept.
const BY: &str = "command line";

#[derive(clap::Subcommand)]
pub enum Command {
    /// List flags, newest first.
    List {
        #[arg(long)]
        state: Option<FlagState>,
        /// self_referral, disposable_address, after_checkout, unverified_visitor, coupon_site, velocity or
        /// paid_brand_search.
        #[arg(long)]
        kind: Option<FlagKind>,
        /// prt_…
        #[arg(long)]
        partner: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Show from where on commissions are doubted, after changing what is named.
    Limits {
        /// New customers of one partner that are believed within the minutes.
        #[arg(long, value_name = "COUNT")]
        velocity_sales_max: Option<u32>,
        /// Clicks of one partner that are believed within the minutes.
        #[arg(long, value_name = "COUNT")]
        velocity_clicks_max: Option<u32>,
        /// How long a time they are counted over.
        #[arg(long, value_name = "MINUTES")]
        velocity_minutes: Option<u32>,
        /// A click from a coupon site so shortly before the checkout is doubted.
        #[arg(long, value_name = "MINUTES")]
        coupon_minutes: Option<u32>,
        /// A click so shortly after a page of paying is doubted.
        #[arg(long, value_name = "MINUTES")]
        paying_minutes: Option<u32>,
        #[command(flatten)]
        of: Of,
    },
    /// Nothing is wrong: the money flows on, and the flag is not raised again.
    Clear {
        /// flg_…
        id: String,
        /// Why, for whoever looks later.
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        of: Of,
    },
    /// The commission is not earned: nothing of it is paid out.
    Reject {
        /// flg_…
        id: String,
        /// Why, for whoever looks later.
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (Command::List { of, .. }
        | Command::Limits { of, .. }
        | Command::Clear { of, .. }
        | Command::Reject { of, .. }) = &self;
        let (settings, workspace) = open(config, of).await?;
        let affiliates = affiliates(&settings, &workspace);
        match self {
            Command::List { state, kind, partner, .. } => {
                let mut wanted = WantedFlags { state, kind, partner, ..WantedFlags::default() };
                loop {
                    let page = affiliates.flags(&wanted).await?;
                    page.rows.iter().for_each(|flag| println!("{}", told(flag)));
                    if page.after.is_none() {
                        break;
                    }
                    wanted.after = page.after;
                }
            }
            Command::Limits {
                velocity_sales_max,
                velocity_clicks_max,
                velocity_minutes,
                coupon_minutes,
                paying_minutes,
                ..
            } => {
                let named = FlagLimits {
                    velocity_sales_max,
                    velocity_clicks_max,
                    velocity_minutes,
                    coupon_minutes,
                    paying_minutes,
                };
                let mut limits = affiliates.flag_limits();
                if named != FlagLimits::default() {
                    limits = affiliates.set_flag_limits(named.or(limits)).await?;
                }
                println!("velocity sales max\t{}", limits.velocity_sales_max);
                println!("velocity clicks max\t{}", limits.velocity_clicks_max);
                println!("velocity minutes\t{}", limits.velocity_minutes);
                println!("coupon minutes\t{}", limits.coupon_minutes);
                println!("paying minutes\t{}", limits.paying_minutes);
            }
            Command::Clear { id, note, .. } => {
                let deciding = Deciding { decision: Decision::Cleared, note };
                println!("{}", told(&affiliates.decide_flag(&id, &deciding, BY).await?));
            }
            Command::Reject { id, note, .. } => {
                let deciding = Deciding { decision: Decision::Rejected, note };
                println!("{}", told(&affiliates.decide_flag(&id, &deciding, BY).await?));
            }
        }
        settings.control.close().await;
        Ok(())
    }
}

fn told(flag: &FlagDocument) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        flag.id,
        flag.state.name(),
        flag.kind,
        flag.partner,
        flag.commission,
        shown(flag.earned, &flag.currency),
        flag.sentence
    )
}
