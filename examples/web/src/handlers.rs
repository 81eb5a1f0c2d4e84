//! What is answered.

use std::collections::VecDeque;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use sessionpool::axum::{Problem, Work};

use crate::database::{Country, Database, Station};

#[derive(Deserialize)]
pub(crate) struct Search {
    country: Option<String>,
    /// Part of the name, in whatever case.
    name: Option<String>,
    limit: Option<u32>,
}

pub(crate) async fn list<S: Database>(
    mut work: Work<S>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Station>>, Problem> {
    let country = search.country.unwrap_or_else(|| "%".to_owned());
    let name = format!("%{}%", search.name.unwrap_or_default().to_lowercase());
    let limit = i64::from(search.limit.unwrap_or(100).min(1_000));
    Ok(Json(work.session().await?.search(&country, &name, limit).await?))
}

pub(crate) async fn station<S: Database>(
    mut work: Work<S>,
    Path(id): Path<String>,
) -> Result<Json<Station>, Problem> {
    Ok(Json(known(&mut *work.session().await?, &id).await?))
}

/// The station, or a 404.
async fn known<S: Database>(session: &mut S, id: &str) -> Result<Station, Problem> {
    session.station(id).await?.ok_or_else(|| {
        let problem = Problem::new(StatusCode::NOT_FOUND, "no such station");
        problem.detail(format!("{id} is not known here"))
    })
}

#[derive(Deserialize)]
pub(crate) struct Transfer {
    from: String,
    to: String,
    instruments: i64,
}

#[derive(Serialize)]
pub(crate) struct Transferred {
    from: Station,
    to: Station,
}

/// Takes from one and gives to the other. When the second of them cannot, what the first
/// did is undone: a problem rolls back.
///
/// In the order of their ids, whichever way it goes: two transfers that meet then wait for
/// each other, and not in a circle.
pub(crate) async fn transfer<S: Database>(
    mut work: Work<S>,
    Json(transfer): Json<Transfer>,
) -> Result<Json<Transferred>, Problem> {
    let Transfer { from, to, instruments } = transfer;
    if instruments < 1 || from == to {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing to transfer"));
    }
    let mut session = work.session().await?;
    let mut changes = [(&from, -instruments), (&to, instruments)];
    changes.sort_unstable();
    for (id, change) in changes {
        if !session.add(id, change).await? {
            let station = known(&mut *session, id).await?;
            return Err(Problem::new(StatusCode::CONFLICT, "not enough instruments")
                .detail(format!("{id} has {}, not {instruments}", station.instruments)));
        }
    }
    let transferred = Transferred {
        from: known(&mut *session, &from).await?,
        to: known(&mut *session, &to).await?,
    };
    drop(session);

    let notice = format!("{instruments} from {from} to {to}");
    work.after_commit(move |mut work| async move {
        work.session().await?.notify(&notice).await?;
        Ok::<_, Problem>(())
    })?;
    Ok(Json(transferred))
}

pub(crate) async fn notices<S: Database>(mut work: Work<S>) -> Result<Json<Vec<String>>, Problem> {
    Ok(Json(work.session().await?.notices().await?))
}

pub(crate) async fn report<S: Database>(mut work: Work<S>) -> Result<Json<Vec<Country>>, Problem> {
    Ok(Json(work.session().await?.report().await?))
}

/// All stations, in pages of one snapshot: the unit stays with the body.
pub(crate) async fn csv<S: Database>(mut work: Work<S>) -> impl IntoResponse {
    work.keep_for_body();
    ([(CONTENT_TYPE, "text/csv; charset=utf-8")], Body::from_stream(lines(work)))
}

const PAGE: i64 = 500;

fn lines<S: Database>(
    work: Work<S>,
) -> impl Stream<Item = Result<String, Problem>> + Send + 'static {
    let start = (work, String::new(), VecDeque::new(), false);
    stream::try_unfold(start, |(mut work, mut last, mut page, mut done)| async move {
        if page.is_empty() && !done {
            page = work.session().await?.page_after(&last, PAGE).await?.into();
            done = (page.len() as i64) < PAGE;
        }
        let Some(Station { id, name, country, .. }) = page.pop_front() else { return Ok(None) };
        let line = format!("{id},\"{}\",{country}\n", name.replace('"', "\"\""));
        last = id;
        Ok(Some((line, (work, last, page, done))))
    })
}
