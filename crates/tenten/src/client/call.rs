use std::fmt;

use crate::secret::Secret;

/// One transaction, ready to be sent.
pub(crate) struct Call<'a> {
    pub(crate) api: &'static str,
    uid: &'a str,
    pub(super) pswd: &'a Secret,
    pub(super) sid: Option<&'a Secret>,
    others: Vec<(&'static str, &'a str)>,
    pub(super) body: String,
    pub(super) pace: Pace,
    pub(super) likely: Likely,
}

/// How large an answer will be, as far as can be told; room for it is made at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Likely {
    pub(crate) bytes: usize,
    pub(crate) cells: usize,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As long as the caller's queries may.
    Work,
    /// Not long: logins and what comes around them.
    Lifecycle,
}

impl<'a> Call<'a> {
    pub(crate) fn new(api: &'static str, uid: &'a str, pswd: &'a Secret) -> Self {
        let (others, body) = (Vec::new(), String::new());
        let (pace, likely) = (Pace::Lifecycle, Likely::default());
        Self { api, uid, pswd, sid: None, others, body, pace, likely }
    }

    pub(crate) fn sid(mut self, sid: Option<&'a Secret>) -> Self {
        self.sid = sid;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.others.push((name, value));
        self
    }

    pub(crate) fn work(mut self, body: String) -> Self {
        self.body = body;
        self.pace = Pace::Work;
        self
    }

    pub(crate) fn likely(mut self, likely: Likely) -> Self {
        self.likely = likely;
        self
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) const fn user(&self) -> &str {
        self.uid
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fixed = [("uid", self.uid), ("pswd", self.pswd.expose())];
        let sid = self.sid.map(|sid| ("sid", sid.expose()));
        fixed.into_iter().chain(sid).chain(self.others.iter().copied())
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("api", &self.api).finish_non_exhaustive()
    }
}
