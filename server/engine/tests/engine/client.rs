//! The unmodified official client over the in-memory pipe: what the rest of the program relies on.

use std::collections::HashMap;

use clickhouse::error::Error;
use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use serde_repr::{Deserialize_repr, Serialize_repr};
use uuid::Uuid;

use crate::support::{database, engine, eventually, fresh_database, running};

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Plain {
    id: u64,
    text: String,
}

async fn plain_table() -> Client {
    let client = fresh_database().await;
    let create = "CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id";
    client.query(create).execute().await.unwrap();
    client
}

async fn count(client: &Client) -> u64 {
    client.query("SELECT count() FROM t").fetch_one().await.unwrap()
}

/// The engine's code in an error of the client.
fn code(error: &Error) -> u16 {
    let text = error.to_string();
    let rest = text.split_once("Code: ").unwrap_or_else(|| panic!("no code in {text}")).1;
    rest.split_once('.').unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strings_with_blank_lines_nuls_and_semicolons_come_back_as_they_were() {
    let client = plain_table().await;
    let texts =
        ["plain", "a\n\nblank line", "semi;colon", "nul\0byte", "tab\t\\'\"`", "\r\n\r\n", "FORMAT CSV", ""];
    let rows: Vec<Plain> =
        texts.iter().zip(0..).map(|(text, id)| Plain { id, text: (*text).to_owned() }).collect();
    let mut insert = client.insert::<Plain>("t").await.unwrap();
    for row in &rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
    let back: Vec<Plain> = client.query("SELECT ?fields FROM t ORDER BY id").fetch_all().await.unwrap();
    assert_eq!(back, rows);
    for row in &rows {
        let sql = "SELECT count() FROM t WHERE text = {text:String} AND id = {id:UInt64}";
        let found: u64 =
            client.query(sql).param("text", &row.text).param("id", row.id).fetch_one().await.unwrap();
        assert_eq!(found, 1, "{row:?} by parameters");
        let found: u64 = client
            .query("SELECT count() FROM t WHERE text = ? AND id = ?")
            .bind(&row.text)
            .bind(row.id)
            .fetch_one()
            .await
            .unwrap();
        assert_eq!(found, 1, "{row:?} by bind");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize_repr, Deserialize_repr)]
#[repr(i8)]
enum Kind {
    Page = 1,
    Event = 2,
}

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Everything {
    number: u64,
    low: String,
    at_ms: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    pairs: Vec<(u32, String)>,
    maybe: Option<i32>,
    map: HashMap<String, u64>,
    amount: i64,
    wide: i128,
    kind: Kind,
    yes: bool,
    tags: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_in_use_comes_back_as_it_was() {
    let client = fresh_database().await;
    client
        .query(
            "CREATE TABLE t (number UInt64, low LowCardinality(String), at_ms DateTime64(3), id UUID, \
             pairs Array(Tuple(UInt32, String)), maybe Nullable(Int32), map Map(String, UInt64), \
             amount Decimal(18, 4), wide Int128, kind Enum8('page' = 1, 'event' = 2), yes Bool, \
             tags Array(LowCardinality(String))) ENGINE = MergeTree ORDER BY number",
        )
        .execute()
        .await
        .unwrap();
    let row = |number: u64| Everything {
        number,
        low: format!("low{}", number % 3),
        at_ms: 1_700_000_000_123 + number as i64,
        id: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef + u128::from(number)),
        pairs: (0..number % 4).map(|n| (n as u32, n.to_string())).collect(),
        maybe: number.is_multiple_of(2).then_some(-(number as i32)),
        map: HashMap::from([("a".into(), number)]),
        amount: -12_345 + number as i64,
        wide: i128::MIN + i128::from(number),
        kind: if number.is_multiple_of(2) { Kind::Page } else { Kind::Event },
        yes: number % 2 == 1,
        tags: vec!["x".into(); (number % 3) as usize],
    };
    let rows: Vec<Everything> = (0..1_000).map(row).collect();
    let mut insert = client.insert::<Everything>("t").await.unwrap();
    for row in &rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
    let back: Vec<Everything> =
        client.query("SELECT ?fields FROM t ORDER BY number").fetch_all().await.unwrap();
    assert_eq!(back, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_all_shapes_arrive() {
    let client = engine().client();
    #[derive(Debug, PartialEq, Row, Deserialize)]
    struct Back {
        s: String,
        n: i64,
        list: Vec<String>,
        none: Option<i64>,
        id: String,
    }
    let id = Uuid::from_u128(42).to_string();
    let back: Back = client
        .query(
            "SELECT {s:String} AS s, {n:Int64} AS n, {list:Array(String)} AS list, \
             {none:Nullable(Int64)} AS none, toString({id:UUID}) AS id",
        )
        .param("s", "it's \\ \"q\"\t\n")
        .param("n", i64::MIN)
        .param("list", vec!["a'b", "c,d", "]"])
        .param("none", None::<i64>)
        .param("id", &id)
        .fetch_one()
        .await
        .unwrap();
    let list = vec!["a'b".into(), "c,d".into(), "]".into()];
    assert_eq!(back, Back { s: "it's \\ \"q\"\t\n".into(), n: i64::MIN, list, none: None, id });
    let db = database().await;
    let create = "CREATE TABLE {db:Identifier}.x (a UInt8) ENGINE = Memory";
    client.query(create).param("db", &db).execute().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_repeated_under_its_token_adds_nothing() {
    let client = fresh_database().await;
    client
        .query(
            "CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id \
             SETTINGS non_replicated_deduplication_window = 100",
        )
        .execute()
        .await
        .unwrap();
    for (token, rows) in [("unit-1", 10), ("unit-1", 10), ("unit-2", 20)] {
        let mut insert =
            client.insert::<Plain>("t").await.unwrap().with_setting("insert_deduplication_token", token);
        for _ in 0..10 {
            insert.write(&Plain { id: 1, text: "same".into() }).await.unwrap();
        }
        insert.end().await.unwrap();
        assert_eq!(count(&client).await, rows, "after {token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_keep_their_codes() {
    let client = fresh_database().await;
    let run = |sql: &'static str| client.query(sql).execute();
    assert_eq!(code(&run("SELECT * FROM no_such_table").await.unwrap_err()), 60);
    assert_eq!(code(&run("SELEC 1").await.unwrap_err()), 62);
    assert_eq!(code(&run("SELECT 1 FROM").await.unwrap_err()), 62);
    assert_eq!(
        code(&client.query("SELECT 1").with_setting("no_such", "1").execute().await.unwrap_err()),
        115
    );
    assert_eq!(
        code(&client.clone().with_database("no_such").query("SELECT 1").execute().await.unwrap_err()),
        81
    );
    let slow =
        client.query("SELECT count() FROM numbers(10000000000000)").with_setting("max_execution_time", "1");
    assert_eq!(code(&slow.execute().await.unwrap_err()), 159);
    let big = client
        .query("SELECT uniqExact(number) FROM numbers(100000000)")
        .with_setting("max_memory_usage", "50000000");
    assert_eq!(code(&big.execute().await.unwrap_err()), 241);
    // The limit that every connection brings along.
    let bigger = run("SELECT length(groupArray(toString(number))) FROM numbers(1000000000)");
    assert_eq!(code(&bigger.await.unwrap_err()), 241);
    let mut insert = client.insert_formatted_with("INSERT INTO no_such_table FORMAT RowBinary");
    let sent = insert.send(vec![0; 8].into()).await;
    assert_eq!(code(&sent.and(insert.end().await).unwrap_err()), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_shape_are_refused_by_name() {
    #[derive(Debug, Row, Serialize, Deserialize)]
    struct Other {
        id: u32,
        text: String,
    }
    let client = plain_table().await;
    let error = client.insert::<Other>("t").await.unwrap().write(&Other { id: 1, text: String::new() }).await;
    assert!(matches!(error, Err(Error::SchemaMismatch(_))), "{error:?}");
    let error = client.query("SELECT 1::UInt64 AS id, '' AS text").fetch_one::<Other>().await;
    assert!(matches!(error, Err(Error::SchemaMismatch(_))), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_mid_stream_is_never_taken_for_the_end() {
    let client = engine().client();
    for at in (65_000..665_000).step_by(10_007) {
        let sql = format!(
            "SELECT number, throwIf(number = {at}, 'mid-stream') FROM numbers(700000) SETTINGS max_threads = 1, max_block_size = 8192"
        );
        let mut cursor = client.query(&sql).fetch::<(u64, u8)>().unwrap();
        let error = loop {
            match cursor.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the error at {at} was lost"),
                Err(error) => break error,
            }
        };
        assert_eq!(code(&error), 395, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_big_insert_arrives_complete_and_a_cursor_gives_it_back() {
    let client = plain_table().await;
    let mut insert = client.insert::<Plain>("t").await.unwrap();
    for id in 0..300_000 {
        insert.write(&Plain { id, text: "x".repeat((id % 50) as usize) }).await.unwrap();
    }
    insert.end().await.unwrap();
    let mut cursor = client.query("SELECT ?fields FROM t ORDER BY id").fetch::<Plain>().unwrap();
    for id in 0..300_000 {
        let row = cursor.next().await.unwrap().unwrap();
        assert_eq!((row.id, row.text.len() as u64), (id, id % 50));
    }
    assert!(cursor.next().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn native_blocks_go_in() {
    let client = plain_table().await;
    // One block: columns, rows, then name, type and values of each column.
    let rows: u64 = 1_000;
    let mut block = vec![2u8];
    block.extend([0xe8, 0x07]);
    block.extend(b"\x02id\x06UInt64");
    block.extend((0..rows).flat_map(u64::to_le_bytes));
    block.extend(b"\x04text\x06String");
    block.extend((0..rows).flat_map(|_| *b"\x03abc"));
    let mut insert = client.insert_formatted_with("INSERT INTO t (id, text) FORMAT Native");
    for piece in block.chunks(777) {
        insert.send(piece.to_vec().into()).await.unwrap();
    }
    insert.end().await.unwrap();
    assert_eq!(count(&client).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_asked_for_by_the_client_works_both_ways() {
    let client = plain_table().await.with_compression(clickhouse::Compression::Lz4);
    let mut insert = client.insert::<Plain>("t").await.unwrap();
    for id in 0..100_000 {
        insert.write(&Plain { id, text: "again and again".into() }).await.unwrap();
    }
    insert.end().await.unwrap();
    let all: Vec<Plain> = client.query("SELECT ?fields FROM t").fetch_all().await.unwrap();
    assert_eq!(all.len(), 100_000);
    assert!(code(&client.query("SELECT * FROM no_such_table").execute().await.unwrap_err()) == 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_writers_work_side_by_side() {
    let client = plain_table().await;
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for batch in 0..20u64 {
                let mut insert = client.insert::<Plain>("t").await.unwrap();
                for id in 0..5_000 {
                    insert.write(&Plain { id: batch * 5_000 + id, text: "t".into() }).await.unwrap();
                }
                insert.end().await.unwrap();
            }
        }
    });
    let readers: Vec<_> = (0..12)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    // A batch is visible as a whole or not at all.
                    assert_eq!(count(&client).await % 5_000, 0);
                }
            })
        })
        .collect();
    writer.await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(count(&client).await, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_of_the_caller_stops_the_query() {
    let client = engine().client();
    let query = client
        .query("SELECT count(), 'left by a timeout' FROM numbers(10000000000000)")
        .with_setting("max_execution_time", "0")
        .fetch_one::<(u64, String)>();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), query).await.is_err());
    eventually(0, || running("left by a timeout")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_behind_a_200_are_noticed_wherever_they_fall() {
    let client = engine().client();
    for at in 0..400u64 {
        // Varying sizes before the error, so that it meets every edge of every buffer.
        let width = 1 + at % 97;
        let sql = format!(
            "SELECT repeat('x', {width}), throwIf(number = {}, 'noticed') FROM numbers(4000) SETTINGS max_block_size = 500, max_threads = 1",
            500 + 4 * at
        );
        let error = client.query(&sql).fetch_all::<(String, u8)>().await.expect_err("an error");
        assert!(error.to_string().contains("noticed"), "at {at}: {error}");
    }
}
