//! Terms as people fill them in: a reward as `30 %` or `5.00 USD`, tiers a line each. What has no field of its own (rules,
//! rounding, the least payout) is kept from the terms the form was begun from. Never decides what terms may be: that is
//! `Terms::check`.

use std::collections::BTreeMap;

use domain::affiliate::{Per, Reached, Recurring, Reward, Step, Terms, Tiers, Wins};
use domain::money::Currency;
use serde::Deserialize;

use super::amount;

/// The fields, as they are shown and sent.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct TermsForm {
    #[serde(default)]
    pub reward: String,
    /// `lifetime`, `once`, `payments`, `months`.
    #[serde(default)]
    pub recurring: String,
    /// How many payments or months.
    #[serde(default)]
    pub count: String,
    #[serde(default)]
    pub hold_days: String,
    #[serde(default)]
    pub window_days: String,
    #[serde(default)]
    pub wins: String,
    /// A tier a line, `10 sales: 35 %`; empty for none.
    #[serde(default)]
    pub tiers: String,
    /// `month` or `lifetime`.
    #[serde(default)]
    pub per: String,
}

/// Which field does not read, and why.
pub(super) type Wrong = (&'static str, String);

impl TermsForm {
    /// The fields of standing terms.
    pub fn of(terms: &Terms) -> TermsForm {
        let (recurring, count) = match terms.recurring {
            Recurring::Lifetime => ("lifetime", String::new()),
            Recurring::Once => ("once", String::new()),
            Recurring::Payments(count) => ("payments", count.to_string()),
            Recurring::Months(count) => ("months", count.to_string()),
        };
        let wins = match terms.wins {
            Wins::Last => "last",
            Wins::First => "first",
            Wins::Split => "split",
        };
        let steps = terms.tiers.iter().flat_map(|tiers| &tiers.steps);
        let tiers: Vec<String> =
            steps.map(|step| format!("{}: {}", reached(&step.from), reward(&step.reward))).collect();
        TermsForm {
            reward: reward(&terms.reward),
            recurring: recurring.to_owned(),
            count,
            hold_days: terms.hold_days.to_string(),
            window_days: terms.window_days.to_string(),
            wins: wins.to_owned(),
            tiers: tiers.join("\n"),
            per: match terms.tiers.as_ref().map(|tiers| tiers.per) {
                Some(Per::Lifetime) => "lifetime".to_owned(),
                _ => "month".to_owned(),
            },
        }
    }

    /// The terms that are filled in, all else as in `standing`.
    pub fn read(&self, standing: &Terms) -> Result<Terms, Wrong> {
        let days = |field: &'static str, text: &str| {
            let wrong = |_| (field, format!("{}: write a number of days", field.replace('_', " ")));
            text.trim().parse::<u16>().map_err(wrong)
        };
        let count = || {
            let wrong = |_| ("count", "how many: write a number of payments or months".to_owned());
            self.count.trim().parse::<u16>().map_err(wrong)
        };
        let recurring = match self.recurring.as_str() {
            "lifetime" => Recurring::Lifetime,
            "once" => Recurring::Once,
            "payments" => Recurring::Payments(count()?),
            "months" => Recurring::Months(count()?),
            _ => return Err(("recurring", "of which payments: choose one".to_owned())),
        };
        let wins = match self.wins.as_str() {
            "last" => Wins::Last,
            "first" => Wins::First,
            "split" => Wins::Split,
            _ => return Err(("wins", "who wins: choose one".to_owned())),
        };
        Ok(Terms {
            reward: read_reward(&self.reward).ok_or_else(|| {
                let detail = "reward: write 30 %, or an amount such as 5.00 USD, several with “or” between";
                ("reward", detail.to_owned())
            })?,
            recurring,
            wins,
            hold_days: days("hold_days", &self.hold_days)?,
            window_days: days("window_days", &self.window_days)?,
            tiers: self.read_tiers()?,
            ..standing.clone()
        })
    }

    fn read_tiers(&self) -> Result<Option<Tiers>, Wrong> {
        let lines: Vec<&str> = self.tiers.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let step = |line: &&str| {
            let wrong = || {
                let detail =
                    format!("tiers: {line:?} does not read; write 10 sales: 35 %, or 1000.00 USD: 35 %");
                ("tiers", detail)
            };
            let (from, earns) = line.split_once(':').ok_or_else(wrong)?;
            let from = read_reached(from).ok_or_else(wrong)?;
            Ok(Step { from, reward: read_reward(earns).ok_or_else(wrong)? })
        };
        let steps = lines.iter().map(step).collect::<Result<Vec<Step>, Wrong>>()?;
        let per = if self.per == "lifetime" { Per::Lifetime } else { Per::Month };
        Ok(Some(Tiers { per, steps }))
    }
}

/// A reward in words that [`read_reward`] reads.
pub(super) fn reward(reward: &Reward) -> String {
    match reward {
        Reward::BasisPoints(points) => match points % 100 {
            0 => format!("{} %", points / 100),
            rest => format!("{}.{rest:02} %", points / 100),
        },
        Reward::Flat(amounts) => listed(amounts),
        Reward::Nothing => "nothing".to_owned(),
    }
}

