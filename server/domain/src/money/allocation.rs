//! Splitting a whole number by weights so that the parts add up to it exactly: the largest-remainder method.
//!
//! The law: `share_i = floor(amount · w_i / Σw)`; the units left over go one each to the largest remainders;
//! equal remainders go to the *later* part first; a negative amount is its absolute value split and negated;
//! when every weight is zero the last part gets everything. Credits, refunds, order parts and explanations all
//! come through here and nowhere else.

/// How one part came about, for explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// `floor(|amount| · weight / Σ weights)`.
    pub floor: u64,
    /// `|amount| · weight mod Σ weights`: who is next for a unit left over.
    pub remainder: u128,
    /// 1 when the part got one of the units left over, else 0 (all of the amount for the last part when every
    /// weight is zero).
    pub leftover: u64,
    /// The part itself, with the sign of the amount.
    pub part: i64,
}

/// Splits `amount` by `weights` into `out`, replacing what it held. Empty weights give no parts.
pub fn allocate(amount: i64, weights: &[u64], out: &mut Vec<i64>) {
    out.clear();
    out.resize(weights.len(), 0);
    Allocator::default().allocate(amount, weights, out);
}

/// The same split as [`allocate`], told part by part.
pub fn shares(amount: i64, weights: &[u64]) -> Vec<Share> {
    let mut parts = Vec::new();
    allocate(amount, weights, &mut parts);
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let told = weights.iter().zip(parts).map(|(&weight, part)| {
        let product = u128::from(amount.unsigned_abs()) * u128::from(weight);
        let (floor, remainder) = match total {
            0 => (0, 0),
            _ => ((product / total) as u64, product % total),
        };
        Share { floor, remainder, leftover: part.unsigned_abs() - floor, part }
    });
    told.collect()
}

/// [`allocate`] with memory that is used again: for splitting many amounts without allocating.
#[derive(Debug, Default)]
pub struct Allocator {
    narrow: Vec<u64>,
    wide: Vec<u128>,
    order: Vec<u32>,
}

/// Up to this many parts the units left over are found by scanning, above by partitioning.
const SCAN_PARTS_MAX: usize = 24;

impl Allocator {
    /// Splits `amount` by `weights` into `out`, which has one place per weight.
    ///
    /// # Panics
    /// When `out` and `weights` differ in length.
    pub fn allocate(&mut self, amount: i64, weights: &[u64], out: &mut [i64]) {
        assert_eq!(weights.len(), out.len(), "one place per weight");
        let Some(last) = weights.len().checked_sub(1) else { return };
        out.fill(0);
        if amount == 0 {
            return;
        }
        // Most models give everything to one touch or the same to each; neither needs a product.
        let mut weighted = 0;
        let mut only = last;
        let mut total: u128 = 0;
        let mut equal = true;
        for (at, &weight) in weights.iter().enumerate() {
            total += u128::from(weight);
            equal &= weight == weights[0];
            if weight != 0 {
                weighted += 1;
                only = at;
            }
        }
        if weighted <= 1 {
            out[only] = amount;
            return;
        }
        let size = amount.unsigned_abs();
        if equal {
            let parts = weights.len() as u64;
            let (floor, left) = (size / parts, (size % parts) as usize);
            out.fill(floor as i64);
            out[weights.len() - left..].iter_mut().for_each(|part| *part += 1);
        } else if let Ok(total) = u64::try_from(total)
            && size.checked_mul(total).is_some()
        {
            self.allocate_narrow(size, weights, total, out);
        } else {
            self.allocate_wide(size, weights, total, out);
        }
        if amount < 0 {
            // Wrapping: i64::MIN is its own negation, and the only part that can be it is the whole amount.
            out.iter_mut().for_each(|part| *part = part.wrapping_neg());
        }
    }

    /// Every product fits in 64 bits. One division for all parts: dividing by `total` is multiplying by its
    /// reciprocal and correcting, which is exact and several times faster than a division a part.
    fn allocate_narrow(&mut self, size: u64, weights: &[u64], total: u64, out: &mut [i64]) {
        let reciprocal = u64::MAX / total;
        let mut left = size;
        self.narrow.clear();
        for (&weight, part) in weights.iter().zip(out.iter_mut()) {
            let product = size * weight;
            let mut quotient = ((u128::from(product) * u128::from(reciprocal)) >> 64) as u64;
            let mut remainder = product - quotient * total;
            while remainder >= total {
                quotient += 1;
                remainder -= total;
            }
            left -= quotient;
            *part = quotient as i64;
            self.narrow.push(remainder);
        }
        give_leftover(&mut self.narrow, &mut self.order, left as usize, out);
    }

    /// Products of up to 128 bits.
    fn allocate_wide(&mut self, size: u64, weights: &[u64], total: u128, out: &mut [i64]) {
        let mut left = size;
        self.wide.clear();
        for (&weight, part) in weights.iter().zip(out.iter_mut()) {
            let product = u128::from(size) * u128::from(weight);
            let quotient = (product / total) as u64;
            left -= quotient;
            *part = quotient as i64;
            self.wide.push(product % total);
        }
        give_leftover(&mut self.wide, &mut self.order, left as usize, out);
    }
}

/// One unit each to the `left` largest remainders, later parts first among equals. `left` is below the number
/// of parts with a remainder, because the remainders add up to `left` times the total weight.
fn give_leftover<T: Copy + Ord + Default>(
    remainders: &mut [T],
    order: &mut Vec<u32>,
    left: usize,
    out: &mut [i64],
) {
    if remainders.len() <= SCAN_PARTS_MAX {
        for _ in 0..left {
            let mut best = 0;
            for at in 1..remainders.len() {
                if remainders[at] >= remainders[best] {
                    best = at;
                }
            }
            out[best] += 1;
            remainders[best] = T::default();
        }
    } else if left > 0 {
        order.clear();
        order.extend(0..remainders.len() as u32);
        let largest_first =
            |a: &u32, b: &u32| remainders[*b as usize].cmp(&remainders[*a as usize]).then_with(|| b.cmp(a));
        order.select_nth_unstable_by(left - 1, largest_first);
        order[..left].iter().for_each(|&at| out[at as usize] += 1);
    }
}
