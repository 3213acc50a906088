//! A report as JSON. Columns with dots become nested objects; amounts are whole minor units; orders and
//! ratios are decimal numbers written from whole millionths, so no digit is ever rounded by a float.

use std::fmt::Write;

use super::{Cell, Column, Report, Table};

impl Report {
    /// The answer of the API.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"meta\":");
        out.push_str(&serde_json::to_string(&self.meta).expect("meta is plain values"));
        out.push_str(",\"rows\":");
        self.rows.write_json(&mut out);
        if !self.totals.columns.is_empty() {
            out.push_str(",\"totals\":");
            self.totals.write_json(&mut out);
        }
        if !self.reconciliation.is_empty() {
            out.push_str(",\"reconciliation\":");
            out.push_str(&serde_json::to_string(&self.reconciliation).expect("plain values"));
        }
        out.push('}');
        out
    }
}

impl Table {
    /// The rows as a JSON list of objects.
    pub fn write_json(&self, out: &mut String) {
        out.push('[');
        for (at, row) in self.rows.iter().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            write_row(&self.columns, row, out);
        }
        out.push(']');
    }
}

/// Columns of one prefix stand together, so one object opens and closes per prefix.
fn write_row(columns: &[Column], row: &[Cell], out: &mut String) {
    let mut open: Vec<&str> = Vec::new();
    out.push('{');
    let mut first = true;
    for (column, cell) in columns.iter().zip(row) {
        let mut path: Vec<&str> = column.name.split('.').collect();
        let leaf = path.pop().expect("a split has at least one part");
        let shared = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
        while open.len() > shared {
            out.push('}');
            open.pop();
            first = false;
        }
        for name in &path[shared..] {
            separate(&mut first, out);
            let _ = write!(out, "{}:{{", quoted(name));
            open.push(name);
            first = true;
        }
        separate(&mut first, out);
        let _ = write!(out, "{}:{}", quoted(leaf), value(cell));
    }
    open.iter().for_each(|_| out.push('}'));
    out.push('}');
}

fn separate(first: &mut bool, out: &mut String) {
    if !std::mem::take(first) {
        out.push(',');
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

fn value(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => quoted(text),
        Cell::Count(count) => count.to_string(),
        Cell::Parts(parts) | Cell::Ratio(parts) => number_of_parts(*parts),
        Cell::Money(money) => money.minor.to_string(),
        Cell::Empty => "null".to_owned(),
    }
}

/// Millionths as a decimal number without needless zeros: 1500000 is `1.5`.
pub fn number_of_parts(parts: i64) -> String {
    let sign = if parts < 0 { "-" } else { "" };
    let (whole, rest) = (parts.unsigned_abs() / 1_000_000, parts.unsigned_abs() % 1_000_000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{rest:06}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn dots_nest_and_millionths_are_exact() {
        let column = |name: &str| Column::new(name, name, Kind::Count);
        let table = Table {
            columns: ["a", "b.c", "b.d.e", "b.f", "g.h", "i"].map(column).to_vec(),
            rows: vec![vec![
                Cell::Text("x\"\n".to_owned()),
                Cell::Count(1),
                Cell::Parts(12_333_333),
                Cell::Ratio(-500_000),
                Cell::Empty,
                Cell::money(-5, "USD".parse().unwrap()),
            ]],
        };
        let mut out = String::new();
        table.write_json(&mut out);
        assert_eq!(out, r#"[{"a":"x\"\n","b":{"c":1,"d":{"e":12.333333},"f":-0.5},"g":{"h":null},"i":-5}]"#);
    }
}
