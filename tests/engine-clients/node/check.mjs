// What @clickhouse/client sees of the engine at a URL. One line per check; exits 1 when one fails.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { ClickHouseLogLevel, createClient as create } from '@clickhouse/client'

const url = process.argv[2]
let failures = 0
// The errors here are wanted; the client would log each.
const createClient = (options) => create({ log: { level: ClickHouseLogLevel.OFF }, ...options })

async function check(name, test) {
  try {
    await test()
    console.log(`node: ${name}: ok`)
  } catch (error) {
    failures += 1
    console.log(`node: ${name}: FAILED`)
    console.error(error)
  }
}

async function rows(client, query, options = {}) {
  return (await client.query({ query, format: 'JSONEachRow', ...options })).json()
}

const plain = createClient({ url })
await plain.command({ query: 'DROP DATABASE IF EXISTS from_node' })
await plain.command({ query: 'CREATE DATABASE from_node' })
const client = createClient({ url, database: 'from_node' })
await client.command({ query: 'CREATE TABLE t (id UInt32, name String, tags Array(String)) ENGINE = MergeTree ORDER BY id' })
const row = (id) => ({ id, name: id % 2 ? "a\n\nb;'" : '', tags: Array(id % 3).fill('x') })

await check('ping', async () => assert.equal((await plain.ping()).success, true))

for (const compression of [false, true]) {
  await check(`insert of 20 000 rows${compression ? ', packed' : ''}`, async () => {
    await client.command({ query: 'TRUNCATE TABLE t' })
    const packed = createClient({ url, database: 'from_node', compression: { request: compression, response: compression } })
    const values = Array.from({ length: 20_000 }, (_, id) => row(id))
    const { summary } = await packed.insert({ table: 't', values, format: 'JSONEachRow' })
    assert.equal(summary.written_rows, '20000')
    assert.deepEqual(await rows(packed, 'SELECT count()::UInt32 AS n, sum(id)::UInt32 AS s FROM t'), [{ n: 20_000, s: 199_990_000 }])
    await packed.close()
  })
}

await check('rows come back as they went in', async () => {
  const back = await rows(client, 'SELECT * FROM t WHERE id < 20 ORDER BY id')
  assert.deepEqual(back, Array.from({ length: 20 }, (_, id) => row(id)))
})

await check('a stream of rows goes in', async () => {
  await client.command({ query: 'TRUNCATE TABLE t' })
  const values = Readable.from(Array.from({ length: 5_000 }, (_, id) => row(id)))
  await client.insert({ table: 't', values, format: 'JSONEachRow' })
  assert.deepEqual(await rows(client, 'SELECT count()::UInt32 AS n FROM t'), [{ n: 5_000 }])
})

await check('parameters', async () => {
  const query = 'SELECT {text:String} AS text, {list:Array(Int32)} AS list, {none:Nullable(String)} AS none'
  const query_params = { text: "it's \\ \"q\"\t\n", list: [1, -2], none: null }
  assert.deepEqual(await rows(client, query, { query_params }), [query_params])
})

await check('settings', async () => {
  const found = await rows(client, "SELECT getSetting('max_block_size')::UInt32 AS s", { clickhouse_settings: { max_block_size: '1234' } })
  assert.deepEqual(found, [{ s: 1234 }])
})

await check('a document as JSON', async () => {
  const set = await client.query({ query: 'SELECT number::UInt32 AS n FROM numbers(100000)', format: 'JSON' })
  const document = await set.json()
  assert.equal(document.rows, 100_000)
  assert.equal(document.data.length, 100_000)
})

await check('a big answer as a stream', async () => {
  const set = await client.query({ query: 'SELECT number::UInt32 AS n FROM numbers(500000)', format: 'JSONEachRow' })
  let count = 0
  for await (const piece of set.stream()) count += piece.length
  assert.equal(count, 500_000)
})

await check('errors keep their codes', async () => {
  await assert.rejects(client.query({ query: 'SELECT * FROM no_such_table' }), { code: '60', type: 'UNKNOWN_TABLE' })
  await assert.rejects(client.query({ query: 'SELEC 1' }), { code: '62' })
  await assert.rejects(client.command({ query: 'SELECT 1', clickhouse_settings: { no_such_setting: 1 } }), { code: '115' })
})

await check('an error in mid-stream is an error', async () => {
  // Little before it: this client reads an error only out of one piece that holds all of it, and with much before it
  // a piece of 64 KiB may end in its middle.
  const query = `SELECT number, throwIf(number = 300, 'mid-stream') AS thrown FROM numbers(1000)
    SETTINGS max_threads = 1, max_block_size = 100`
  await assert.rejects(async () => {
    const set = await client.query({ query, format: 'JSONEachRow' })
    for await (const _ of set.stream());
  }, /mid-stream/)
})

await check('aborting stops the query in the engine', async () => {
  const abort = new AbortController()
  const query = "SELECT count(), 'aborted by node' FROM numbers(10000000000000)"
  const answer = client.query({ query, abort_signal: abort.signal })
  const running = async () => {
    const sql = "SELECT count()::UInt32 AS n FROM system.processes WHERE position(query, 'aborted by node') > 0 AND position(query, 'system.processes') = 0"
    return (await rows(plain, sql))[0].n
  }
  const until = async (wanted) => {
    const end = Date.now() + 10_000
    while ((await running()) !== wanted) assert.ok(Date.now() < end, `never ${wanted} running`)
  }
  const rejected = assert.rejects(answer)
  await until(1)
  abort.abort()
  await rejected
  await until(0)
})

await check('raw statements', async () => {
  const { stream } = await client.exec({ query: 'SELECT 1 AS a FORMAT CSVWithNames' })
  let text = ''
  for await (const piece of stream) text += piece
  assert.equal(text, '"a"\n1\n')
})

await Promise.all([plain.close(), client.close()])
process.exit(failures ? 1 : 0)
