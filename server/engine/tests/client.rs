//! The unmodified official client over the in-memory pipe: what the rest of the program relies on.

mod support;

use support::{engine, fresh_database};

#[tokio::test(flavor = "multi_thread")]
async fn a_select_goes_through_the_official_client() {
    let one: u8 = engine().client().query("SELECT 1").fetch_one().await.unwrap();
    assert_eq!(one, 1);
}

#[derive(Debug, Clone, PartialEq, clickhouse::Row, serde::Serialize, serde::Deserialize)]
struct Plain {
    id: u64,
    text: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn validated_inserts_come_back_as_they_were() {
    let client = fresh_database().await;
    client
        .query("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id")
        .execute()
        .await
        .unwrap();
    let rows: Vec<Plain> = ["plain", "a\n\nblank line", "semi;colon", "nul\0byte", "tab\t\\", ""]
        .iter()
        .zip(0..)
        .map(|(text, id)| Plain { id, text: (*text).to_owned() })
        .collect();
    let mut insert = client.insert::<Plain>("t").await.unwrap();
    for row in &rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
    let back: Vec<Plain> = client.query("SELECT ?fields FROM t ORDER BY id").fetch_all().await.unwrap();
    assert_eq!(back, rows);
}
