//! Credit rows as a block of ClickHouse's Native format: columns are copied as they lie, repeated texts go as
//! a dictionary. An insert of it costs the engine no parsing. Never reads.

use std::collections::HashMap;

use domain::attribution::{MODEL_COUNT, MODELS};

/// One row of `credits`. Texts are ids in the block's dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditRow {
    pub booked_at_ms: i64,
    pub order_id: u128,
    /// 1 order, 2 refund, 3 reversal.
    pub entry: i8,
    pub entry_id: u128,
    pub touch_id: u128,
    /// 1 touch, 2 direct, 3 unattributed.
    pub earner: i8,
    pub facet_id: u64,
    pub touch_at_ms: i64,
    pub order_at_ms: i64,
    pub kind: i8,
    pub texts: TextIds,
    /// Bits of the views of the money it belongs to, see [`super::read::Money`].
    pub views: u8,
    pub sign: i8,
    pub amounts: [i64; MODEL_COUNT],
    pub parts: [i32; MODEL_COUNT],
}

/// Where the texts of a row stand in [`Texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextIds {
    pub currency: u32,
    pub provider: u32,
    pub connection: u32,
    pub product: u32,
}

impl TextIds {
    /// Where the same texts stand in `to`.
    pub fn moved(self, from: &Texts, to: &mut Texts) -> TextIds {
        let mut moved = |id| to.id(from.get(id));
        TextIds {
            currency: moved(self.currency),
            provider: moved(self.provider),
            connection: moved(self.connection),
            product: moved(self.product),
        }
    }
}

/// Texts of one run, each once. Shared by all four columns.
#[derive(Debug, Default, Clone)]
pub struct Texts {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
    hashes: Vec<u64>,
}

impl Texts {
    pub fn id(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.texts.len() as u32;
        self.ids.insert(text.to_owned(), id);
        self.hashes.push(text.bytes().fold(text.len() as u64, |hash, byte| mix(hash, u64::from(byte))));
        self.texts.push(text.to_owned());
        id
    }

    pub fn get(&self, id: u32) -> &str {
        &self.texts[id as usize]
    }
}

impl CreditRow {
    /// What makes two rows the same: everything but the sign. Stored as `version`, so it must never change
    /// for the same row; a change of this function is a change of stored data.
    pub fn version(&self, texts: &Texts) -> u64 {
        let TextIds { currency, provider, connection, product } = self.texts;
        let mut hash = 0x7472_6962_7574_6172;
        let halves = |id: u128| [(id >> 64) as u64, id as u64];
        for word in
            halves(self.order_id).into_iter().chain(halves(self.entry_id)).chain(halves(self.touch_id))
        {
            hash = mix(hash, word);
        }
        let small =
            [self.entry, self.earner, self.kind, self.views as i8].map(|value| u64::from(value as u8));
        hash = mix(hash, small[0] | small[1] << 8 | small[2] << 16 | small[3] << 24);
        for word in
            [self.booked_at_ms as u64, self.touch_at_ms as u64, self.order_at_ms as u64, self.facet_id]
        {
            hash = mix(hash, word);
        }
        for id in [currency, provider, connection, product] {
            hash = mix(hash, texts.hashes[id as usize]);
        }
        for amount in self.amounts {
            hash = mix(hash, amount as u64);
        }
        for pair in self.parts.chunks(2) {
            hash = mix(hash, pair.iter().fold(0, |word, &part| word << 32 | u64::from(part as u32)));
        }
        hash
    }
}

/// Multiply and fold: fast, and every bit of both goes into every bit of the answer.
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15)
        * u128::from(word ^ 0xd6e8_feb8_6659_fd93 ^ hash.rotate_left(32) | 1);
    (product as u64 ^ (product >> 64) as u64).wrapping_add(word)
}

/// Names of the two columns of every model.
pub fn model_columns() -> String {
    let amounts = MODELS.iter().map(|model| format!("amount_{}", model.name()));
    let parts = MODELS.iter().map(|model| format!("parts_{}", model.name()));
    amounts.chain(parts).collect::<Vec<_>>().join(", ")
}

/// Every column, in the order of [`encode`].
pub fn columns() -> String {
    format!(
        "workspace_id, booked_at, order_id, entry, entry_id, touch_id, earner, facet_id, touch_at, order_at, \
         kind, currency, provider, connection_id, product_id, views, sign, version, {}",
        model_columns()
    )
}

