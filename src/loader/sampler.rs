//! The order of an epoch.

use crate::seed::Seed;

/// The positions of `count` images in the order of `epoch`: a shuffle by a stream of its own.
///
/// ```
/// # use qgface_data::{loader::epoch_order, seed::Seed};
/// let order = epoch_order(Seed::new(1), 0, 5);
/// assert_eq!(order, epoch_order(Seed::new(1), 0, 5));
/// assert_eq!(order.iter().sum::<u32>(), 10);
/// ```
///
/// # Panics
/// When there are 2³² images or more.
pub fn epoch_order(seed: Seed, epoch: u32, count: usize) -> Vec<u32> {
    let count = match u32::try_from(count) {
        Ok(count) => count,
        Err(_) => panic!("{count} images are more than 32 bits count"),
    };
    let mut order: Vec<u32> = (0..count).collect();
    seed.stream(&format!("order/{epoch}")).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_every_image_once_in_an_order_of_its_own() {
        let [first, second] = [0, 1].map(|epoch| epoch_order(Seed::new(5), epoch, 1000));
        assert_ne!(first, second);
        assert_eq!(first, epoch_order(Seed::new(5), 0, 1000));
        for mut order in [first, second] {
            order.sort_unstable();
            assert!(order.into_iter().eq(0..1000));
        }
    }
}
