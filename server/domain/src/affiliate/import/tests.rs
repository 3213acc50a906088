//! Files as the three tools write them, and as people spoil them.

use super::*;

fn read_with(tool: Tool, text: &str, currency: &str) -> Vec<Line> {
    read(tool, text.as_bytes(), Reading { currency: currency.parse().ok(), unit: None }).unwrap().lines
}

fn told(lines: &[Line]) -> Vec<String> {
    let said = |line: &Line| match line {
        Line::Row(row) => {
            let code = row.code.as_ref().map_or("-", LinkCode::as_str);
            let owed = row.balance.as_ref().map_or("-".to_owned(), |owed| {
                let held = if owed.is_held { " held" } else { "" };
                format!("{} {}{held}", owed.amount_minor, owed.currency)
            });
            format!("{} {} {} {code} {owed}", row.line, row.name, row.status)
        }
        Line::Nothing { line, reason } => format!("{line} nothing: {reason}"),
        Line::Wrong { line, field, .. } => format!("{line} wrong {field}"),
    };
    lines.iter().map(said).collect()
}

#[test]
fn rewardfuls_partners_with_tokens_and_balances() {
    let file = "First Name,Last Name,Email,Token,PayPal Email,State,Unpaid,Currency\r\n\
                Jane,Doe,jane@example.com,jane,pay@example.com,active,\"1,234.50\",USD\r\n\
                Joe,,joe@example.com,,,disabled,$0.00,USD\r\n\
                Kim,Lee,kim@example.com,k m,,active,,\r\n\
                ,,,x,,active,,\r\n";
    let lines = read_with(Tool::Rewardful, file, "none");
    assert_eq!(
        told(&lines),
        ["2 Jane Doe approved jane 123450 USD", "3 Joe suspended - -", "4 wrong code", "5 wrong email"]
    );
    let Line::Row(jane) = &lines[0] else { panic!("a row") };
    assert_eq!(jane.payout, Some((Method::Paypal, "pay@example.com".to_owned())));
}

#[test]
fn rewardfuls_commissions_are_brought_over_while_they_are_open() {
    let file = "Affiliate Email;Amount;Currency;State\n\
                jane@example.com;12,50;EUR;due\n\
                jane@example.com;5,00;EUR;pending\n\
                jane@example.com;5,00;EUR;paid\n\
                jane@example.com;5,00;EUR;voided\n";
    assert_eq!(
        told(&read_with(Tool::Rewardful, file, "none")),
        [
            "2 jane approved - 1250 EUR",
            "3 jane approved - 500 EUR held",
            "4 nothing: is \"paid\" there: nothing is owed by it",
            "5 nothing: is \"voided\" there: nothing is owed by it",
        ]
    );
}

#[test]
fn firstpromoters_promoters_with_referral_ids() {
    let file = "email,default_ref_id,referral_link,status,current_balance\n\
                a@example.com,heubv,https://shop.example/?fpr=heubv,approved,12.00\n\
                b@example.com,,https://shop.example/pricing?fpr=bea,pending,\n\
                c@example.com,,,denied,abc\n\
                d@example.com,,,asleep,\n";
    assert_eq!(
        told(&read_with(Tool::Firstpromoter, file, "USD")),
        ["2 a approved heubv 1200 USD", "3 b applied bea -", "4 wrong amount", "5 wrong status"]
    );
}

#[test]
fn dubs_commissions_in_cents_and_as_they_are_shown() {
    let file = "ID,Type,Amount,Earnings,Currency,Status,Partner name,Partner email\n\
                cm_1,sale,4900,1470,usd,pending,Jane,jane@example.com\n\
                cm_2,sale,$49.00,$14.70,usd,processed,Jane,jane@example.com\n\
                cm_3,sale,4900,1470,usd,refunded,Jane,jane@example.com\n\
                cm_4,click,0,0,usd,pending,Jane,jane@example.com\n\
                cm_5,sale,4900,€1,usd,pending,Jane,jane@example.com\n";
    let lines = read_with(Tool::Dub, file, "none");
    assert_eq!(
        told(&lines),
        [
            "2 Jane approved - 1470 USD held",
            "3 Jane approved - 1470 USD",
            "4 nothing: is \"refunded\" there: nothing is owed by it",
            "5 nothing: the amount is zero",
            "6 wrong amount",
        ]
    );
    let Line::Row(first) = &lines[0] else { panic!("a row") };
    assert_eq!(first.balance.as_ref().unwrap().id.as_deref(), Some("cm_1"));
}

#[test]
fn dubs_partners_and_a_short_link_put_beside_them() {
    let file = "ID,Name,Email,Country,Status,Enrolled at,Link\n\
                pn_1,Jane,jane@example.com,US,approved,2026-01-01,refer.shop.example/jane\n\
                pn_2,Joe,joe@example.com,US,banned,2026-01-01,\n";
    assert_eq!(told(&read_with(Tool::Dub, file, "none")), ["2 Jane approved jane -", "3 Joe suspended - -"]);
}

#[test]
fn a_file_that_cannot_be_what_it_is_said_to_be_is_refused_as_a_whole() {
    let refused = |tool, text: &str| read(tool, text.as_bytes(), Reading::default()).err().unwrap();
    assert_eq!(refused(Tool::Dub, ""), FileError::Empty);
    assert_eq!(refused(Tool::Dub, "Name,Email\n\n"), FileError::Empty);
    let missing = refused(Tool::Dub, "ID,Type,Amount,Earnings,Currency,Status\ncm_1,sale,1,1,usd,paid\n");
    assert!(missing.to_string().contains("Partner email"), "{missing}");
    let missing = refused(Tool::Rewardful, "Affiliate Email,State\na@example.com,due\n");
    assert!(missing.to_string().contains("the amount owed"), "{missing}");
    let twice = refused(Tool::Rewardful, "Email,Token,token\na@example.com,a,b\n");
    assert_eq!(twice, FileError::TwiceColumn("Token".to_owned()));
    let long = format!("email\n{}", "a@example.com\n".repeat(ROWS_MAX + 1));
    assert_eq!(refused(Tool::Rewardful, &long), FileError::TooLong);
}

#[test]
fn a_line_with_a_field_too_many_is_told_and_the_others_are_read() {
    let file = "email,token\na@example.com,a,b\nb@example.com,bea\n";
    assert_eq!(told(&read_with(Tool::Rewardful, file, "none")), ["2 wrong line", "3 b approved bea -"]);
}

#[test]
fn every_column_is_told_with_what_it_is_read_as() {
    let columns = |tool, text: &str| {
        let sheet = read(tool, text.as_bytes(), Reading::default()).unwrap();
        let told = sheet.columns.into_iter();
        told.map(|column| format!("{}={}", column.heading, column.read_as.unwrap_or("-"))).collect::<Vec<_>>()
    };
    assert_eq!(
        columns(Tool::Rewardful, "Email,Token,Unpaid,Due,Visitors\na@example.com,a,,,3\n"),
        ["Email=email", "Token=link code", "Unpaid=amount owed", "Due=-", "Visitors=-"]
    );
    // Of a balance in several kinds only cash is money.
    assert_eq!(
        columns(Tool::Firstpromoter, "email,current_balance,current_balance.cash\na@example.com,,\n"),
        ["email=email", "current_balance=-", "current_balance.cash=amount owed"]
    );
    // What a partner ever earned is not what is owed.
    assert_eq!(
        columns(Tool::Dub, "ID,Name,Email,Status,Commissions\npn_1,A,a@example.com,approved,$9.00\n"),
        ["ID=-", "Name=name", "Email=email", "Status=status", "Commissions=-"]
    );
}
