//! Which column of which tool's file says what. A heading is compared by its letters and digits alone, in any case, so
//! that `first_name`, `First Name` and `First name` are one. Columns that mean nothing here are left alone, and told.
//!
//! Where the names come from, looked up in November 2026:
//! - Rewardful: the columns of its own import template, `first_name`, `last_name`, `email`, `paypal_email`,
//!   `wise_email`, `token` (help.rewardful.com, article 1988486), and the fields of the affiliate, link, commission and
//!   payout objects (developers.rewardful.com): `state`, `url`, `amount`, `currency`; `amount` is in cents there. Its file
//!   of due payouts comes as PayPal or Wise take it, or as a generic one (article 2773351). How the generic one, and what
//!   is owed in the file of affiliates, are headed is published nowhere: the words of the product are taken (`unpaid`,
//!   `due`), and the preview tells which column was read as what, and which was not.
//! - FirstPromoter: the fields of the promoter object (docs.firstpromoter.com, "List promoters" of version 1): `email`,
//!   `default_ref_id`, `status`, `profile.first_name`, `profile.paypal_email`, `ref_id` and `referral_link` of a
//!   promotion; `ref_token` in version 2. `current_balance` has parts there of which `cash` alone is money; credits,
//!   points and discounts are none and not brought over. The columns of its export are published nowhere.
//! - Dub: `exportPartnerColumns` and `COMMISSION_EXPORT_COLUMNS` in its source (dubinc/dub, apps/web/lib/zod/schemas):
//!   `ID`, `Type`, `Amount`, `Earnings`, `Currency`, `Status`, …, where `Amount` is the sale's and `Earnings` what is
//!   owed. Its partners export names no link and no balance (`Commissions` there is everything ever earned), and its
//!   commissions export the partner only when asked to.

use super::csv::Record;
use super::{Column, FileError, Tool};

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Email,
    Name,
    FirstName,
    LastName,
    /// Of the partner, or of the commission in a file of commissions.
    Status,
    Code,
    Url,
    Paypal,
    Wise,
    Amount,
    Currency,
    /// The commission's, in a file of commissions.
    Id,
}

impl Field {
    /// For people.
    fn told(self) -> &'static str {
        match self {
            Field::Email => "email",
            Field::Name => "name",
            Field::FirstName => "first name",
            Field::LastName => "last name",
            Field::Status => "status",
            Field::Code => "link code",
            Field::Url => "link",
            Field::Paypal => "PayPal address",
            Field::Wise => "Wise address",
            Field::Amount => "amount owed",
            Field::Currency => "currency",
            Field::Id => "commission id",
        }
    }
}

const FIELDS: [Field; 12] = [
    Field::Email,
    Field::Name,
    Field::FirstName,
    Field::LastName,
    Field::Status,
    Field::Code,
    Field::Url,
    Field::Paypal,
    Field::Wise,
    Field::Amount,
    Field::Currency,
    Field::Id,
];

/// Where each column stands.
pub(super) struct Columns {
    places: Vec<(Field, usize)>,
    is_earnings: bool,
}

impl Columns {
    pub fn of(tool: Tool, header: &[String]) -> Result<Columns, FileError> {
        let headings: Vec<String> = header.iter().map(|heading| letters(heading)).collect();
        let place = |name: &str| headings.iter().position(|heading| heading == name);
        let is_earnings = earnings_email(tool).iter().any(|name| place(name).is_some());
        let mut places = Vec::new();
        for field in FIELDS {
            let Some((name, at)) =
                names(tool, field, is_earnings).iter().find_map(|name| Some((name, place(name)?)))
            else {
                continue;
            };
            if headings.iter().filter(|heading| heading == name).count() > 1 {
                return Err(FileError::TwiceColumn(header[at].clone()));
            }
            places.push((field, at));
        }
        let columns = Columns { places, is_earnings };
        for (field, what) in
            [(Field::Email, "the partner's e-mail address"), (Field::Amount, "the amount owed")]
        {
            if columns.place(field).is_none() && (field == Field::Email || is_earnings) {
                let names = spelled(tool, field, is_earnings).to_owned();
                let found = header.join(", ");
                return Err(FileError::MissingColumn { what, tool, names, found });
            }
        }
        Ok(columns)
    }

    /// Whether a row is a commission, or a sum of some, and not a partner: its status and id are the commission's.
    pub fn is_earnings(&self) -> bool {
        self.is_earnings
    }

