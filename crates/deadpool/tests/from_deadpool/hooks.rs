use super::*;

#[tokio::test]
async fn hooks_are_called_in_deadpools_order() {
    let exchange = Exchange::default();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let says = |what: &'static str| {
        let heard = Arc::clone(&heard);
        move |recycle_count: usize| heard.lock().unwrap().push((what, recycle_count))
    };
    let (created, also_created) = (says("created"), says("also created"));
    let (before, after) = (says("before"), says("after"));
    let recycled = exchange.clone();
    let backend = FromDeadpool::new(exchange.clone())
        .post_create(Hook::sync_fn(move |_, metrics| {
            created(metrics.recycle_count);
            Ok(())
        }))
        .post_create(Hook::async_fn(move |_, metrics| {
            let also_created = also_created.clone();
            Box::pin(async move {
                tokio::task::yield_now().await;
                also_created(metrics.recycle_count);
                Ok(())
            })
        }))
        .pre_recycle(Hook::sync_fn(move |_, metrics| {
            before(metrics.recycle_count + 10 * recycled.recycled());
            Ok(())
        }))
        .post_recycle(Hook::sync_fn({
            let exchange = exchange.clone();
            move |_, metrics| {
                after(metrics.recycle_count + 10 * exchange.recycled());
                Ok(())
            }
        }));
    let pool = Pool::builder(backend).max_size(1).build().unwrap();
    for _ in 0..2 {
        used(&pool).await.release().await.unwrap();
    }
    assert_eq!(
        *heard.lock().unwrap(),
        [
            ("created", 0),
            ("also created", 0),
            ("before", 0),
            ("after", 10),
            ("before", 11),
            ("after", 21)
        ]
    );
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn what_a_hook_refuses_is_ended() {
    type AddHook = fn(FromDeadpool<Exchange>, Hook<Exchange>) -> FromDeadpool<Exchange>;
    type MakeError = fn() -> HookError<Trouble>;
    let failures: [(MakeError, &str); 2] = [
        (|| HookError::Backend(Trouble::Dead), "the manager could not recycle the object"),
        (|| HookError::message("no"), "the object was refused when it came back: no"),
    ];
    for add in [FromDeadpool::pre_recycle as AddHook, FromDeadpool::post_recycle] {
        for (failure, told) in failures {
            let exchange = Exchange::default();
            let backend = FromDeadpool::new(exchange.clone());
            let backend = add(backend, Hook::sync_fn(move |_, _| Err(failure())));
            let mut session = backend.open().await.unwrap();
            let error = Session::release(&mut session).await.unwrap_err();
            assert_eq!(error.to_string(), told);
            assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));
            Session::close(session).await.unwrap();
            exchange.assert_all_ended();
        }
    }
}

#[tokio::test]
async fn what_a_hook_refuses_is_not_opened() {
    let exchange = Exchange::default();
    let refuse = Hook::sync_fn(|_, _| Err(HookError::message("no")));
    let error = FromDeadpool::new(exchange.clone()).post_create(refuse).open().await.unwrap_err();
    assert_eq!(error.to_string(), "the object was refused when it was created: no");
    assert_eq!(Calls::classify(&error), Fault::Other);

    let fail = Hook::sync_fn(|_, _| Err(HookError::Backend(Trouble::Dead)));
    let backend = FromDeadpool::new(exchange.clone()).post_create(fail);
    let error = backend.classify(|_| Fault::Rejected).open().await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "line dead");
    assert_eq!(Calls::classify(&error), Fault::Rejected);
    assert_eq!(exchange.book().detached, [1, 2]);
    exchange.assert_all_ended();
}

#[tokio::test]
async fn a_setter_changes_nothing_for_other_handles() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let strict = backend.clone().pre_recycle(Hook::sync_fn(|_, _| Err(HookError::message("no"))));
    let (mut plain, mut refused) = (backend.open().await.unwrap(), strict.open().await.unwrap());
    Session::release(&mut plain).await.unwrap();
    Session::release(&mut refused).await.unwrap_err();
    assert_eq!(backend.manager().live(), 2);
    drop((plain, refused));
    exchange.assert_all_ended();
}
