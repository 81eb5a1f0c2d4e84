use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};

use super::door::Door;
use super::orders::{self, Orders};
use crate::gateway::Gateway;

const MAX_CONNECTIONS: usize = 1024;

/// Takes connections until the emulator stops. Whoever waits for the other end of
/// `alive` learns when the last connection is gone.
pub(crate) async fn listen(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    door: Door,
    orders: watch::Receiver<Orders>,
    alive: mpsc::Sender<()>,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accept = async {
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // No file handle is left, or the like: give the others time to end.
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let now = *orders.borrow();
            let serving = door.clone().serve(Arc::clone(&gateway), stream, orders.clone(), now);
            let alive = alive.clone();
            tokio::spawn(async move {
                serving.await;
                drop((place, alive));
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = orders::stopped(orders.clone()) => {}
    }
}
