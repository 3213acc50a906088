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

/// Up to this many parts the units left over are found by comparing each with each, which has no branch to
/// guess wrong; above by partitioning.
const RANKED_PARTS_MAX: usize = 16;

/// What there is to know about weights before any amount is split by them. Most models give everything to one
/// touch or the same to each; neither needs a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One part gets everything: the only one that weighs anything, or the last when none does.
    Only(usize),
    /// Every part weighs the same.
    Equal,
    Mixed {
        total: u128,
        /// `u64::MAX / total` when the total fits in 64 bits, else zero.
        reciprocal: u64,
    },
}

impl Shape {
    /// The shape of `weights`; of none at all it is meaningless.
    pub(crate) fn of(weights: &[u64]) -> Shape {
        let mut weighted = 0;
        let mut only = weights.len().saturating_sub(1);
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
        match (weighted, equal) {
            (0 | 1, _) => Shape::Only(only),
            (_, true) => Shape::Equal,
            _ => Shape::Mixed { total, reciprocal: u64::try_from(total).map_or(0, |total| u64::MAX / total) },
        }
    }
}

impl Allocator {
    /// Splits `amount` by `weights` into `out`, which has one place per weight.
    ///
    /// # Panics
    /// When `out` and `weights` differ in length.
    pub fn allocate(&mut self, amount: i64, weights: &[u64], out: &mut [i64]) {
        self.allocate_shaped(amount, weights, Shape::of(weights), out);
    }

    /// [`Allocator::allocate`] when the shape of the weights is known already.
    pub(crate) fn allocate_shaped(&mut self, amount: i64, weights: &[u64], shape: Shape, out: &mut [i64]) {
        assert_eq!(weights.len(), out.len(), "one place per weight");
        if weights.is_empty() {
            return;
        }
        if amount == 0 {
            out.fill(0);
            return;
        }
        let size = amount.unsigned_abs();
        match shape {
            Shape::Only(at) => {
                out.fill(0);
                out[at] = amount;
                return;
            }
            Shape::Equal => {
                let parts = weights.len() as u64;
                let (floor, left) = (size / parts, (size % parts) as usize);
                out.fill(floor as i64);
                out[weights.len() - left..].iter_mut().for_each(|part| *part += 1);
            }
            Shape::Mixed { total, reciprocal } => match u64::try_from(total) {
                Ok(total) if size.checked_mul(total).is_some() => {
                    self.allocate_narrow(size, weights, total, reciprocal, out);
                }
                _ => self.allocate_wide(size, weights, total, out),
            },
        }
        if amount < 0 {
            out.iter_mut().for_each(|part| *part = -*part);
        }
    }

    /// Every product fits in 64 bits. One division for all parts: dividing by `total` is multiplying by its
    /// reciprocal and correcting, which is exact and several times faster than a division a part.
    fn allocate_narrow(&mut self, size: u64, weights: &[u64], total: u64, reciprocal: u64, out: &mut [i64]) {
        let mut left = size;
        self.narrow.resize(weights.len(), 0);
        for ((&weight, part), rest) in weights.iter().zip(out.iter_mut()).zip(&mut self.narrow) {
            let product = size * weight;
            let mut quotient = ((u128::from(product) * u128::from(reciprocal)) >> 64) as u64;
            let mut remainder = product - quotient * total;
            while remainder >= total {
                quotient += 1;
                remainder -= total;
            }
            left -= quotient;
            *part = quotient as i64;
            *rest = remainder;
        }
        give_leftover(&self.narrow, &mut self.order, left as usize, out);
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
        give_leftover(&self.wide, &mut self.order, left as usize, out);
    }
}

/// One unit each to the `left` largest remainders, later parts first among equals. `left` is below the number
/// of parts with a remainder, because the remainders add up to `left` times the total weight.
fn give_leftover<T: Copy + Ord>(remainders: &[T], order: &mut Vec<u32>, left: usize, out: &mut [i64]) {
    if left == 0 {
        return;
    }
    if remainders.len() <= RANKED_PARTS_MAX {
        for (at, (&own, part)) in remainders.iter().zip(out).enumerate() {
            let before = remainders[..at].iter().map(|&other| usize::from(other > own)).sum::<usize>();
            let after =
                remainders[at..].iter().skip(1).map(|&other| usize::from(other >= own)).sum::<usize>();
            *part += i64::from(before + after < left);
        }
    } else {
        order.clear();
        order.extend(0..remainders.len() as u32);
        let largest_first =
            |a: &u32, b: &u32| remainders[*b as usize].cmp(&remainders[*a as usize]).then_with(|| b.cmp(a));
        order.select_nth_unstable_by(left - 1, largest_first);
        order[..left].iter().for_each(|&at| out[at as usize] += 1);
    }
}