/// One Native block of rows that belong to one workspace.
pub fn encode(workspace_id: &str, rows: &[CreditRow], texts: &Texts) -> Vec<u8> {
    let mut block = Block { bytes: Vec::with_capacity(rows.len() * 200 + 4096), rows: rows.len() };
    block.varint(18 + 2 * MODEL_COUNT as u64);
    block.varint(rows.len() as u64);
    let time = "DateTime64(3, 'UTC')";
    let uuid = |id: u128| id.rotate_left(64).to_le_bytes();
    block.text("workspace_id", &[workspace_id], |_| 0, rows);
    block.column("booked_at", time, rows, |row| row.booked_at_ms.to_le_bytes());
    block.column("order_id", "UUID", rows, |row| uuid(row.order_id));
    block.column("entry", "Enum8('order' = 1, 'refund' = 2, 'reversal' = 3)", rows, |row| {
        row.entry.to_le_bytes()
    });
    block.column("entry_id", "UUID", rows, |row| uuid(row.entry_id));
    block.column("touch_id", "UUID", rows, |row| uuid(row.touch_id));
    block.column("earner", "Enum8('touch' = 1, 'direct' = 2, 'unattributed' = 3)", rows, |row| {
        row.earner.to_le_bytes()
    });
    block.column("facet_id", "UInt64", rows, |row| row.facet_id.to_le_bytes());
    block.column("touch_at", time, rows, |row| row.touch_at_ms.to_le_bytes());
    block.column("order_at", time, rows, |row| row.order_at_ms.to_le_bytes());
    let kinds = "Enum8('new' = 1, 'renewal' = 2, 'upgrade' = 3, 'one_time' = 4, 'trial' = 5)";
    block.column("kind", kinds, rows, |row| row.kind.to_le_bytes());
    let all: Vec<&str> = texts.texts.iter().map(String::as_str).collect();
    block.text("currency", &all, |row| row.texts.currency, rows);
    block.text("provider", &all, |row| row.texts.provider, rows);
    block.text("connection_id", &all, |row| row.texts.connection, rows);
    block.text("product_id", &all, |row| row.texts.product, rows);
    block.column("views", "UInt8", rows, |row| [row.views]);
    block.column("sign", "Int8", rows, |row| row.sign.to_le_bytes());
    block.column("version", "UInt64", rows, |row| row.version(texts).to_le_bytes());
    for (at, model) in MODELS.iter().enumerate() {
        block.column(&format!("amount_{}", model.name()), "Int64", rows, |row| row.amounts[at].to_le_bytes());
    }
    for (at, model) in MODELS.iter().enumerate() {
        block.column(&format!("parts_{}", model.name()), "Int32", rows, |row| row.parts[at].to_le_bytes());
    }
    block.bytes
}

struct Block {
    bytes: Vec<u8>,
    rows: usize,
}

impl Block {
    fn column<const N: usize>(
        &mut self,
        name: &str,
        kind: &str,
        rows: &[CreditRow],
        value: impl Fn(&CreditRow) -> [u8; N],
    ) {
        self.string(name);
        self.string(kind);
        let start = self.bytes.len();
        self.bytes.resize(start + rows.len() * N, 0);
        for (place, row) in self.bytes[start..].chunks_exact_mut(N).zip(rows) {
            place.copy_from_slice(&value(row));
        }
    }

    /// A `LowCardinality(String)` column: version of the keys, then kind of index, the texts this block uses,
    /// and one index per row.
    fn text(&mut self, name: &str, texts: &[&str], id: impl Fn(&CreditRow) -> u32, rows: &[CreditRow]) {
        const KEYS_VERSION: u64 = 1;
        const HAS_KEYS_AND_UPDATES: u64 = 0x600;
        const INDEX_U32: u64 = 2;
        self.string(name);
        self.string("LowCardinality(String)");
        if self.rows == 0 {
            return;
        }
        let mut local = vec![u32::MAX; texts.len()];
        let mut used: Vec<&str> = Vec::new();
        let mut indexes = Vec::with_capacity(rows.len() * 4);
        for row in rows {
            let id = id(row) as usize;
            if local[id] == u32::MAX {
                local[id] = used.len() as u32;
                used.push(texts[id]);
            }
            indexes.extend_from_slice(&local[id].to_le_bytes());
        }
        for word in [KEYS_VERSION, HAS_KEYS_AND_UPDATES | INDEX_U32, used.len() as u64] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        for text in used {
            self.string(text);
        }
        self.bytes.extend_from_slice(&(rows.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(&indexes);
    }

    fn string(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
