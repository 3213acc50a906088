//! A report as CSV (RFC 4180). Amounts are whole minor units, said in the column's name; values that came
//! from outside can never start a formula in a spreadsheet.

use super::{Cell, Column, Kind, Report, Table, number_of_parts};

impl Report {
    /// The rows, under one line of column names.
    pub fn to_csv(&self) -> String {
        self.rows.to_csv()
    }
}

impl Table {
    /// The rows, under one line of column names; lines end in CR LF.
    pub fn to_csv(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(heading).collect();
        let mut out = names.join(",");
        out.push_str("\r\n");
        for row in &self.rows {
            let fields: Vec<String> = row.iter().map(field).collect();
            out.push_str(&fields.join(","));
            out.push_str("\r\n");
        }
        out
    }
}

fn heading(column: &Column) -> String {
    let name = column.name.replace('.', "_");
    if column.kind == Kind::Money { format!("{name}_minor") } else { name }
}

fn field(cell: &Cell) -> String {
    match cell {
        // Whatever the column: amounts are never text.
        Cell::Text(text) => csv_field(text),
        Cell::Count(count) => count.to_string(),
        Cell::Parts(parts) | Cell::Ratio(parts) => number_of_parts(*parts),
        Cell::Money(money) => money.minor.to_string(),
        Cell::Empty => String::new(),
    }
}

/// One text field of a CSV file: harmless in a spreadsheet, quoted where it has to be.
pub fn csv_field(text: &str) -> String {
    quoted(&harmless(text))
}

/// A campaign called `=HYPERLINK(…)` would run when the file is opened: an apostrophe in front makes
/// spreadsheets take it as text. The leads are those of OWASP's ASVS, 1.2.10.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\r', '\n', '\'']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_made_harmless_but_amounts_stay_numbers() {
        let table = Table {
            columns: vec![
                Column::new("campaign", "Campaign", Kind::Dimension),
                Column::new("revenue.net", "Net", Kind::Money),
            ],
            rows: [
                ("=1+1", -5),
                ("+49", 1),
                ("-x", 2),
                ("@a", 3),
                ("\tb", 4),
                ("\rc", 5),
                ("\0d", 8),
                ("a,\"b\"", 6),
                ("ok", 7),
            ]
            .into_iter()
            .map(|(name, minor)| {
                vec![Cell::Text(name.to_owned()), Cell::money(minor, "USD".parse().unwrap())]
            })
            .collect(),
        };
        assert_eq!(
            table.to_csv(),
            "campaign,revenue_net_minor\r\n\"'=1+1\",-5\r\n\"'+49\",1\r\n\"'-x\",2\r\n\"'@a\",3\r\n\
             \"'\tb\",4\r\n\"'\rc\",5\r\n\"'\0d\",8\r\n\"a,\"\"b\"\"\",6\r\nok,7\r\n"
        );
    }
}
