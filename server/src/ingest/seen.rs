//! Hits that are durable already: a browser that lost our answer sends its hit again, and the second copy must
//! not count. Remembers the newest hits in memory, bounded; after a restart they are read from the inbox's file,
//! which keeps delivered hits for a day. It never forgets a hit for being old, only for being pushed out.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Mutex;

use rusqlite::Connection;

use super::rows::HitKeys;
use super::site::salt_of;
use crate::effects::random_bytes;

const SHARDS: usize = 16;

/// Two generations per shard: when the young one is full it becomes the old one, and the old one is dropped.
/// About 20 bytes a hit.
#[derive(Debug)]
pub struct Seen {
    shards: [Mutex<Generations>; SHARDS],
    generation_max: usize,
    /// Made at the start: senders choose their ids, and must not choose where they land.
    key: [u64; 2],
}

#[derive(Debug, Default)]
struct Generations {
    young: Marks,
    old: Marks,
}

type Marks = HashSet<u64, BuildHasherDefault<Plain>>;

/// What a hit of a workspace is remembered by. Two hits share one with a chance of 1 in 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(u64);

impl Seen {
    /// Remembers at least `hits_max / 2` and at most `hits_max` hits.
    pub fn new(hits_max: usize) -> Seen {
        Seen {
            shards: Default::default(),
            generation_max: (hits_max / SHARDS / 2).max(1),
            key: [(); 2].map(|()| u64::from_le_bytes(random_bytes())),
        }
    }

    /// The mark of a hit; `salt` stands for its workspace, since what one site's browsers send says nothing
    /// about another's.
    pub fn mark(&self, salt: u64, hit_id: u128) -> Mark {
        let [low, high] = [hit_id as u64 ^ self.key[0], (hit_id >> 64) as u64 ^ self.key[1] ^ salt];
        let product = u128::from(low) * u128::from(high);
        Mark(product as u64 ^ (product >> 64) as u64)
    }

    pub fn contains(&self, mark: Mark) -> bool {
        let shard = self.shard(mark).lock().expect("no holder panics");
        shard.young.contains(&mark.0) || shard.old.contains(&mark.0)
    }

    pub fn add(&self, mark: Mark) {
        let mut shard = self.shard(mark).lock().expect("no holder panics");
        let Generations { young, old } = &mut *shard;
        if young.len() >= self.generation_max {
            std::mem::swap(young, old);
            young.clear();
        }
        young.insert(mark.0);
    }

    /// Reads the newest hits of an inbox's file, delivered or not, the newest last to be forgotten; answers
    /// how many.
    pub(super) fn recall(&self, connection: &Connection) -> rusqlite::Result<usize> {
        let wanted = self.generation_max * SHARDS;
        let mut batches = connection
            .prepare("SELECT id, hit_count FROM batches WHERE hits IS NOT NULL ORDER BY id DESC")?;
        let mut newest = batches.query([])?;
        let (mut first, mut hits) = (i64::MAX, 0);
        while let Some(batch) = newest.next()?
            && hits < wanted
        {
            first = batch.get(0)?;
            hits += batch.get::<_, usize>(1)?;
        }
        let mut batches = connection
            .prepare("SELECT layout, hits FROM batches WHERE id >= ?1 AND hits IS NOT NULL ORDER BY id")?;
        let mut oldest_first = batches.query([first])?;
        let mut salts: HashMap<String, u64> = HashMap::new();
        let mut recalled = 0;
        while let Some(batch) = oldest_first.next()? {
            for (workspace_id, hit_id) in HitKeys::of(batch.get(0)?, batch.get_ref(1)?.as_blob()?) {
                let salt = match salts.get(workspace_id) {
                    Some(salt) => *salt,
                    None => *salts.entry(workspace_id.to_owned()).or_insert_with(|| salt_of(workspace_id)),
                };
                self.add(self.mark(salt, hit_id));
                recalled += 1;
            }
        }
        Ok(recalled)
    }

    fn shard(&self, mark: Mark) -> &Mutex<Generations> {
        // From the middle: the sets use both ends.
        &self.shards[(mark.0 >> 32) as usize % SHARDS]
    }
}

/// Marks are hashes already.
#[derive(Debug, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, mark: u64) {
        self.0 = mark;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_newest_and_forgets_the_oldest() {
        let seen = Seen::new(32_000);
        let mark = |id: u128| seen.mark(7, (id << 64) | (0x9e37 * id));
        (1..=64_000).for_each(|id| seen.add(mark(id)));
        assert!((56_000..=64_000).all(|id| seen.contains(mark(id))));
        let kept = (1..=64_000).filter(|id| seen.contains(mark(*id))).count();
        assert!((14_000..=32_000).contains(&kept), "{kept}");
        assert!(!seen.contains(mark(1)) && !seen.contains(mark(64_001)));
    }

    #[test]
    fn the_same_id_in_another_workspace_is_another_hit() {
        let seen = Seen::new(1000);
        seen.add(seen.mark(1, 42));
        assert!(seen.contains(seen.mark(1, 42)));
        assert!(!seen.contains(seen.mark(2, 42)) && !seen.contains(seen.mark(1, 43)));
    }
}