fn reached(reached: &Reached) -> String {
    match reached {
        Reached::Sales(1) => "1 sale".to_owned(),
        Reached::Sales(sales) => format!("{sales} sales"),
        Reached::Net(amounts) => listed(amounts),
    }
}

fn listed(amounts: &BTreeMap<Currency, i64>) -> String {
    let each: Vec<String> = amounts.iter().map(|(currency, &minor)| amount(minor, currency.code())).collect();
    each.join(" or ")
}

fn read_reward(text: &str) -> Option<Reward> {
    match text.trim() {
        "nothing" => Some(Reward::Nothing),
        text if text.bytes().any(|letter| letter.is_ascii_alphabetic()) => {
            read_amounts(text).map(Reward::Flat)
        }
        text => hundredths(text).map(Reward::BasisPoints),
    }
}

fn read_reached(text: &str) -> Option<Reached> {
    let text = text.trim();
    match text.strip_suffix("sales").or_else(|| text.strip_suffix("sale")) {
        Some(count) => count.trim().parse().ok().map(Reached::Sales),
        None => read_amounts(text).map(Reached::Net),
    }
}

fn read_amounts(text: &str) -> Option<BTreeMap<Currency, i64>> {
    text.split(" or ").map(read_amount).collect()
}

/// `1,234.50 USD`: commas between groups of three only, so that `5,00` is not taken for five hundred.
fn read_amount(text: &str) -> Option<(Currency, i64)> {
    let (digits, code) = text.trim().split_once(' ')?;
    let currency: Currency = code.trim().to_uppercase().parse().ok()?;
    let exponent = usize::from(currency.exponent()?);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let groups: Vec<&str> = whole.split(',').collect();
    let is_grouped = groups.len() == 1
        || (1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|group| group.len() == 3);
    let is_plain = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let whole = groups.concat();
    if !is_grouped || whole.is_empty() || part.len() > exponent || !is_plain(&whole) || !is_plain(part) {
        return None;
    }
    Some((currency, format!("{whole}{part:0<exponent$}").parse().ok()?))
}

/// Hundredths of a percent, of a percentage as people write it.
pub(super) fn hundredths(text: &str) -> Option<u32> {
    let text = text.trim().trim_end_matches('%').trim_end().replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let is_plain = !whole.is_empty() && part.len() <= 2 && whole.len() <= 3;
    let digits = format!("{whole}{part:0<2}");
    (is_plain && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_read_as_people_write_them() {
        assert_eq!(
            ["30", "12.5", "12,5 %", "0.25", "100"].map(hundredths),
            [3000, 1250, 1250, 25, 10_000].map(Some)
        );
        assert_eq!(["", "a", "1.234", "-3", "1e2", "3.x"].map(hundredths), [None; 6]);
    }

    #[test]
    fn amounts_read_to_the_minor_unit_and_never_by_a_guess() {
        let read = |text: &str| read_amount(text).map(|(code, minor)| format!("{minor} {code}"));
        for (text, wanted) in [
            ("5.00 USD", "500 USD"),
            ("1,234.5 usd", "123450 USD"),
            (" 500 JPY ", "500 JPY"),
            ("0.125 KWD", "125 KWD"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for text in
            ["5,00 USD", "5.001 USD", "5.5 JPY", "-5 USD", "USD", "5", ". USD", "1,2,345 USD", "5 XAU"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_form_shows_of_terms_reads_back_as_the_same_terms() {
        let terms = r#"{"reward": {"flat": {"USD": 123456, "JPY": 500}}, "recurring": {"payments": 12}, "hold_days": 14,
            "window_days": 90, "wins": "split", "base": "gross", "minimum_payout": {"USD": 5000},
            "rules": [{"intervals": ["year"], "reward": {"basis_points": 1050}}],
            "tiers": {"per": "lifetime", "steps": [{"from": {"sales": 1}, "reward": {"basis_points": 1050}},
                {"from": {"sales": 10}, "reward": {"flat": {"USD": 5}}}]}}"#;
        let terms: Terms = serde_json::from_str(terms).expect("terms");
        assert_eq!(TermsForm::of(&terms).read(&terms), Ok(terms.clone()));
        let plain: Terms = serde_json::from_str(r#"{"reward": {"basis_points": 3000}}"#).expect("terms");
        assert_eq!(TermsForm::of(&plain).read(&plain), Ok(plain.clone()));
        let form = TermsForm::of(&plain);
        for (wrong, field) in [
            (TermsForm { reward: "much".into(), ..form.clone() }, "reward"),
            (TermsForm { recurring: "months".into(), ..form.clone() }, "count"),
            (TermsForm { hold_days: "-1".into(), ..form.clone() }, "hold_days"),
            (TermsForm { tiers: "10: 3 %".into(), ..form.clone() }, "tiers"),
        ] {
            assert_eq!(wrong.read(&plain).map_err(|(field, _)| field), Err(field), "{wrong:?}");
        }
    }
}
