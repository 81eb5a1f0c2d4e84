use super::*;

#[tokio::test]
async fn an_unclassified_create_error_is_told_at_once() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    exchange.on_create(Act::Fail);
    let error = pool.acquire().await.unwrap_err();
    let AcquireError::Failed { fault: Fault::Other, cause, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause.to_string(), "the manager could not create an object");
    assert_eq!(cause.source().unwrap().to_string(), "line dead");
    let cause = cause.downcast_ref::<DeadpoolError<Trouble>>().unwrap();
    assert!(matches!(cause, DeadpoolError::Create { source: Trouble::Dead, .. }));
    close(&pool, &exchange).await;
    assert_eq!(exchange.detached(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_create_error_classified_as_transient_is_waited_out() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone()).classify(|error| match error {
        Trouble::Dead => Fault::Transient,
        Trouble::WrongAnswer => Fault::Other,
    });
    let pool = Pool::builder(backend).build().unwrap();
    exchange.on_create(Act::Fail);
    exchange.on_create(Act::Fail);
    assert_eq!(used(&pool).await.id(), 3);
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn a_create_that_panics_leaves_nothing() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    exchange.on_create(Act::Panic);
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Other, .. }), "{error:?}");
    close(&pool, &exchange).await;
}
