//! The traps of the engine's C interface, each by its number, as plain HTTP shows them.

use crate::support::{database, engine, eventually, http, post, run, running, url};
use bytes::Bytes;
use futures::StreamExt;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

#[tokio::test(flavor = "multi_thread")]
async fn trap_g1_an_error_while_running_leaves_nothing_for_the_next_statement() {
    for _ in 0..20 {
        let failed = post(
            &[("default_format", "RowBinaryWithNamesAndTypes")],
            &[],
            "SELECT throwIf(number = 2000000, 'g1 here') FROM numbers(3000000) SETTINGS max_threads = 1",
        )
        .await;
        assert_eq!(failed.status, StatusCode::OK, "the header was out already");
        assert!(failed.text().contains("g1 here"));
        assert_eq!(run("SELECT 1, 2, 3 FORMAT CSVWithNames").await, "\"1\",\"2\",\"3\"\n1,2,3\n");
    }
    eventually(0, || running("g1 here")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g2_repeated_headers_are_cut_from_streamed_answers() {
    let select = "SELECT number AS n, 'a\nb' AS `odd\"name` FROM numbers(200000)";
    let body = post(&[("default_format", "RowBinaryWithNamesAndTypes")], &[], select).await.body;
    let header = b"\x02\x01n\x08odd\"name\x06UInt64\x06String";
    assert_eq!(&body[..header.len()], header);
    assert_eq!(body.len(), header.len() + 200_000 * (8 + 4));
    for (at, row) in body[header.len()..].chunks(12).enumerate() {
        assert_eq!(row[..8], (at as u64).to_le_bytes());
        assert_eq!(&row[8..], b"\x03a\nb");
    }
    for (format, header_lines, row_lines) in [
        ("TSVWithNamesAndTypes", 2, 1),
        ("CSVWithNames", 1, 2),
        ("JSONCompactEachRowWithNamesAndTypes", 2, 1),
        ("JSONEachRow", 0, 1),
    ] {
        let text = post(&[("default_format", format)], &[], select).await.text();
        assert_eq!(text.lines().count(), header_lines + 200_000 * row_lines, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g2_formats_with_a_frame_come_as_one_document() {
    let text =
        post(&[("default_format", "JSONCompact")], &[], "SELECT number FROM numbers(150000)").await.text();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["rows"], 150_000);
    assert_eq!(document["data"].as_array().unwrap().len(), 150_000);
    let parquet =
        post(&[("default_format", "Parquet")], &[], "SELECT number FROM numbers(150000)").await.body;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g2_an_empty_answer_keeps_its_header() {
    let empty = post(&[("default_format", "RowBinaryWithNamesAndTypes")], &[], "SELECT 1 AS a WHERE 0").await;
    assert_eq!(empty.body, &b"\x01\x01a\x05UInt8"[..]);
    assert_eq!(run("SELECT 1 WHERE 0 FORMAT RowBinary").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g2_totals_come_once_and_last() {
    let text =
        run("SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k FORMAT TSV")
            .await;
    assert_eq!(text, "0\t5\n1\t5\n\n0\t10\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn traps_g3_and_g4_data_behind_a_format_is_read_as_data_blank_lines_and_all() {
    let db = database().await;
    run(&format!("CREATE TABLE {db}.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a")).await;
    let table = [("database", db.as_str())];
    // Head and data in one body, as curl sends it.
    let csv =
        "INSERT INTO t (a, b) SETTINGS max_insert_block_size = 1000 FORMAT CSV\n1,\"x\n\ny\"\n2,\";\"\n";
    assert_eq!(post(&table, &[], csv).await.text(), "");
    // The statement in the URL, the data in the body; a blank line between rows.
    let query = [("database", db.as_str()), ("query", "INSERT INTO t FORMAT JSONEachRow")];
    let answer = post(&query, &[], "{\"a\":3,\"b\":\"FORMAT CSV\"}\n\n{\"a\":4,\"b\":\"\"}\n").await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, ""));
    let summary = answer.headers["X-ClickHouse-Summary"].to_str().unwrap();
    assert!(summary.contains(r#""written_rows":"2""#), "{summary}");
    // VALUES go through the plain call.
    assert_eq!(post(&table, &[], "INSERT INTO t VALUES (5, 'a\n\nb;'), (6, 'c')").await.text(), "");
    assert_eq!(
        post(&table, &[], "INSERT INTO t (a, b) SELECT a + 10, b FROM t WHERE a < 3").await.text(),
        ""
    );
    let back = post(&table, &[], "SELECT a, b FROM t ORDER BY a FORMAT JSONCompactEachRow").await.text();
    assert_eq!(
        back,
        "[1, \"x\\n\\ny\"]\n[2, \";\"]\n[3, \"FORMAT CSV\"]\n[4, \"\"]\n[5, \"a\\n\\nb;\"]\n[6, \"c\"]\n[11, \"x\\n\\ny\"]\n[12, \";\"]\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g5_a_second_statement_is_refused_and_the_first_does_not_run() {
    let db = database().await;
    let create = format!("CREATE TABLE {db}.a (x UInt8) ENGINE = Memory");
    let answer = post(&[], &[], format!("{create}; SELECT 1")).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, Some(62)));
    assert_eq!(run(&format!("EXISTS TABLE {db}.a")).await, "0\n");
    assert_eq!(run(&format!("{create};\n-- done; really\n")).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn traps_g6_and_g17_leaving_an_answer_unread_stops_the_query() {
    let client = engine().client();
    // Between chunks.
    let mut cursor = client
        .query("SELECT number, 'g6 between' FROM numbers(100000000000) SETTINGS max_execution_time = 0")
        .fetch::<(u64, String)>()
        .unwrap();
    assert_eq!(cursor.next().await.unwrap().unwrap().0, 0);
    assert_eq!(running("g6 between").await, 1);
    drop(cursor);
    eventually(0, || running("g6 between")).await;
    // Before the first block is computed.
    let request = tokio::spawn(async {
        post(&[("max_execution_time", "0")], &[], "SELECT count(), 'g6 first' FROM numbers(10000000000000)")
            .await
    });
    eventually(1, || running("g6 first")).await;
    request.abort();
    eventually(0, || running("g6 first")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g15_readers_that_do_not_read_keep_nobody_from_being_stopped() {
    let mut readers = Vec::new();
    for _ in 0..crate::support::CONNECTIONS_MAX {
        let request = Request::post(url(&[("max_execution_time", "0")]))
            .body(http_body_util::Full::new(Bytes::from("SELECT number, 'g15' FROM numbers(100000000000)")))
            .unwrap();
        readers.push(http().request(request).await.unwrap());
    }
    // Every place is taken; one reader leaves, and the statement that waited gets its place.
    let waiting = tokio::spawn(run("SELECT 'got a place'"));
    readers.pop();
    assert_eq!(waiting.await.unwrap(), "got a place\n");
    readers.clear();
    eventually(0, || running("g15")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g16_an_insert_that_breaks_off_commits_nothing() {
    let db = database().await;
    run(&format!("CREATE TABLE {db}.t (a UInt64) ENGINE = MergeTree ORDER BY a")).await;
    let (sender, receiver) = futures::channel::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
    let insert = format!("INSERT INTO {db}.t FORMAT RowBinary");
    let request = Request::post(url(&[("query", &insert)])).body(StreamBody::new(receiver)).unwrap();
    let client = Client::builder(TokioExecutor::new()).build(engine().connector());
    let answer = tokio::spawn(client.request(request));
    let rows: Bytes = (0..50_000u64).flat_map(u64::to_le_bytes).collect::<Vec<_>>().into();
    let mut sender = sender;
    for _ in 0..10 {
        futures::SinkExt::send(&mut sender, Ok(Frame::data(rows.clone()))).await.unwrap();
    }
    futures::SinkExt::send(&mut sender, Err(std::io::Error::other("gone"))).await.unwrap();
    assert!(answer.await.unwrap().is_err());
    eventually(0, || running(&db)).await;
    assert_eq!(run(&format!("SELECT count() FROM {db}.t")).await, "0\n");
    // The official client's way of giving up.
    let client = engine().client().with_database(&db);
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT RowBinary");
    insert.send(rows).await.unwrap();
    drop(insert);
    eventually(0, || running(&db)).await;
    assert_eq!(run(&format!("SELECT count() FROM {db}.t")).await, "0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g16_every_frame_of_a_packed_body_counts() {
    let db = database().await;
    run(&format!("CREATE TABLE {db}.t (a UInt64) ENGINE = MergeTree ORDER BY a")).await;
    let insert = format!("INSERT INTO {db}.t FORMAT RowBinary");
    let frames = |pack: &dyn Fn(&[u8]) -> Vec<u8>| -> Vec<u8> {
        (0..3u64)
            .flat_map(|n| {
                pack(&(n * 50_000..(n + 1) * 50_000).flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
            })
            .collect()
    };
    let lz4 = frames(&|data| {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        std::io::Write::write_all(&mut encoder, data).unwrap();
        encoder.finish().unwrap()
    });
    let gzip = frames(&|data| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, data).unwrap();
        encoder.finish().unwrap()
    });
    let zstd =
        frames(&|data| ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest));
    for (encoding, body) in [("lz4", lz4), ("gzip", gzip), ("zstd", zstd)] {
        let answer = post(&[("query", &insert)], &[("Content-Encoding", encoding)], body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{encoding}: {}", answer.text());
        let sum = run(&format!("SELECT count(), sum(a) FROM {db}.t")).await;
        assert_eq!(sum, format!("150000\t{}\n", 149_999u64 * 150_000 / 2), "{encoding}");
        run(&format!("TRUNCATE TABLE {db}.t")).await;
        // A body that is cut is an error, not fewer rows.
        let cut = body[..body.len() - 7].to_vec();
        let answer = post(&[("query", &insert)], &[("Content-Encoding", encoding)], cut).await;
        assert_eq!(answer.code(), Some(432), "{encoding}: {}", answer.text());
        assert_eq!(run(&format!("SELECT count() FROM {db}.t")).await, "0\n", "{encoding}");
    }
    let answer = post(&[("query", &insert)], &[("Content-Encoding", "br")], "x").await;
    assert_eq!(answer.code(), Some(432));
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g8_signals_stay_with_the_program() {
    engine();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap();
    let caught = u64::from_str_radix(caught, 16).unwrap();
    // HUP, INT, TERM and ABRT. (SEGV and BUS belong to Rust's own stack guard.)
    for signal in [1, 2, 15, 6] {
        assert_eq!(caught & (1 << (signal - 1)), 0, "signal {signal} is caught");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g10_a_million_rows_are_one_block_and_beyond_it_commits_come_in_blocks() {
    // Nothing the adapter could mend: rows are committed by block. The advice stands in the crate's documentation;
    // this holds the size to which it refers.
    assert_eq!(run("SELECT getSetting('max_insert_block_size')").await, "1048449\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g12_files_are_not_written_and_reading_requests_do_not_write() {
    assert_eq!(post(&[], &[], "SELECT 1 INTO OUTFILE '/tmp/never'").await.code(), Some(358));
    let db = database().await;
    let create = format!("CREATE TABLE {db}.t (a UInt8) ENGINE = Memory");
    let answer = crate::support::request(http::Method::GET, &[("query", &create)], &[], Bytes::new()).await;
    assert_eq!(answer.code(), Some(164), "{}", answer.text());
    let answer =
        crate::support::request(http::Method::GET, &[("query", "SELECT 7")], &[], Bytes::new()).await;
    assert_eq!(answer.text(), "7\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g13_every_connection_has_the_limits() {
    for _ in 0..3 {
        let row = run(
            "SELECT getSetting('async_insert'), getSetting('max_memory_usage'), getSetting('implicit_select'), getSetting('max_execution_time')",
        )
        .await;
        assert_eq!(row, format!("false\t{}\tfalse\t60\n", crate::support::QUERY_MEMORY_BYTES_MAX));
    }
    let server = run("SELECT name, value FROM system.server_settings WHERE name IN ('max_server_memory_usage', 'mark_cache_size') ORDER BY name").await;
    assert_eq!(
        server,
        format!(
            "mark_cache_size\t{}\nmax_server_memory_usage\t{}\n",
            64 << 20,
            crate::support::MEMORY_BYTES_MAX
        )
    );
    assert_eq!(post(&[], &[], "SELEC").await.code(), Some(62));
    assert_eq!(post(&[("no_such_setting", "1")], &[], "SELECT 1").await.code(), Some(115));
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_g16_a_slow_reader_holds_only_a_few_chunks() {
    let before = resident_bytes();
    let request = Request::post(url(&[("default_format", "RowBinary")]))
        .body(http_body_util::Full::new(Bytes::from(
            "SELECT number, repeat('x', 1000) FROM numbers(3000000)",
        )))
        .unwrap();
    let mut body = http().request(request).await.unwrap().into_body();
    let mut read = 0;
    let mut highest = 0;
    while let Some(frame) = body.frame().await {
        read += frame.unwrap().data_ref().map_or(0, Bytes::len);
        highest = highest.max(resident_bytes());
    }
    assert_eq!(read, 3_000_000 * (8 + 2 + 1000));
    assert!(highest < before + (1 << 30), "3 GB streamed through {} MB", (highest - before) >> 20);
}

fn resident_bytes() -> u64 {
    let pages: u64 =
        std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_answers_at_once_do_not_mix() {
    let answers = futures::stream::iter(0..400u32)
        .map(|n| async move { (n, run(&format!("SELECT {n}, '{n}'")).await) })
        .buffer_unordered(32)
        .collect::<Vec<_>>()
        .await;
    for (n, answer) in answers {
        assert_eq!(answer, format!("{n}\t{n}\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_temporary_table_to_itself_until_it_is_closed() {
    let mine = [("session_id", "mine")];
    let count = || post(&mine, &[], "SELECT count() FROM kept");
    assert_eq!(count().await.code(), Some(60));
    assert_eq!(post(&mine, &[], "CREATE TEMPORARY TABLE kept (a UInt8)").await.text(), "");
    assert_eq!(post(&mine, &[], "INSERT INTO kept FORMAT TSV\n1\n2\n").await.text(), "");
    assert_eq!(count().await.text(), "2\n");
    // A mistake does not cost the session its table; another session never sees it.
    assert_eq!(post(&mine, &[], "SELECT no_such_column FROM kept").await.code(), Some(47));
    assert_eq!(count().await.text(), "2\n");
    assert_eq!(post(&[("session_id", "yours")], &[], "SELECT count() FROM kept").await.code(), Some(60));
    assert_eq!(post(&[], &[], "SELECT count() FROM kept").await.code(), Some(60));
    let last = [("session_id", "mine"), ("close_session", "1")];
    assert_eq!(post(&last, &[], "SELECT count() FROM kept").await.text(), "2\n");
    assert_eq!(count().await.code(), Some(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_runs_one_statement_at_a_time_and_ends_by_its_timeout() {
    let busy = [("session_id", "busy"), ("max_execution_time", "0")];
    assert_eq!(post(&busy, &[], "SET max_threads = 1").await.text(), "");
    assert_eq!(post(&busy, &[], "SELECT getSetting('max_threads')").await.text(), "1\n");
    let long = tokio::spawn(async move {
        post(&busy, &[], "SELECT count(), 'session busy' FROM numbers(10000000000000)").await
    });
    eventually(1, || running("session busy")).await;
    assert_eq!(post(&[("session_id", "busy")], &[], "SELECT 1").await.code(), Some(373));
    long.abort();
    eventually(0, || running("session busy")).await;
    let short = [("session_id", "short"), ("session_timeout", "0")];
    assert_eq!(post(&short, &[], "CREATE TEMPORARY TABLE gone (a UInt8)").await.text(), "");
    assert_eq!(post(&short, &[], "SELECT count() FROM gone").await.code(), Some(60));
}
