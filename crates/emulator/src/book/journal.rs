use std::collections::VecDeque;
use std::time::Duration;

/// How many requests are kept: the latest.
const KEPT: usize = 10_000;

/// A request as it came in, without password and sid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// When, by the emulator's clock.
    pub at: Duration,
    /// `GET` or `POST`.
    pub method: String,
    /// The path before `gw`.
    pub caller: String,
    /// The transaction as it was sent.
    pub api: String,
    /// The user.
    pub uid: String,
    /// The group, where one was sent.
    pub gid: Option<String>,
    /// The login type as it was sent.
    pub kill: Option<String>,
    /// Whether a `sid` was sent.
    pub with_sid: bool,
    /// The code that the transaction came to, whether or not that was answered;
    /// nothing while it runs, or if it was never executed.
    pub rc: Option<u16>,
}

/// The latest requests.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: VecDeque<Request>,
    dropped: u64,
}

impl Journal {
    /// Answers the request's number.
    pub(crate) fn begin(&mut self, request: Request) -> u64 {
        if self.requests.len() == KEPT {
            self.requests.pop_front();
            self.dropped += 1;
        }
        self.requests.push_back(request);
        self.dropped + self.requests.len() as u64 - 1
    }

    pub(crate) fn end(&mut self, number: u64, rc: u16) {
        let index = number.checked_sub(self.dropped).and_then(|index| usize::try_from(index).ok());
        if let Some(request) = index.and_then(|index| self.requests.get_mut(index)) {
            request.rc = Some(rc);
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(api: &str) -> Request {
        Request {
            at: Duration::ZERO,
            method: "GET".to_owned(),
            caller: String::new(),
            api: api.to_owned(),
            uid: String::new(),
            gid: None,
            kill: None,
            with_sid: false,
            rc: None,
        }
    }

    #[test]
    fn the_latest_10_000_are_kept_and_end_under_their_own_numbers() {
        let mut journal = Journal::default();
        let numbers: Vec<u64> =
            (0..KEPT + 3).map(|number| journal.begin(request(&number.to_string()))).collect();
        for (index, number) in numbers.iter().enumerate() {
            journal.end(*number, u16::try_from(index % 100).unwrap());
        }
        let kept = journal.requests();
        assert_eq!(kept.len(), KEPT);
        for (index, request) in (3..).zip(&kept) {
            assert_eq!(request.api, index.to_string());
            assert_eq!(request.rc, Some(index % 100));
        }
    }
}
