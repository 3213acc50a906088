"""What clickhouse-connect sees of the engine at a URL. One line per check; exits 1 when one fails."""

import datetime
import decimal
import sys
import traceback
import urllib.parse
import uuid

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

url = urllib.parse.urlsplit(sys.argv[1])
failures = 0


def client(**options):
    return clickhouse_connect.get_client(host=url.hostname, port=url.port, **options)


def check(name):
    def run(test):
        global failures
        try:
            test()
            print(f"python: {name}: ok")
        except Exception:
            failures += 1
            print(f"python: {name}: FAILED")
            traceback.print_exc()

    return run


plain = client()
plain.command("DROP DATABASE IF EXISTS from_python")
plain.command("CREATE DATABASE from_python")
plain.command(
    "CREATE TABLE from_python.t (id UInt64, name String, at DateTime64(3), who UUID, amount Decimal(18, 4), "
    "tags Array(String), maybe Nullable(Int32)) ENGINE = MergeTree ORDER BY id"
)
AT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)
WHO = uuid.UUID(int=42)


def row(number):
    name = "a\n\nb;\0'" if number % 2 else ""
    return [number, name, AT, WHO, decimal.Decimal("12.3456"), ["x"] * (number % 3), None if number % 5 else number]


COLUMNS = ["id", "name", "at", "who", "amount", "tags", "maybe"]


@check("ping and version")
def _():
    assert plain.ping()
    assert plain.server_version.startswith("26."), plain.server_version


for compression in ["lz4", "zstd", "gzip", False]:

    @check(f"insert of 100 000 rows, compression {compression}")
    def _():
        plain.command("TRUNCATE TABLE from_python.t")
        rows = [row(number) for number in range(100_000)]
        client(compress=compression).insert("from_python.t", rows, column_names=COLUMNS)
        found = plain.query("SELECT count(), sum(id), countIf(name != '') FROM from_python.t").result_rows
        assert found == [(100_000, 99_999 * 50_000, 50_000)], found


@check("rows come back as they went in")
def _():
    back = plain.query("SELECT * FROM from_python.t WHERE id < 20 ORDER BY id").result_rows
    assert [list(found) for found in back] == [row(number) for number in range(20)], back


@check("parameters of the server")
def _():
    sql = "SELECT {text:String}, {numbers:Array(Int64)}, {at:DateTime64(3)}, {who:UUID}, {none:Nullable(String)}"
    values = {"text": "it's \\ \"q\"\t\n", "numbers": [1, -2], "at": AT, "who": WHO, "none": None}
    found = plain.query(sql, parameters=values).result_rows
    assert found == [("it's \\ \"q\"\t\n", [1, -2], AT, WHO, None)], found


@check("settings")
def _():
    found = plain.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 1234}).result_rows
    assert found == [(1234,)], found


@check("errors keep their codes")
def _():
    for sql, code in [("SELECT * FROM no_such_table", 60), ("SELEC 1", 62)]:
        try:
            plain.query(sql)
        except DatabaseError as error:
            assert f"code: {code}" in str(error).lower(), error
        else:
            raise AssertionError(sql)


@check("an error in mid-stream is an error")
def _():
    sql = "SELECT number, throwIf(number = 2000000, 'mid-stream') FROM numbers(3000000) SETTINGS max_threads = 1"
    try:
        found = plain.query(sql).result_rows
    except Exception as error:
        assert "mid-stream" in str(error), error
    else:
        raise AssertionError(f"the error was lost, {len(found)} rows came")


@check("a stream of blocks")
def _():
    total = 0
    with plain.query_row_block_stream("SELECT number FROM numbers(1000000)") as stream:
        for block in stream:
            total += sum(found[0] for found in block)
    assert total == 999_999 * 500_000, total


@check("formats as bytes")
def _():
    text = plain.raw_query("SELECT 1 AS a, 'x' AS b", fmt="CSVWithNames")
    assert text == b'"a","b"\n1,"x"\n', text


@check("temporary tables live as long as their session")
def _():
    one = client(session_id=f"session-{uuid.uuid4()}")
    one.command("CREATE TEMPORARY TABLE mine (a UInt8)")
    one.insert("mine", [[1], [2]], column_names=["a"])
    assert one.query("SELECT sum(a) FROM mine").result_rows == [(3,)]
    try:
        plain.query("SELECT * FROM mine")
    except DatabaseError as error:
        assert "code: 60" in str(error).lower(), error
    else:
        raise AssertionError("another session saw the table")


sys.exit(1 if failures else 0)
