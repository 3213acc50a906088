//! `tributary program`: affiliate programmes and their terms.

use domain::affiliate::{Precedence, Recurring, Reward, Rounding, Rule, Terms, Tiers, Wins};
use domain::money::Currency;
use domain::order::Basis;
use serde::de::DeserializeOwned;

use super::affiliate::{affiliates, open};
use super::client::Of;
use crate::affiliate::groups::NewGroup;
use crate::affiliate::programs::{NewProgram, NewTerms, ProgramDocument};
use crate::affiliate::simulator::Supposed;
use crate::config::Config;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a programme.
    Create {
        name: String,
        #[command(flatten)]
        terms: TermsGiven,
        #[command(flatten)]
        of: Of,
    },
    /// Give a programme other terms, for payments from now on.
    Terms {
        /// prg_…
        id: String,
        /// grp_…: for the partners of this group only.
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        terms: TermsGiven,
        #[command(flatten)]
        of: Of,
    },
    /// What partners would have earned under other terms, beside what they earned. Changes nothing.
    Simulate {
        /// prg_…
        id: String,
        /// First day of the payments, YYYY-MM-DD; the last full quarter when left out.
        #[arg(long)]
        from: Option<String>,
        /// Last day, included.
        #[arg(long)]
        to: Option<String>,
        /// grp_…: other terms for the partners of this group only.
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        terms: TermsGiven,
        #[command(flatten)]
        of: Of,
    },
    /// Make a group of a programme's partners, which may have terms of its own.
    Group {
        /// prg_…
        id: String,
        name: String,
        #[command(flatten)]
        of: Of,
    },
    /// List a programme's groups and who is in them.
    Groups {
        /// prg_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// List the programmes and the terms in force.
    List {
        #[command(flatten)]
        of: Of,
    },
}

/// Terms in words of the command line.
#[derive(clap::Args)]
pub struct TermsGiven {
    /// Part of each payment, in percent with up to two digits behind the point: 30 or 12.5.
    #[arg(long, value_parser = basis_points, required_unless_present = "flat")]
    percent: Option<u32>,
    /// The same for each payment, in minor units: USD=500; repeat for several currencies.
    #[arg(long, value_parser = amount, conflicts_with = "percent")]
    flat: Vec<(Currency, i64)>,
    /// Of what: net (without tax) or gross.
    #[arg(long, default_value = "net", value_parser = basis)]
    base: Basis,
    /// Which payments of a customer earn: once, lifetime, 12 (payments) or 12m (months).
    #[arg(long, default_value = "lifetime", value_parser = recurring)]
    recurring: Recurring,
    /// Days before a commission may be paid out.
    #[arg(long, default_value_t = 30)]
    hold_days: u16,
    /// Days before a purchase in which a click can earn.
    #[arg(long, default_value_t = 60)]
    window_days: u16,
    /// Whose click earns: last, first, or split between all partners who were clicked on.
    #[arg(long, default_value = "last", value_parser = wins)]
    wins: Wins,
    /// Let the owner of a redeemed coupon earn alone, whoever was clicked on.
    #[arg(long)]
    coupon_first: bool,
    /// A reward for some payments, as JSON: {"intervals": ["year"], "reward": {"basis_points": 2000}}; repeat for several,
    /// the first that is true of a payment counts. By products, intervals and first_order.
    #[arg(long, value_parser = json::<Rule>)]
    rule: Vec<Rule>,
    /// Rewards that rise with what a partner sold before, as JSON:
    /// {"per": "month", "steps": [{"from": {"sales": 10}, "reward": {"basis_points": 4000}}]}.
    #[arg(long, value_parser = json::<Tiers>)]
    tiers: Option<Tiers>,
    /// Round down instead of to the nearest, halves to even.
    #[arg(long)]
    round_down: bool,
    /// Least that is paid out at once, in minor units: USD=5000; repeat for several currencies.
    #[arg(long, value_parser = amount)]
    minimum_payout: Vec<(Currency, i64)>,
}

