use std::sync::Arc;

use tokio::sync::watch;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there are no more")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What happens to a connection when a pattern passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Then {
    /// Nothing: the trap is there to be [waited for](Trap::sprung).
    GoOn,
    /// What ends with the pattern arrives, and then nothing on any connection, until
    /// the proxy is [healed](super::Proxy::heal).
    BlackHole,
    /// What ends with the pattern arrives, and both ends are closed.
    Close,
    /// What ends with the pattern arrives, and both ends are reset.
    Reset,
    /// The client hears nothing more, and is not told: what comes after the pattern
    /// is swallowed, or, where the client sent it, all that is said from then on. The
    /// server goes on hearing the client.
    Withhold,
    /// The reply is lost, and the connection reset: the one that begins with the
    /// pattern, or, where the client sent it, the next one. So the server has acted on
    /// what it was asked, and the client does not know.
    LoseReply,
}

/// A pattern that is waited for.
#[derive(Clone, Debug)]
pub struct Trap {
    snare: Arc<Snare>,
}

impl Trap {
    pub(super) const fn new(snare: Arc<Snare>) -> Self {
        Self { snare }
    }

    /// Waits until the pattern has passed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn sprung(&self) {
        // It fails when the sender is gone, and that is ours.
        let _ = self.snare.sprung.subscribe().wait_for(|sprung| *sprung).await;
    }

    /// True once the pattern has passed.
    #[must_use]
    pub fn has_sprung(&self) -> bool {
        self.snare.has_sprung()
    }

    /// Waits for the pattern no more.
    pub fn disarm(&self) {
        self.snare.spring();
    }
}

#[derive(Debug)]
pub(super) struct Snare {
    direction: Direction,
    pattern: Box<[u8]>,
    then: Then,
    sprung: watch::Sender<bool>,
}

impl Snare {
    pub(super) fn new(direction: Direction, pattern: &[u8], then: Then) -> Self {
        assert!(!pattern.is_empty(), "an empty pattern is everywhere");
        Self { direction, pattern: pattern.into(), then, sprung: watch::Sender::new(false) }
    }

    pub(super) const fn direction(&self) -> Direction {
        self.direction
    }

    pub(super) fn has_sprung(&self) -> bool {
        *self.sprung.borrow()
    }

    /// True for the first who asks.
    pub(super) fn spring(&self) -> bool {
        !self.sprung.send_replace(true)
    }
}

/// Looks for patterns in what goes one way over one connection.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The last of what went by: as much as the longest pattern may need.
    past: Vec<u8>,
}

/// Where a pattern was found in a piece, and what is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Find {
    pub(super) then: Then,
    /// Where the pattern begins, or the piece if that was before.
    pub(super) from: usize,
    /// Where what ends with the pattern ends.
    pub(super) to: usize,
}

impl Watch {
    /// The pattern that ends first in `piece` springs its trap.
    pub(super) fn look(&mut self, snares: &[Arc<Snare>], piece: &[u8]) -> Option<Find> {
        let past = self.past.len();
        self.past.extend_from_slice(piece);
        let find = snares
            .iter()
            .filter_map(|snare| Some((end(&self.past, past, &snare.pattern)?, snare)))
            .min_by_key(|(end, _)| *end)
            .filter(|(_, snare)| snare.spring())
            .map(|(end, snare)| Find {
                then: snare.then,
                from: (end - snare.pattern.len()).saturating_sub(past),
                to: end - past,
            });
        let longest = snares.iter().map(|snare| snare.pattern.len()).max().unwrap_or(0);
        let keep = longest.max(KEPT).saturating_sub(1).min(self.past.len());
        self.past.drain(..self.past.len() - keep);
        find
    }
}

/// Kept also while no trap is set, for one that is set in the middle of its pattern.
const KEPT: usize = 64;

/// Where the first occurrence ends that ends after `past`.
fn end(bytes: &[u8], past: usize, pattern: &[u8]) -> Option<usize> {
    let from = (past + 1).saturating_sub(pattern.len());
    let at = bytes[from..].windows(pattern.len()).position(|window| window == pattern)?;
    Some(from + at + pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snare(pattern: &str, then: Then) -> Arc<Snare> {
        Arc::new(Snare::new(Direction::ToServer, pattern.as_bytes(), then))
    }

    #[test]
    fn a_pattern_is_found_across_pieces_and_only_once() {
        let snares = [snare("COMMIT", Then::Close)];
        let mut watch = Watch::default();
        assert_eq!(watch.look(&snares, b"begin; COM"), None);
        let found = Find { then: Then::Close, from: 0, to: 3 };
        assert_eq!(watch.look(&snares, b"MIT; COMMIT"), Some(found));
        assert_eq!(watch.look(&snares, b"; COMMIT"), None);
    }

    #[test]
    fn what_went_by_before_is_not_found_again() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(&[], b"COMMIT"), None);
        assert_eq!(watch.look(&[snare("COMMIT", Then::Close)], b";"), None);
    }

    #[test]
    fn the_pattern_that_ends_first_wins() {
        let snares = [snare("abcd", Then::Close), snare("bc", Then::Reset)];
        let found = Find { then: Then::Reset, from: 1, to: 3 };
        assert_eq!(Watch::default().look(&snares, b"abcd"), Some(found));
        assert!(!snares[0].has_sprung());
    }
}
