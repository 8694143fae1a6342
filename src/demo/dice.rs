//! A small deterministic generator for the demo firm. Stream `n` of a seed starts in constant time, so that case one million is
//! made without the cases before it. It is for sample content only and must never be used for keys, tokens or codes.

/// One stream of numbers, SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    /// The start of stream `stream` of `seed`; other streams of the same seed are unrelated to it.
    pub(crate) fn new(seed: u64, stream: u64) -> Dice {
        Dice { state: mix(seed.wrapping_add(GAMMA) ^ mix(stream.wrapping_mul(GAMMA).wrapping_add(1))) }
    }

    /// 64 fresh bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A number from 0 to `n` - 1; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        let high = self.bits() >> 32;
        u32::try_from((high * u64::from(n)) >> 32).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// True in `percent` of 100 throws.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of `from`; `None` when there is nothing to choose.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(u32::try_from(from.len()).unwrap_or(u32::MAX));
        from.get(usize::try_from(at).unwrap_or(0))
    }

    /// One word or sentence of `from`; empty when there is none.
    pub(crate) fn word(&mut self, from: &[&'static str]) -> &'static str {
        self.pick(from).copied().unwrap_or("")
    }

    /// `count` different ones of `from` in their order (Knuth's algorithm S); all when there are fewer.
    pub(crate) fn few<'a, T>(&mut self, from: &'a [T], count: u32) -> Vec<&'a T> {
        let mut left = u32::try_from(from.len()).unwrap_or(u32::MAX);
        let mut wanted = count.min(left);
        let mut chosen = Vec::new();
        for item in from {
            if self.below(left) < wanted {
                chosen.push(item);
                wanted -= 1;
            }
            left -= 1;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_and_stream_give_the_same_numbers_and_others_differ() {
        let numbers = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            [dice.bits(), dice.bits(), dice.bits()]
        };
        assert_eq!(numbers(7, 123_456), numbers(7, 123_456));
        assert_ne!(numbers(7, 0), numbers(7, 1));
        assert_ne!(numbers(7, 0), numbers(8, 0));
    }

    #[test]
    fn numbers_stay_in_range_and_cover_it() {
        let mut dice = Dice::new(1, 1);
        let mut seen = [0u32; 6];
        for _ in 0..6000 {
            seen[usize::try_from(dice.below(6)).unwrap()] += 1;
            assert!((3..=5).contains(&dice.between(3, 5)));
        }
        assert!(seen.iter().all(|n| (850..1150).contains(n)), "{seen:?}");
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.pick::<u8>(&[]), None);
    }

    #[test]
    fn few_gives_as_many_as_asked_in_order() {
        let pool: Vec<u32> = (0..20).collect();
        for count in 0..25 {
            let chosen = Dice::new(3, count.into()).few(&pool, count);
            assert_eq!(chosen.len(), usize::try_from(count.min(20)).unwrap());
            assert!(chosen.is_sorted());
        }
    }
}
