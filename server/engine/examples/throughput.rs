//! How fast the engine is behind its protocol: inserts and selects of a ten-column table, small statements.
//! `cargo run --release -p engine --example throughput -- [million rows]`

use std::time::{Duration, Instant};

use bytes::Bytes;
use clickhouse::{Client, Row};
use engine::{Engine, Options};
use serde::Deserialize;

const TABLE: &str = "CREATE TABLE bench.t (id UUID, at UInt64, a UInt32, b UInt32, c Int64, d Int64, e Int64, f Int64, \
                     source LowCardinality(String), path String) ENGINE = MergeTree ORDER BY at";
/// Attribution's shape: ids, a time and numbers.
const CREDITS: &str = "CREATE TABLE bench.credits (id UUID, touch UUID, at UInt64, c1 Int64, c2 Int64, c3 Int64, c4 Int64, \
                       c5 Int64, c6 Int64, n1 UInt32, n2 UInt32, n3 UInt32, n4 UInt32, n5 UInt32, n6 UInt32) \
                       ENGINE = MergeTree ORDER BY at";
/// What is sent at once.
const SEND_BYTES: usize = 256 * 1024;
/// Rows to a Native block.
const BLOCK_ROWS: u64 = 65_536;

#[derive(Row, Deserialize)]
struct Numbers {
    at: u64,
    a: u32,
    b: u32,
    c: i64,
    d: i64,
    e: i64,
    f: i64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let millions: u64 = std::env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    let rows = millions * 1_000_000;
    let directory = tempfile::tempdir()?;
    let engine = Engine::open(&Options::new(directory.path()))?;
    let client = engine.client();
    println!("library {}, {rows} rows", engine.version());
    run(&client, "CREATE DATABASE bench").await?;

    for (name, native) in [("RowBinary", false), ("Native", true)] {
        run(&client, TABLE).await?;
        println!("{:42} processor time so far {:.2?}", "making rows", processor_time());
        let body = if native { clicks_native(rows) } else { clicks_row_binary(rows) };
        let took = insert(&client, "bench.t", name, &body).await?;
        report(&format!("insert, 10 columns, {name}"), rows, took);
        if !native {
            selects(&client, rows).await?;
        }
        run(&client, "DROP TABLE bench.t SYNC").await?;
    }
    run(&client, CREDITS).await?;
    let credits = 1_300_000;
    let body = credits_native(credits);
    println!("{:42} processor time so far {:.2?}", "made credits", processor_time());
    let took = insert(&client, "bench.credits", "Native", &body).await?;
    report("insert, 15 columns of credits, Native", credits, took);
    small(&client).await?;
    engine.close().await;
    Ok(())
}

async fn run(client: &Client, sql: &str) -> clickhouse::error::Result<()> {
    client.query(sql).execute().await
}

async fn insert(
    client: &Client,
    table: &str,
    format: &str,
    body: &Bytes,
) -> clickhouse::error::Result<Duration> {
    let start = Instant::now();
    let mut insert = client.insert_formatted_with(format!("INSERT INTO {table} FORMAT {format}"));
    let mut rest = body.clone();
    while !rest.is_empty() {
        let piece = rest.split_to(SEND_BYTES.min(rest.len()));
        insert.send(piece).await?;
    }
    insert.end().await?;
    Ok(start.elapsed())
}

async fn selects(client: &Client, rows: u64) -> clickhouse::error::Result<()> {
    let start = Instant::now();
    let mut cursor = client.query("SELECT ?fields FROM bench.t").fetch::<Numbers>()?;
    let mut sum = 0u64;
    while let Some(row) = cursor.next().await? {
        sum = sum.wrapping_add(row.at ^ u64::from(row.a ^ row.b) ^ (row.c ^ row.d ^ row.e ^ row.f) as u64);
    }
    report(&format!("select, 7 numbers, rows ({})", sum % 7), rows, start.elapsed());
    let start = Instant::now();
    let mut cursor = client.query("SELECT * FROM bench.t").fetch_bytes("RowBinary")?;
    let mut bytes = 0;
    while let Some(chunk) = cursor.next().await? {
        bytes += chunk.len();
    }
    report(&format!("select, 10 columns, {} MB as bytes", bytes >> 20), rows, start.elapsed());
    Ok(())
}

