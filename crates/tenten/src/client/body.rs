//! An answer's bytes: as many as are allowed, as long as they come.

use reqwest::Response;
use tokio::time::timeout;

use super::{Call, Limits, Manner, broken, late, malformed};
use crate::Result;
use crate::error::Phase;
use crate::xml::{Flaw, XmlError};

/// All of it.
pub(super) async fn read(
    response: &mut Response,
    call: &Call<'_>,
    manner: &Manner,
) -> Result<Vec<u8>> {
    let most = manner.xml.max_bytes;
    let limit = manner.limits.idle_read;
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    let too_long =
        || malformed(call, XmlError { at: most, row: None, flaw: Flaw::TooLong { limit: most } });
    if announced.is_some_and(|length| length > most) {
        return Err(too_long());
    }
    // What is announced need not come: not all that is said is believed.
    let room = announced.unwrap_or(0).max(call.likely.bytes).min(FIRST_ROOM).min(most);
    let mut body = Vec::with_capacity(room);
    loop {
        let chunk = match timeout(limit, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => {
                // What was made room for in vain is worth a copy only if it is much.
                if body.capacity() - body.len() > body.len() / 8 {
                    body.shrink_to_fit();
                }
                return Ok(body);
            }
            Ok(Err(error)) => return Err(broken(call, error, true)),
            Err(_) => return Err(late(call, Phase::Reading, limit)),
        };
        if body.len() + chunk.len() > most {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
}

/// The most room made for an answer before it comes.
const FIRST_ROOM: usize = 32 << 20;

/// How it begins, for an error: whatever comes at once.
pub(super) async fn begin(response: &mut Response, most: usize, limits: &Limits) -> Vec<u8> {
    let mut begin = Vec::new();
    while begin.len() < most {
        match timeout(limits.idle_read.min(limits.connect), response.chunk()).await {
            Ok(Ok(Some(chunk))) => begin.extend_from_slice(&chunk),
            _ => break,
        }
    }
    begin
}
