use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};

use super::{Ending, Plan};

/// Something that goes wrong, on demand: which requests it meets, and what happens
/// to them. Given to [`Emulator::fault`](crate::Emulator::fault).
///
/// Of several faults that fit a request, the one given first is taken. A fault
/// meets one request unless [`times`](Self::times) or [`always`](Self::always) say
/// otherwise. Delays are real time, whatever the emulator's clock does.
///
/// ```
/// use sessionpool_emulator::Fault;
///
/// let busy = Fault::on("getuid").times(3).rc(38, "System busy, please try again");
/// let lost = Fault::on("reluid").uid("clientx_0").lose_reply();
/// let broken = Fault::on("getdata").skip(1).edit(|body| body[..body.len() / 2].to_vec());
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to an emulator"]
pub struct Fault {
    pub(super) api: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) caller: Option<String>,
    pub(super) skip: usize,
    pub(super) times: usize,
    pub(crate) plan: Plan,
}

impl Fault {
    /// Meets requests of this transaction, such as `getuid`.
    pub fn on(api: &str) -> Self {
        Self { api: Some(api.to_ascii_lowercase()), ..Self::on_any() }
    }

    /// Meets every request.
    pub fn on_any() -> Self {
        Self { api: None, uid: None, caller: None, skip: 0, times: 1, plan: Plan::default() }
    }

    /// Meets requests of this user only.
    pub fn uid(mut self, uid: &str) -> Self {
        self.uid = Some(uid.to_owned());
        self
    }

    /// Meets requests that came by [this caller's URL](crate::Emulator::url_for)
    /// only.
    pub fn caller(mut self, caller: &str) -> Self {
        self.caller = Some(caller.to_owned());
        self
    }

    /// Leaves the first `requests` that fit alone.
    pub const fn skip(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Meets this many requests. Default: 1.
    pub const fn times(mut self, requests: usize) -> Self {
        self.times = requests;
        self
    }

    /// Meets every request that fits, until it is [lifted](crate::FaultHandle::lift).
    pub const fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Lets this time pass before the request is looked at.
    pub const fn delay(mut self, time: Duration) -> Self {
        self.plan.before = time;
        self
    }

    /// Has a transaction of a session take this long: the session is busy meanwhile,
    /// and can be killed. Does nothing to other transactions: [delay](Self::delay)
    /// those.
    pub const fn take(mut self, time: Duration) -> Self {
        self.plan.during = time;
        self
    }

    /// Lets this time pass between the effect and the answer.
    pub const fn delay_reply(mut self, time: Duration) -> Self {
        self.plan.after = time;
        self
    }

    /// Holds the request back, before it is looked at, until the fault is
    /// [lifted](crate::FaultHandle::lift).
    pub const fn hold(mut self) -> Self {
        self.plan.held = true;
        self
    }

    /// Holds the answer back, the transaction having had its effect, until the fault
    /// is [lifted](crate::FaultHandle::lift).
    pub const fn hold_reply(mut self) -> Self {
        self.plan.held_reply = true;
        self
    }

    /// Answers with this code. The transaction has no effect.
    pub fn rc(self, rc: u16, msg: &str) -> Self {
        self.ending(Ending::Rc(rc, msg.to_owned()))
    }

    /// Answers with an HTTP status and an HTML page. The transaction has no effect.
    ///
    /// # Panics
    ///
    /// This is no status of an answer: below 200, or above 599.
    pub fn status(self, status: u16) -> Self {
        let page =
            format!("<html><head><title>{status}</title></head><body>{status}</body></html>");
        self.status_with(status, page)
    }

    /// Answers with an HTTP status and this body. The transaction has no effect.
    ///
    /// # Panics
    ///
    /// This is no status of an answer: below 200, or above 599.
    pub fn status_with(self, status: u16, body: impl Into<Bytes>) -> Self {
        assert!((200..600).contains(&status), "{status} is no status of an answer");
        let status = StatusCode::from_u16(status).expect("200 to 599 are statuses");
        self.ending(Ending::Status(status, body.into()))
    }

    /// Answers with status 200 and this body. The transaction has no effect.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.ending(Ending::Body(body.into()))
    }

    /// Answers with what `edit` makes of the true answer's body.
    pub fn edit(self, edit: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.ending(Ending::Edit(Arc::new(edit)))
    }

    /// Adds a header to the answer, or puts it in the place of the usual one.
    ///
    /// # Panics
    ///
    /// This cannot stand in a header; or it frames the answer (`Content-Length`,
    /// `Transfer-Encoding`), which is for [`raw`](Self::raw) to say wrongly.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("a header's name");
        let value = HeaderValue::try_from(value).expect("a header's value");
        let frames = name == CONTENT_LENGTH || name == TRANSFER_ENCODING;
        assert!(!frames, "{name} frames the answer: use `raw`, `truncate` or `cut_chunks`");
        self.plan.headers.insert(name, value);
        self
    }

    /// Sends this many bytes of the true body under a `Content-Length` that
    /// promises all of it, and closes the connection.
    pub fn truncate(self, bytes: usize) -> Self {
        self.ending(Ending::Truncate(bytes))
    }

    /// Sends this many bytes of the true body in chunks, and closes the connection
    /// without the last one.
    pub fn cut_chunks(self, bytes: usize) -> Self {
        self.ending(Ending::CutChunks(bytes))
    }

    /// Sends the true body in pieces of `bytes`, with a pause before each.
    pub fn drip(self, bytes: usize, pause: Duration) -> Self {
        self.ending(Ending::Drip(bytes, pause))
    }

    /// Sends the true body but for its end, and then this again and again.
    pub fn endless(self, piece: impl Into<Bytes>) -> Self {
        self.ending(Ending::Endless(piece.into()))
    }

    /// Sends these bytes in the place of an HTTP answer, and closes the connection.
    /// The transaction has no effect.
    pub fn raw(self, bytes: impl Into<Bytes>) -> Self {
        self.ending(Ending::Raw(bytes.into()))
    }

    /// Does as it is asked, and closes the connection without an answer.
    pub fn lose_reply(self) -> Self {
        self.ending(Ending::Close).executed(true)
    }

    /// Does not do as it is asked, and closes the connection without an answer.
    pub fn lose_request(self) -> Self {
        self.ending(Ending::Close).executed(false)
    }

    /// Does as it is asked, and never answers.
    pub fn hang(self) -> Self {
        self.ending(Ending::Hang)
    }

    /// Says whether the transaction takes effect, where the ending would have it
    /// otherwise: a login that is answered with status 502 and done all the same.
    pub const fn executed(mut self, executed: bool) -> Self {
        self.plan.executed = Some(executed);
        self
    }

    fn ending(mut self, ending: Ending) -> Self {
        self.plan.ending = ending;
        self
    }
}
