//! The files a payout is sent with: PayPal's and Wise's upload formats, and a plain one. By them money leaves
//! only when a person uploads one.
//!
//! PayPal, Payouts Web: no header, `recipient,amount,currency,customer id,note,wallet`, at most 5,000 rows of one
//! currency a file. Wise, batch payments to e-mail addresses: the columns of its template, at most 1,000 rows.

use super::payout::Method;
use crate::money::Currency;
use crate::report::csv_field;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Paypal,
    Wise,
    /// Every item, whatever its method.
    Plain,
}

/// One partner's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub partner: String,
    pub name: String,
    pub method: Method,
    /// An e-mail address, or what the merchant needs to pay by hand.
    pub recipient: String,
    pub amount_minor: i64,
}

/// What stands at the head of every line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// `pay_…`; the reference by which a payment is found again.
    pub payout: String,
    /// `2026-10`
    pub month: String,
    pub currency: Currency,
}

impl Format {
    /// The format of this name: `paypal`, `wise` or `csv`.
    pub fn named(name: &str) -> Option<Format> {
        match name {
            "paypal" => Some(Format::Paypal),
            "wise" => Some(Format::Wise),
            "csv" => Some(Format::Plain),
            _ => None,
        }
    }

    fn rows_max(self) -> usize {
        match self {
            Format::Paypal => 5000,
            Format::Wise => 1000,
            Format::Plain => usize::MAX,
        }
    }

    fn takes(self, method: Method) -> bool {
        match self {
            Format::Paypal => method == Method::Paypal,
            Format::Wise => method == Method::Wise,
            Format::Plain => true,
        }
    }
}

/// The files of a payout in one format: as many as its limit of rows asks for, none when no item goes that way or the
/// currency's amounts cannot be written.
pub fn files(format: Format, head: &Head, lines: &[Line]) -> Vec<String> {
    let Some(exponent) = head.currency.exponent() else { return Vec::new() };
    let own: Vec<&Line> = lines.iter().filter(|line| format.takes(line.method)).collect();
    let file = |lines: &[&Line]| {
        let rows = lines.iter().map(|line| row(format, head, line, &decimal(line.amount_minor, exponent)));
        heading(format).map(str::to_owned).into_iter().chain(rows).map(|row| row + "\r\n").collect()
    };
    own.chunks(format.rows_max().min(own.len().max(1))).map(file).collect()
}

fn heading(format: Format) -> Option<&'static str> {
    match format {
        Format::Paypal => None,
        Format::Wise => Some(
            "name,recipientEmail,paymentReference,receiverType,amountCurrency,amount,sourceCurrency,targetCurrency,type",
        ),
        Format::Plain => Some("payout,month,partner,name,method,recipient,amount,currency"),
    }
}

fn row(format: Format, head: &Head, line: &Line, amount: &str) -> String {
    let Head { payout, month, currency } = head;
    let Line { partner, name, method, recipient, .. } = line;
    let fields: Vec<String> = match format {
        Format::Paypal => {
            let note = format!("Commissions {month} {payout}");
            [recipient, amount, currency.code(), partner, &note, "PAYPAL"].map(str::to_owned).into()
        }
        Format::Wise => {
            let currency = currency.code();
            [name, recipient, payout, "PERSON", "target", amount, currency, currency, "EMAIL"]
                .map(str::to_owned)
                .into()
        }
        Format::Plain => [payout, month, partner, name, method.name(), recipient, amount, currency.code()]
            .map(str::to_owned)
            .into(),
    };
    fields.iter().map(|field| csv_field(field)).collect::<Vec<_>>().join(",")
}

/// An amount as rails read it: `12.30`, `1230` without a smaller unit.
pub(super) fn decimal(minor: i64, exponent: u8) -> String {
    if exponent == 0 {
        return minor.to_string();
    }
    let scale = 10_i64.pow(u32::from(exponent));
    format!("{}.{:0width$}", minor / scale, minor % scale, width = usize::from(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(currency: &str) -> Head {
        Head { payout: "pay_1".into(), month: "2026-10".into(), currency: currency.parse().unwrap() }
    }

    fn line(number: usize, method: Method, amount_minor: i64) -> Line {
        Line {
            partner: format!("prt_{number}"),
            name: "=Jane, \"J\"".to_owned(),
            method,
            recipient: format!("p{number}@example.com"),
            amount_minor,
        }
    }

    #[test]
    fn each_rail_gets_its_own_lines_in_its_own_form() {
        let lines =
            [line(1, Method::Paypal, 1234), line(2, Method::Wise, 5), line(3, Method::Other, 100_000)];
        let paypal = files(Format::Paypal, &head("USD"), &lines);
        assert_eq!(paypal, ["p1@example.com,12.34,USD,prt_1,Commissions 2026-10 pay_1,PAYPAL\r\n"]);
        let wise = files(Format::Wise, &head("USD"), &lines);
        let (heading, row) = wise[0].split_once("\r\n").unwrap();
        assert!(heading.starts_with("name,recipientEmail,paymentReference,"), "{heading}");
        assert_eq!(row, "\"'=Jane, \"\"J\"\"\",p2@example.com,pay_1,PERSON,target,0.05,USD,USD,EMAIL\r\n");
        let plain = files(Format::Plain, &head("USD"), &lines);
        assert_eq!((plain.len(), plain[0].lines().count()), (1, 4));
        assert!(plain[0].contains(",other,p3@example.com,1000.00,USD"), "{}", plain[0]);
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency_and_none_is_written_without() {
        let amounts =
            |currency: &str| files(Format::Paypal, &head(currency), &[line(1, Method::Paypal, 12_345)]);
        assert!(amounts("JPY")[0].contains(",12345,JPY,"));
        assert!(amounts("KWD")[0].contains(",12.345,KWD,"));
        assert_eq!(amounts("QQQ"), [""; 0]);
    }

    #[test]
    fn files_are_cut_where_the_rail_stops_reading() {
        let lines: Vec<Line> = (0..1001).map(|number| line(number, Method::Wise, 1)).collect();
        let wise = files(Format::Wise, &head("EUR"), &lines);
        let rows: Vec<usize> = wise.iter().map(|file| file.lines().count() - 1).collect();
        assert_eq!(rows, [1000, 1]);
        assert_eq!(files(Format::Paypal, &head("EUR"), &lines), [""; 0]);
    }
}
