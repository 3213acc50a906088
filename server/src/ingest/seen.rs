//! Hit ids committed a short while ago: a browser that lost our answer sends its hit again, and the second
//! copy must not count. Remembers about half a million ids in memory; never the only line of defence, since
//! a restart forgets (touches and bindings fold by id in ClickHouse as well).

use std::collections::HashSet;
use std::sync::Mutex;

const SHARDS: usize = 16;
const GENERATION_IDS: usize = 16_384;

/// Two generations per shard: when the young one is full it becomes the old one, and the old one is dropped.
#[derive(Debug, Default)]
pub struct Seen([Mutex<Generations>; SHARDS]);

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<u128>,
    old: HashSet<u128>,
}

impl Seen {
    pub fn contains(&self, hit_id: u128) -> bool {
        let shard = self.shard(hit_id).lock().expect("no holder panics");
        shard.young.contains(&hit_id) || shard.old.contains(&hit_id)
    }

    pub fn add(&self, hit_id: u128) {
        let mut shard = self.shard(hit_id).lock().expect("no holder panics");
        if shard.young.len() >= GENERATION_IDS {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(hit_id);
    }

    fn shard(&self, hit_id: u128) -> &Mutex<Generations> {
        &self.0[hit_id as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_newest_and_forgets_the_oldest() {
        let seen = Seen::default();
        let many = (SHARDS * GENERATION_IDS * 3) as u128;
        (0..many).for_each(|id| seen.add(id));
        assert!(seen.contains(many - 1) && seen.contains(many - (SHARDS * GENERATION_IDS) as u128));
        assert!(!seen.contains(0) && !seen.contains(many));
    }
}
