use std::io;
use std::sync::Arc;

use sessionpool_core::Pool;
use sessionpool_tenten::{LoginType, Query, Tenten};
use tokio::sync::Barrier;

use super::server::{IDS, PASSWORD, Server, TABLE};

const TASKS: u64 = 64;

/// How often 64 tasks over 8 IDs log in, eight of which work at one time.
pub(crate) fn logins(server: &Server) -> io::Result<f64> {
    let before = server.emulator.book().calls("login");
    server.runtime.block_on(all(&server.emulator.url())).map_err(io::Error::other)?;
    Ok((server.emulator.book().calls("login") - before) as f64)
}

async fn all(url: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let builder = Tenten::builder(url).insecure().sam_pool("owner", "group").password(PASSWORD);
    let pool =
        Pool::builder(builder.login_type(LoginType::Possess).build()?).max_size(IDS).build()?;
    let together = Arc::new(Barrier::new(IDS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (pool, together) = (pool.clone(), Arc::clone(&together));
            tokio::spawn(async move {
                let mut session = pool.acquire().await?;
                together.wait().await;
                let mut query = Query::new(TABLE, "").window_size(100);
                query.row(&mut session, task * 1000).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}
