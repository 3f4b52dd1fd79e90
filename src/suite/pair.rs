//! Pairs what is expected with what was found.

use std::collections::VecDeque;

/// As many pairs as there can be of `left` and `right` indices that fit each other; what is left over on either side.
///
/// Which of several findings an expectation means may only show once all others are paired: augmenting paths.
pub(super) fn unpaired(left: usize, right: usize, fits: &dyn Fn(usize, usize) -> bool) -> (Vec<usize>, Vec<usize>) {
    let mut pairing = Pairing { right_of: vec![None; left], left_of: vec![None; right], fits };
    for start in 0..left {
        pairing.augment(start);
    }
    let free = |pairs: &[Option<usize>]| {
        pairs.iter().enumerate().filter(|(_, pair)| pair.is_none()).map(|(at, _)| at).collect()
    };
    (free(&pairing.right_of), free(&pairing.left_of))
}

struct Pairing<'f> {
    right_of: Vec<Option<usize>>,
    left_of: Vec<Option<usize>>,
    fits: &'f dyn Fn(usize, usize) -> bool,
}

impl Pairing<'_> {
    /// Finds a partner for `start`, moving others to another partner where that makes room.
    fn augment(&mut self, start: usize) {
        // By which left one a right one was reached.
        let mut via: Vec<Option<usize>> = vec![None; self.left_of.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(left) = queue.pop_front() {
            for (right, reached) in via.iter_mut().enumerate() {
                if reached.is_some() || !(self.fits)(left, right) {
                    continue;
                }
                *reached = Some(left);
                match self.left_of.get(right).copied().flatten() {
                    Some(other) => queue.push_back(other),
                    None => return self.shift(&via, right),
                }
            }
        }
    }

    /// Pairs `right` with the one that reached it, that one's former partner likewise, and so on.
    fn shift(&mut self, via: &[Option<usize>], right: usize) {
        let mut free = Some(right);
        while let Some(right) = free {
            let Some(left) = via.get(right).copied().flatten() else { return };
            if let Some(owner) = self.left_of.get_mut(right) {
                *owner = Some(left);
            }
            free = self.right_of.get_mut(left).and_then(|partner| partner.replace(right));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unpaired;

    #[test]
    fn makes_room_by_moving_others() {
        // The first fits both, the second only what the first took.
        let fits = |left: usize, right: usize| matches!((left, right), (0, 0 | 1) | (1, 0) | (2, 1 | 2));
        assert_eq!(unpaired(3, 3, &fits), (vec![], vec![]));
        assert_eq!(unpaired(2, 3, &fits), (vec![], vec![2]));
        assert_eq!(unpaired(3, 1, &fits), (vec![1, 2], vec![]));
        assert_eq!(unpaired(0, 2, &fits), (vec![], vec![0, 1]));
        assert_eq!(unpaired(2, 0, &fits), (vec![0, 1], vec![]));
    }
}
