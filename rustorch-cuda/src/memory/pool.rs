//! The bookkeeping of the caching allocator: which parts of which segments are free. No call of the driver is made here.
//!
//! A *segment* is one allocation of the driver. It is cut into *blocks*; a freed block is joined with free neighbours and
//! waits for the next request of the same *key* (a stream, or a graph's capture): work on one stream runs in
//! order, so a block freed there can be handed out there again at once, while its last kernel still runs.
//! The sizes follow PyTorch's caching allocator.

use std::collections::{BTreeMap, BTreeSet};

/// Every block starts and ends at a multiple of this.
const GRAIN: usize = 512;
/// Requests up to this size come from segments of `SMALL_SEGMENT`.
const SMALL: usize = 1 << 20;
const SMALL_SEGMENT: usize = 2 << 20;
/// Requests from `SMALL` up to this size come from segments of `LARGE_SEGMENT`; larger ones have segments of their own.
const LARGE: usize = 10 << 20;
const LARGE_SEGMENT: usize = 20 << 20;
/// Segments of larger requests are multiples of this.
const SEGMENT_GRAIN: usize = 2 << 20;

/// Bytes held by the allocator, now and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Bytes in live buffers, rounded up to whole blocks.
    pub allocated: usize,
    /// Bytes taken from the driver.
    pub reserved: usize,
    /// The largest `allocated` since the last reset.
    pub peak_allocated: usize,
    /// The largest `reserved` since the last reset.
    pub peak_reserved: usize,
    /// Live buffers.
    pub buffers: usize,
    /// Segments taken from the driver.
    pub segments: usize,
}

/// Small requests are kept apart from large ones, so that they do not cut up large segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Small,
    Large,
}

#[derive(Debug)]
struct Block {
    size: usize,
    segment: u64,
    free: bool,
}

#[derive(Debug)]
struct Segment {
    size: usize,
    key: u64,
    class: Class,
}

#[derive(Debug, Default)]
pub(super) struct Pool {
    blocks: BTreeMap<u64, Block>,
    segments: BTreeMap<u64, Segment>,
    /// Free blocks as `(key, class, size, address)`: the first one from a size on is the best fit.
    free: BTreeSet<(u64, Class, usize, u64)>,
    pub stats: MemoryStats,
}

impl Pool {
    /// The bytes that a request really takes.
    pub fn rounded(bytes: usize) -> usize {
        bytes.max(1).next_multiple_of(GRAIN)
    }

    /// The segment to ask the driver for when no free block fits.
    pub fn segment_size(bytes: usize) -> usize {
        let size = Pool::rounded(bytes);
        match class(size) {
            Class::Small => SMALL_SEGMENT,
            Class::Large if size < LARGE => LARGE_SEGMENT,
            Class::Large => size.next_multiple_of(SEGMENT_GRAIN),
        }
    }

    /// Hands out the smallest free block of this key that fits, cut to size.
    pub fn take(&mut self, key: u64, bytes: usize) -> Option<u64> {
        let size = Pool::rounded(bytes);
        let class = class(size);
        let found = *self.free.range((key, class, size, 0)..=(key, class, usize::MAX, u64::MAX)).next()?;
        self.free.remove(&found);
        let address = found.3;
        let block = self.blocks.get_mut(&address).expect("a free block is a block");
        block.free = false;
        let rest = block.size - size;
        let worth_keeping = match class {
            Class::Small => rest >= GRAIN,
            Class::Large => rest > SMALL,
        };
        if worth_keeping {
            block.size = size;
            let segment = block.segment;
            self.blocks.insert(address + size as u64, Block { size: rest, segment, free: true });
            self.free.insert((key, class, rest, address + size as u64));
        }
        self.stats.allocated += self.blocks[&address].size;
        self.stats.peak_allocated = self.stats.peak_allocated.max(self.stats.allocated);
        self.stats.buffers += 1;
        Some(address)
    }

    /// Adds a segment that the driver gave, as one free block.
    pub fn add_segment(&mut self, key: u64, bytes: usize, address: u64, size: usize) {
        let class = class(Pool::rounded(bytes));
        self.segments.insert(address, Segment { size, key, class });
        self.blocks.insert(address, Block { size, segment: address, free: true });
        self.free.insert((key, class, size, address));
        self.stats.reserved += size;
        self.stats.peak_reserved = self.stats.peak_reserved.max(self.stats.reserved);
        self.stats.segments += 1;
    }

    /// Takes a block back and joins it with free neighbours of its segment.
    pub fn give(&mut self, address: u64) {
        let block = self.blocks.get_mut(&address).expect("only blocks that were handed out come back");
        debug_assert!(!block.free, "a block comes back once");
        block.free = true;
        let (segment, mut size) = (block.segment, block.size);
        self.stats.allocated -= size;
        self.stats.buffers -= 1;
        let Segment { key, class, .. } = self.segments[&segment];

        let joins = |block: &Block| block.free && block.segment == segment;
        let next = address + size as u64;
        if let Some(right) = self.blocks.get(&next).filter(|block| joins(block)).map(|block| block.size) {
            self.free.remove(&(key, class, right, next));
            self.blocks.remove(&next);
            size += right;
        }
        let before = self.blocks.range(..address).next_back();
        let left = before.filter(|(_, block)| joins(block)).map(|(&start, block)| (start, block.size));
        let start = match left {
            Some((start, left)) => {
                self.free.remove(&(key, class, left, start));
                self.blocks.remove(&address);
                size += left;
                start
            }
            None => address,
        };
        self.blocks.get_mut(&start).expect("the joined block starts at a block").size = size;
        self.free.insert((key, class, size, start));
    }