    /// Every column of the header, and what it is read as.
    pub fn told(&self, header: &[String]) -> Vec<Column> {
        let read_as =
            |at: usize| self.places.iter().find(|(_, own)| *own == at).map(|(field, _)| field.told());
        let column =
            |(at, heading): (usize, &String)| Column { heading: heading.clone(), read_as: read_as(at) };
        header.iter().enumerate().map(column).collect()
    }

    /// What stands in a column; nothing when there is no such column.
    pub fn text<'a>(&self, record: &'a Record, field: Field) -> &'a str {
        self.place(field).and_then(|at| record.fields.get(at)).map_or("", String::as_str)
    }

    fn place(&self, field: Field) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == field).map(|(_, at)| *at)
    }
}

fn letters(heading: &str) -> String {
    heading.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How the partner's address is headed where a row is a commission.
fn earnings_email(tool: Tool) -> &'static [&'static str] {
    match tool {
        Tool::Rewardful => &["affiliateemail"],
        Tool::Firstpromoter => &["promoteremail"],
        Tool::Dub => &["partneremail"],
    }
}

/// Headings of a field, the surest first.
fn names(tool: Tool, field: Field, is_earnings: bool) -> &'static [&'static str] {
    match (field, tool) {
        (Field::Email, _) if is_earnings => earnings_email(tool),
        (Field::Email, Tool::Rewardful | Tool::Firstpromoter | Tool::Dub) => &["email"],
        (Field::Name, Tool::Rewardful) => &["name", "affiliatename", "affiliate"],
        (Field::Name, Tool::Firstpromoter) => &["name", "promotername", "promoter"],
        (Field::Name, Tool::Dub) if is_earnings => &["partnername"],
        (Field::Name, Tool::Dub) => &["name"],
        (Field::FirstName, _) => &["firstname", "affiliatefirstname", "profilefirstname"],
        (Field::LastName, _) => &["lastname", "affiliatelastname", "profilelastname"],
        (Field::Status, _) => &["status", "state"],
        (Field::Code | Field::Url, Tool::Dub) if is_earnings => &[],
        (Field::Code, Tool::Rewardful) => &["token", "linktoken"],
        (Field::Code, Tool::Firstpromoter) => &["refid", "defaultrefid", "reftoken", "custref"],
        (Field::Code, Tool::Dub) => &["username", "linkkey", "key"],
        (Field::Url, Tool::Rewardful) => &["link", "url", "linkurl"],
        (Field::Url, Tool::Firstpromoter) => &["referrallink", "link"],
        (Field::Url, Tool::Dub) => &["link", "shortlink"],
        (Field::Paypal, _) => &["paypalemail", "profilepaypalemail"],
        (Field::Wise, _) => &["wiseemail"],
        (Field::Amount, Tool::Dub) if is_earnings => &["earnings"],
        (Field::Amount, Tool::Dub) => &[],
        (Field::Amount, Tool::Rewardful) if is_earnings => &["amount", "due", "amountdue"],
        (Field::Amount, Tool::Rewardful) => &["unpaid", "due", "amountdue", "balance", "unpaidcommissions"],
        (Field::Amount, Tool::Firstpromoter) if is_earnings => &["amount", "earnings", "reward"],
        (Field::Amount, Tool::Firstpromoter) => {
            &["currentbalancecash", "currentbalance", "unpaidbalance", "unpaid", "balance"]
        }
        (Field::Currency, _) => &["currency"],
        (Field::Id, _) if is_earnings => &["id", "commissionid"],
        (Field::Id, _) => &[],
    }
}

/// The same as people read it.
fn spelled(tool: Tool, field: Field, is_earnings: bool) -> &'static str {
    match (field, tool) {
        (Field::Amount, Tool::Dub) => "\"Earnings\"",
        (Field::Amount, _) => "\"Amount\"",
        (_, Tool::Rewardful) if is_earnings => "\"Affiliate Email\"",
        (_, Tool::Rewardful) => "\"Email\", or \"Affiliate Email\" in a file of commissions or payouts",
        (_, Tool::Firstpromoter) => "\"email\", or \"promoter_email\" in a file of commissions",
        (_, Tool::Dub) => {
            "\"Email\", or \"Partner email\" in a file of commissions: choose it when exporting"
        }
    }
}