async fn small(client: &Client) -> clickhouse::error::Result<()> {
    for (name, setting) in [("SELECT 1", false), ("SELECT 1 with a setting", true)] {
        let mut times = Vec::new();
        for _ in 0..2_000 {
            let start = Instant::now();
            let mut query = client.query("SELECT 1");
            if setting {
                query = query.with_setting("max_threads", "1");
            }
            query.fetch_one::<u8>().await?;
            times.push(start.elapsed());
        }
        times.sort();
        println!("{name:42} p50 {:.2?}  p99 {:.2?}", times[1_000], times[1_980]);
    }
    Ok(())
}

fn report(what: &str, rows: u64, took: Duration) {
    let cpu = processor_time();
    println!(
        "{what:42} {took:>8.2?}  {:.2} M rows/s, processor time so far {cpu:.2?}",
        rows as f64 / took.as_secs_f64() / 1e6
    );
}

/// What all threads of this process have used. On a busy machine it says more than the clock.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // User and system time, in hundredths of a second, behind the name in brackets.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    Duration::from_millis(
        fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10,
    )
}

/// A number that looks random and is not.
fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ n
}

const SOURCES: [&str; 5] = ["google", "newsletter", "direct", "partner-blog", "hn"];

fn clicks_row_binary(rows: u64) -> Bytes {
    let mut out = Vec::with_capacity(rows as usize * 80);
    for n in 0..rows {
        let m = mixed(n);
        out.extend_from_slice(&m.to_le_bytes());
        out.extend_from_slice(&n.to_le_bytes());
        out.extend_from_slice(&n.to_le_bytes());
        out.extend_from_slice(&(m as u32 % 1_000).to_le_bytes());
        out.extend_from_slice(&(n as u32).to_le_bytes());
        for k in 0..4u64 {
            out.extend_from_slice(&((m >> k) as i64 % 100_000).to_le_bytes());
        }
        string(&mut out, SOURCES[(m % 5) as usize]);
        string(&mut out, &format!("/p/{}", m % 2_000));
    }
    out.into()
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes `rows` rows as Native blocks; `column` writes the values of one column of a block.
fn native(
    rows: u64,
    columns: &[(&str, &str)],
    column: impl Fn(&mut Vec<u8>, usize, std::ops::Range<u64>),
) -> Bytes {
    let mut out = Vec::new();
    let mut from = 0;
    while from < rows {
        let to = rows.min(from + BLOCK_ROWS);
        varint(&mut out, columns.len() as u64);
        varint(&mut out, to - from);
        for (index, (name, kind)) in columns.iter().enumerate() {
            string(&mut out, name);
            string(&mut out, kind);
            column(&mut out, index, from..to);
        }
        from = to;
    }
    out.into()
}

fn clicks_native(rows: u64) -> Bytes {
    let columns = [
        ("id", "UUID"),
        ("at", "UInt64"),
        ("a", "UInt32"),
        ("b", "UInt32"),
        ("c", "Int64"),
        ("d", "Int64"),
        ("e", "Int64"),
        ("f", "Int64"),
        ("source", "String"),
        ("path", "String"),
    ];
    native(rows, &columns, |out, column, range| {
        for n in range {
            let m = mixed(n);
            match column {
                0 => {
                    out.extend_from_slice(&m.to_le_bytes());
                    out.extend_from_slice(&n.to_le_bytes());
                }
                1 => out.extend_from_slice(&n.to_le_bytes()),
                2 => out.extend_from_slice(&(m as u32 % 1_000).to_le_bytes()),
                3 => out.extend_from_slice(&(n as u32).to_le_bytes()),
                4..8 => out.extend_from_slice(&((m >> (column - 4)) as i64 % 100_000).to_le_bytes()),
                8 => string(out, SOURCES[(m % 5) as usize]),
                _ => string(out, &format!("/p/{}", m % 2_000)),
            }
        }
    })
}

fn credits_native(rows: u64) -> Bytes {
    let mut columns = vec![("id", "UUID"), ("touch", "UUID"), ("at", "UInt64")];
    columns.extend(["c1", "c2", "c3", "c4", "c5", "c6"].map(|name| (name, "Int64")));
    columns.extend(["n1", "n2", "n3", "n4", "n5", "n6"].map(|name| (name, "UInt32")));
    native(rows, &columns, |out, column, range| {
        for n in range {
            let m = mixed(n);
            match column {
                0 | 1 => {
                    out.extend_from_slice(&m.to_le_bytes());
                    out.extend_from_slice(&n.to_le_bytes());
                }
                2 => out.extend_from_slice(&(1_700_000_000_000 + n).to_le_bytes()),
                3..9 => out.extend_from_slice(&((m >> column) as i64 % 10_000).to_le_bytes()),
                _ => out.extend_from_slice(&((m >> column) as u32 % 500).to_le_bytes()),
            }
        }
    })
}