    /// Forgets every segment that is free as a whole, and returns their addresses.
    pub fn release(&mut self) -> Vec<u64> {
        let whole = |address: &u64, segment: &Segment| {
            self.blocks.get(address).is_some_and(|block| block.free && block.size == segment.size)
        };
        let released: Vec<u64> = self
            .segments
            .iter()
            .filter(|(address, segment)| whole(address, segment))
            .map(|(&at, _)| at)
            .collect();
        for &address in &released {
            let segment = self.segments.remove(&address).expect("listed above");
            self.blocks.remove(&address);
            self.free.remove(&(segment.key, segment.class, segment.size, address));
            self.stats.reserved -= segment.size;
            self.stats.segments -= 1;
        }
        released
    }

    /// Lets all memory of one key serve another from now on: a graph that is gone gives its memory back to its stream.
    pub fn rekey(&mut self, from: u64, to: u64) {
        for segment in self.segments.values_mut().filter(|segment| segment.key == from) {
            segment.key = to;
        }
        let moved: Vec<_> = self.free.iter().filter(|block| block.0 == from).copied().collect();
        for block in moved {
            self.free.remove(&block);
            self.free.insert((to, block.1, block.2, block.3));
        }
    }
}

fn class(size: usize) -> Class {
    if size <= SMALL { Class::Small } else { Class::Large }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool over a made-up driver that hands out addresses from 4 GiB on.
    fn allocate(pool: &mut Pool, key: u64, bytes: usize) -> u64 {
        pool.take(key, bytes).unwrap_or_else(|| {
            let address =
                pool.segments.last_key_value().map_or(4 << 30, |(at, segment)| at + segment.size as u64);
            pool.add_segment(key, bytes, address, Pool::segment_size(bytes));
            pool.take(key, bytes).expect("a fresh segment fits its request")
        })
    }

    /// Blocks cover each segment without gaps, no two free neighbours are left apart, and the free list is exact.
    fn check(pool: &Pool) {
        let mut free = BTreeSet::new();
        for (&start, segment) in &pool.segments {
            let (mut at, mut before_free) = (start, false);
            while at < start + segment.size as u64 {
                let block = &pool.blocks[&at];
                assert!(!(before_free && block.free), "two free neighbours at {at:#x}");
                if block.free {
                    free.insert((segment.key, segment.class, block.size, at));
                }
                before_free = block.free;
                at += block.size as u64;
            }
            assert_eq!(at, start + segment.size as u64);
        }
        assert_eq!(free, pool.free);
        let in_use: usize = pool.blocks.values().filter(|block| !block.free).map(|block| block.size).sum();
        assert_eq!(in_use, pool.stats.allocated);
    }

    #[test]
    fn segments_follow_the_size_classes() {
        assert_eq!(Pool::segment_size(1), 2 << 20);
        assert_eq!(Pool::segment_size(1 << 20), 2 << 20);
        assert_eq!(Pool::segment_size((1 << 20) + 1), 20 << 20);
        assert_eq!(Pool::segment_size((10 << 20) + 1), 12 << 20);
    }

    #[test]
    fn a_freed_block_is_used_again_by_its_own_stream_only() {
        let mut pool = Pool::default();
        let first = allocate(&mut pool, 1, 4000);
        pool.give(first);
        assert_ne!(allocate(&mut pool, 2, 4000), first);
        assert_eq!(allocate(&mut pool, 1, 4000), first);
        check(&pool);
    }

    #[test]
    fn random_traffic_keeps_the_books_and_everything_comes_back() {
        let mut pool = Pool::default();
        let mut live = Vec::new();
        let mut state = 0x2545_F491_4F6C_DD1Du64;
        for step in 0..4000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state % 5 < 3 {
                let bytes = 1 + (state >> 8) as usize % [3000, 900_000, 30 << 20][(state >> 4) as usize % 3];
                let at = allocate(&mut pool, 1 + (state >> 3) % 2, bytes);
                let end = at + Pool::rounded(bytes) as u64;
                assert!(live.iter().all(|&(start, stop)| end <= start || stop <= at), "blocks overlap");
                live.push((at, end));
            } else if !live.is_empty() {
                let (at, _) = live.swap_remove((state >> 16) as usize % live.len());
                pool.give(at);
            }
            if step % 100 == 0 {
                check(&pool);
            }
        }
        live.into_iter().for_each(|(at, _)| pool.give(at));
        check(&pool);
        assert_eq!((pool.stats.allocated, pool.stats.buffers), (0, 0));
        pool.release();
        assert_eq!((pool.stats.reserved, pool.stats.segments), (0, 0));
        assert!(pool.blocks.is_empty() && pool.free.is_empty());
        assert!(pool.stats.peak_allocated > 0 && pool.stats.peak_reserved >= pool.stats.peak_allocated);
    }

    #[test]
    fn a_graphs_memory_goes_to_its_stream_in_the_end() {
        let mut pool = Pool::default();
        let kept = allocate(&mut pool, 7, 100);
        let freed = allocate(&mut pool, 7, 100);
        pool.give(freed);
        pool.rekey(7, 1);
        check(&pool);
        assert_eq!(pool.take(1, 100), Some(freed));
        pool.give(kept);
        check(&pool);
    }
}
