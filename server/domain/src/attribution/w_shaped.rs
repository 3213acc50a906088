//! W-shaped: first touch, the touch that made the lead, and last touch earn 30 % each, the others share 10 %.
//!
//! Not in the list of models, because it needs to know which touch made the lead, which a journey alone does
//! not tell; the weighting is here with its golden vectors.

/// Weights for `touches` touches (at least one), the lead made at touch `lead`. Positions that coincide add
/// up; without other touches the 10 % are shared in proportion. Scaled to the smallest whole numbers that keep
/// these percentages.
pub fn w_shaped(touches: usize, lead: usize, out: &mut Vec<u64>) {
    assert!(lead < touches, "the lead was made at one of the touches");
    out.clear();
    out.resize(touches, 0);
    for at in [0, lead, touches - 1] {
        out[at] += 30;
    }
    let others = out.iter().filter(|&&weight| weight == 0).count() as u64;
    if others > 0 {
        // Each of the others gets 10 / others, over the common denominator.
        let each = 10 / gcd(10, others);
        let scale = others / gcd(10, others);
        for weight in out {
            *weight = if *weight == 0 { each } else { *weight * scale };
        }
    } else {
        // Times 100/90 = 10/9; thirds remain unless one touch holds all three positions.
        let scale = if touches == 1 { 9 } else { 3 };
        out.iter_mut().for_each(|weight| *weight = *weight * 10 / scale);
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
