//! Contents of messages: text of any length, unlike all other, that hardly gets smaller by compression.

/// Letters and digits in no order, of which compression leaves two thirds; the same for the same seed.
pub(crate) fn noise(seed: usize, length: usize) -> String {
    let mut state = seed as u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The lower bits of such a generator are not in disorder.
        char::from_digit(u32::try_from(state >> 40).unwrap_or_default() % 36, 36)
    };
    std::iter::from_fn(next).take(length).collect()
}