impl TermsGiven {
    fn terms(self) -> Terms {
        let reward = match self.percent {
            Some(points) => Reward::BasisPoints(points),
            None => Reward::Flat(self.flat.into_iter().collect()),
        };
        Terms {
            reward,
            base: self.base,
            recurring: self.recurring,
            hold_days: self.hold_days,
            window_days: self.window_days,
            wins: self.wins,
            precedence: if self.coupon_first { Precedence::CouponFirst } else { Precedence::LinkFirst },
            rules: self.rule,
            tiers: self.tiers,
            rounding: if self.round_down { Rounding::Floor } else { Rounding::HalfEven },
            minimum_payout: self.minimum_payout.into_iter().collect(),
        }
    }
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if let Command::Simulate { id, from, to, group, terms, of } = self {
            let supposed = Supposed { terms: Some(terms.terms()), group, from, to };
            return super::simulate::run(config, &of, &id, supposed).await;
        }
        let (Command::Create { of, .. }
        | Command::Terms { of, .. }
        | Command::Group { of, .. }
        | Command::Groups { of, .. }
        | Command::Simulate { of, .. }
        | Command::List { of }) = &self;
        let (settings, workspace) = open(config, of).await?;
        let affiliates = affiliates(&settings, &workspace);
        match self {
            Command::Create { name, terms, .. } => {
                let new = NewProgram { name, terms: terms.terms(), from_ms: None };
                println!("{}", affiliates.create_program(new).await?.id);
            }
            Command::Terms { id, group, terms, .. } => {
                let new = NewTerms { terms: terms.terms(), from_ms: None, group };
                println!("{}", told(&affiliates.change_terms(&id, new).await?));
            }
            Command::Group { id, name, .. } => {
                println!("{}", affiliates.create_group(&id, NewGroup { name }).await?.id);
            }
            Command::Groups { id, .. } => {
                for group in affiliates.groups(&id).await?.rows {
                    println!("{}\t{}\t{}", group.id, group.name, group.partners.join(" "));
                }
            }
            Command::Simulate { .. } => unreachable!("returned above"),
            Command::List { .. } => {
                affiliates.programs().await?.rows.iter().for_each(|program| println!("{}", told(program)));
            }
        }
        settings.control.close().await;
        Ok(())
    }
}

fn told(program: &ProgramDocument) -> String {
    let newest = program.terms.iter().rfind(|terms| terms.group.is_none());
    let terms = newest.map(|newest| serde_json::to_string(&newest.terms).expect("terms are plain values"));
    let version = newest.map_or(0, |newest| newest.version);
    format!("{}\t{}\tversion {version}\t{}", program.id, program.name, terms.unwrap_or_default())
}

fn wins(text: &str) -> Result<Wins, String> {
    match text {
        "last" => Ok(Wins::Last),
        "first" => Ok(Wins::First),
        "split" => Ok(Wins::Split),
        _ => Err("use last, first or split".to_owned()),
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}; the API's documents at /docs show the form"))
}

fn basis(text: &str) -> Result<Basis, String> {
    Basis::ALL.into_iter().find(|basis| basis.name() == text).ok_or_else(|| "use net or gross".to_owned())
}

/// `12.5` percent as basis points; never by way of a float.
fn basis_points(text: &str) -> Result<u32, String> {
    let wrong = || "use a percentage with up to two digits behind the point, such as 30 or 12.5".to_owned();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || fraction.len() > 2 || !is_digits(whole) || !is_digits(fraction)
    {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<2}").parse().map_err(|_| wrong())
}

fn amount(text: &str) -> Result<(Currency, i64), String> {
    let wrong = || "use a currency and minor units, such as USD=500".to_owned();
    let (currency, minor) = text.split_once('=').ok_or_else(wrong)?;
    Ok((currency.parse().map_err(|_| wrong())?, minor.parse().map_err(|_| wrong())?))
}

fn recurring(text: &str) -> Result<Recurring, String> {
    let wrong = || "use once, lifetime, a number of payments such as 12, or of months such as 12m".to_owned();
    match (text, text.strip_suffix('m')) {
        ("once", _) => Ok(Recurring::Once),
        ("lifetime", _) => Ok(Recurring::Lifetime),
        (_, Some(months)) => months.parse().map(Recurring::Months).map_err(|_| wrong()),
        (payments, None) => payments.parse().map(Recurring::Payments).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_to_the_basis_point() {
        for (text, points) in [("30", 3000), ("12.5", 1250), ("0.05", 5), ("100", 10_000), ("7.25", 725)] {
            assert_eq!(basis_points(text), Ok(points), "{text}");
        }
        for wrong in ["", ".5", "1.234", "-3", "30%", "1e2", "1000.0.0"] {
            assert!(basis_points(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn recurring_rules_are_read() {
        assert_eq!(recurring("12"), Ok(Recurring::Payments(12)));
        assert_eq!(recurring("12m"), Ok(Recurring::Months(12)));
        assert_eq!(
            (recurring("once"), recurring("lifetime")),
            (Ok(Recurring::Once), Ok(Recurring::Lifetime))
        );
        assert!(recurring("m").is_err() && recurring("-1").is_err());
    }
}
