//! Medians and the like.

/// The middle of `values`, where `None` is never: longer than anything. `None` too
/// if there are no values.
pub(crate) fn median(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> =
        values.into_iter().map(|value| value.unwrap_or(f64::INFINITY)).collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get((values.len().max(1) - 1) / 2)?, values.get(values.len() / 2)?);
    Some(low.midpoint(*high)).filter(|middle| middle.is_finite())
}

/// The value that `share` of `values` do not exceed.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (share * values.len() as f64).ceil().max(1.0) as usize;
    values.get(rank - 1).copied()
}

/// Jain's index of fairness: 1 if all have the same, 1/n if one has it all.
pub(crate) fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_takes_the_middle() {
        assert_eq!(median([Some(3.0), Some(1.0), Some(2.0)]), Some(2.0));
        assert_eq!(median([Some(1.0), Some(2.0)]), Some(1.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn never_is_longer_than_anything() {
        assert_eq!(median([None, Some(1.0), Some(2.0)]), Some(2.0));
        assert_eq!(median([None, None, Some(1.0)]), None);
        assert_eq!(median([None, Some(1.0)]), None);
    }

    #[test]
    fn quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.99), Some(99.0));
        assert_eq!(quantile(values, 0.0), Some(1.0));
        assert_eq!(quantile(Vec::new(), 0.99), None);
    }

    #[test]
    fn jain_tells_even_from_uneven() {
        assert_eq!(jain(&[5.0, 5.0, 5.0, 5.0]), 1.0);
        assert_eq!(jain(&[5.0, 0.0, 0.0, 0.0]), 0.25);
    }
}
