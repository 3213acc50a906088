//! A report as text for a terminal: digits right-aligned, totals under a line, the reconciliation below.

use super::{Cell, Conversions, Kind, Report, Table, number_of_parts};
use crate::money::Money;

impl Report {
    /// The question, the table, the totals and the reconciliation.
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n\n", self.meta.sentence);
        if self.rows.rows.is_empty() {
            out.push_str("No sales and no visits in this period.\n");
        } else {
            out.push_str(&self.rows.to_text(&self.totals));
        }
        for line in &self.reconciliation {
            out.push('\n');
            out.push_str(&line.to_text());
            out.push('\n');
        }
        for sentence in self.meta.conversions.iter().flat_map(Conversions::sentences) {
            out.push('\n');
            out.push_str(&sentence);
            out.push('\n');
        }
        out
    }
}

impl Table {
    /// The rows under their titles, then the rows of `totals` under the columns of the same name.
    pub fn to_text(&self, totals: &Table) -> String {
        let mut lines: Vec<Vec<String>> =
            vec![self.columns.iter().map(|column| column.title.clone()).collect()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(text).collect()));
        let totals_from = lines.len();
        lines.extend(totals.rows.iter().map(|row| self.total_line(totals, row)));
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0))
            .collect();
        let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1));
        let mut out = String::new();
        for (at, line) in lines.iter().enumerate() {
            if at == 1 || at == totals_from && at > 1 {
                out.push_str(&rule);
                out.push('\n');
            }
            let cells = line.iter().zip(&widths).zip(&self.columns).map(|((cell, &width), column)| {
                let gap = " ".repeat(width - cell.chars().count());
                match column.kind {
                    Kind::Dimension | Kind::Word => format!("{cell}{gap}"),
                    Kind::Count | Kind::Parts | Kind::Money | Kind::Ratio => format!("{gap}{cell}"),
                }
            });
            out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            out.push('\n');
        }
        out
    }

    fn total_line(&self, totals: &Table, row: &[Cell]) -> Vec<String> {
        let cells = self.columns.iter().enumerate().map(|(at, column)| {
            let place = totals.columns.iter().position(|total| total.name == column.name);
            match place {
                Some(place) => text(&row[place]),
                None if at == 0 => "Total".to_owned(),
                None => String::new(),
            }
        });
        cells.collect()
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if text.is_empty() => "(none)".to_owned(),
        // A source may hold control characters that a terminal would obey.
        Cell::Text(text) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        Cell::Count(count) => grouped(*count),
        Cell::Parts(parts) => order_count(*parts),
        Cell::Money(money) => amount(*money),
        Cell::Ratio(ppm) => percent(*ppm),
        Cell::Empty => "–".to_owned(),
    }
}

/// The amount without its currency, which stands in its own column.
fn amount(money: Money) -> String {
    let shown = money.format();
    shown.split_once(' ').map_or(shown.clone(), |(digits, _)| digits.to_owned())
}

/// Parts of orders for people: whole orders plain, others with two digits.
pub fn order_count(parts: i64) -> String {
    if parts % 1_000_000 == 0 {
        return number_of_parts(parts);
    }
    let hundredths = (i128::from(parts) + if parts < 0 { -5_000 } else { 5_000 }) / 10_000;
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// A ratio for people: `12.3 %`.
pub fn percent(ppm: i64) -> String {
    let tenths = (i128::from(ppm) + if ppm < 0 { -500 } else { 500 }) / 1_000;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{} %", tenths.abs() / 10, tenths.abs() % 10)
}

/// A count for people: `12,345`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ratios_are_short() {
        assert_eq!(order_count(12_000_000), "12");
        assert_eq!(order_count(12_333_333), "12.33");
        assert_eq!(order_count(-1_005_000), "-1.01");
        assert_eq!(percent(123_456), "12.3 %");
        assert_eq!(percent(-500), "-0.1 %");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
