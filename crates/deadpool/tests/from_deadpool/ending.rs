use super::*;

#[tokio::test]
async fn every_session_is_detached_once() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let open = async || backend.open().await.unwrap();
    Session::close(open().await).await.unwrap();
    Session::abort(open().await);
    drop(open().await);
    drop(Session::close(open().await));
    assert_eq!(exchange.book().detached, [1, 2, 3, 4]);
    exchange.assert_all_ended();
}

#[tokio::test]
async fn a_detach_or_a_drop_that_panics_is_not_let_through() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    exchange.book().detach_panics = true;
    let session = backend.open().await.unwrap();
    exchange.book().drop_panics = true;
    Session::abort(session);
    assert_eq!(exchange.book().detached, [1]);
    exchange.assert_all_ended();
}

#[test]
fn an_object_is_dropped_within_its_runtime() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let [first, second] =
        runtime.block_on(async { [backend.open().await.unwrap(), backend.open().await.unwrap()] });
    drop(first);
    assert_eq!(exchange.book().homeless, 0);
    drop(runtime);
    drop(second);
    assert_eq!(exchange.book().homeless, 0, "gone as it is, it still takes the blame");
    exchange.assert_all_ended();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_in_a_crowd() {
    let exchange = Exchange::default();
    let pool = Pool::builder(FromDeadpool::new(exchange.clone())).max_size(3).build().unwrap();
    let tasks = (0..8).map(|task| {
        let (pool, exchange) = (pool.clone(), exchange.clone());
        tokio::spawn(async move {
            for round in 0..100 {
                if (task + round) % 7 == 0 {
                    exchange.on_recycle(Act::Fail);
                }
                let mut lease = pool.acquire().await.unwrap();
                assert!(lease.is_usual());
                lease.speed = 110;
                match round % 4 {
                    0 => assert_eq!(lease.ask(round).await.unwrap(), round),
                    1 => assert!(cut(lease.ask(round), 1).await.is_none()),
                    2 => lease.discard(),
                    _ => drop(lease.release().await),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    close(&pool, &exchange).await;
    let book = exchange.book();
    assert_eq!(book.detached.len() as u64, book.created);
}

#[tokio::test]
async fn a_manager_may_go_there_and_back() {
    let exchange = Exchange::default();
    let manager = IntoDeadpool::new(FromDeadpool::new(exchange.clone()));
    let pool: deadpool::managed::Pool<_> =
        deadpool::managed::Pool::builder(manager).max_size(1).build().unwrap();
    let mut call = pool.get().await.unwrap();
    assert_eq!(call.ask(7).await.unwrap(), 7);
    drop(call);
    drop(pool.get().await.unwrap());
    assert_eq!((exchange.recycled(), exchange.live()), (1, 1));
    pool.close();
    pool.manager().drained().await;
    exchange.assert_all_ended();
}
