use super::*;

fn refused(builder: PoolBuilder<ScriptedSession>) -> String {
    builder.build().unwrap_err().to_string()
}

fn builder() -> PoolBuilder<ScriptedSession> {
    Pool::builder(Scripted::new())
}

#[test]
fn an_error_names_the_setter_the_value_and_what_is_valid() {
    assert_eq!(
        refused(builder().max_size(0)),
        "max_size is 0, but 1 to 1000000 sessions are possible"
    );
    assert_eq!(
        refused(builder().max_size(3).min_idle(4)),
        "min_idle is 4, but max_size is 3: at most 3 is possible"
    );
    assert_eq!(
        refused(builder().max_size(9).max_idle(3).min_idle(4)),
        "min_idle is 4, but max_idle is 3: at most 3 is possible"
    );
    assert_eq!(
        refused(builder().max_size(3).max_idle(4)),
        "max_idle is 4, but max_size is 3: at most 3 is possible"
    );
    assert_eq!(
        refused(builder().acquire_timeout(Duration::ZERO)),
        "acquire_timeout is 0ns, but it must be longer (try_acquire is what never waits)"
    );
}

#[test]
fn every_setting_is_validated() {
    let zero = Duration::ZERO;
    for (setting, builder) in [
        ("max_size", builder().max_size(usize::MAX)),
        ("max_connecting", builder().max_connecting(0)),
        ("max_waiters", builder().max_waiters(usize::MAX)),
        ("connect_timeout", builder().connect_timeout(zero)),
        ("release_timeout", builder().release_timeout(zero)),
        ("close_timeout", builder().close_timeout(zero)),
        ("lifecycle_timeout", builder().lifecycle_timeout(zero)),
        ("idle_timeout", builder().idle_timeout(zero)),
        ("check_timeout", builder().check_timeout(zero)),
        ("keepalive_interval", builder().keepalive_interval(zero)),
        ("max_lifetime", builder().max_lifetime(zero)),
        ("max_uses", builder().max_uses(0)),
    ] {
        assert!(refused(builder).starts_with(setting));
    }
}

#[test]
fn the_longest_durations_are_valid() {
    let ever = Duration::MAX;
    builder()
        .acquire_timeout(ever)
        .connect_timeout(ever)
        .release_timeout(ever)
        .close_timeout(ever)
        .lifecycle_timeout(ever)
        .idle_timeout(ever)
        .check_after_idle(ever)
        .check_timeout(ever)
        .keepalive_interval(ever)
        .max_lifetime(ever)
        .fail_fast_after(ever)
        .max_uses(u64::MAX)
        .build()
        .unwrap();
}

#[test]
fn a_builders_debug_shows_settings_and_not_the_backend() {
    let text = format!("{:?}", builder().name("orders"));
    assert!(text.contains("orders") && text.contains("acquire_timeout"), "{text}");
    assert!(!text.contains("Scripted"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_work() {
    let ever = Duration::MAX;
    let (backend, builder) = scripted(1);
    let pool = builder
        .acquire_timeout(ever)
        .connect_timeout(ever)
        .release_timeout(ever)
        .close_timeout(ever)
        .idle_timeout(ever)
        .check_after_idle(ever)
        .check_timeout(ever)
        .keepalive_interval(ever)
        .max_lifetime(ever)
        .build()
        .unwrap();
    let mut lease = pool.acquire().await.unwrap();
    lease.set_dirty();
    let waiting = waiter(&pool).await;
    drop(lease);
    drop(waiting.await.unwrap().unwrap());
    assert!(pool.close(ever).await.is_complete());
    end(&backend, &pool).await;
}

#[test]
fn the_defaults_are_those_of_the_docs() {
    let text = format!("{:?}", builder());
    for setting in [
        "name: None",
        "max_size: 10",
        "max_idle: None", // as many as max_size
        "min_idle: 0",
        "max_waiters: 1000",
        "max_connecting: 2",
        "acquire_timeout: 30s",
        "connect_timeout: 15s",
        "release_timeout: 5s",
        "close_timeout: 5s",
        "lifecycle_timeout: 30s",
        "idle_timeout: Some(600s)",
        "fail_fast_after: None",
        "check_after_idle: Some(500ms)",
        "check_timeout: 5s",
        "keepalive_interval: None",
        "max_lifetime: Some(1800s)",
        "max_uses: None",
    ] {
        assert!(text.contains(setting), "{setting} in {text}");
    }
}

#[test]
fn a_pool_tells_what_it_goes_by() {
    let plain = builder().build().unwrap().settings();
    assert_eq!((plain.name, plain.max_size, plain.max_idle, plain.min_idle), (None, 10, 10, 0));
    assert_eq!((plain.acquire_timeout, plain.idle_timeout), (secs(30), Some(secs(600))));
    assert_eq!((plain.max_uses, plain.keepalive_interval), (None, None));

    let set = builder()
        .name("shop")
        .max_size(9)
        .min_idle(1)
        .max_waiters(2)
        .max_connecting(3)
        .acquire_timeout(secs(4))
        .connect_timeout(secs(5))
        .release_timeout(secs(6))
        .close_timeout(secs(7))
        .lifecycle_timeout(secs(8))
        .idle_timeout(secs(9))
        .max_lifetime(None)
        .max_uses(10)
        .check_after_idle(secs(11))
        .check_timeout(secs(12))
        .keepalive_interval(secs(13))
        .fail_fast_after(secs(14))
        .leak_detection(secs(15))
        .limit("report", 16)
        .class_timeout("report", secs(17))
        .limit("page", 18);
    let pool = set.build().unwrap();
    pool.resize(7).unwrap();
    let it = pool.settings();
    assert_eq!(it.name.as_deref(), Some("shop"));
    assert_eq!((it.max_size, it.max_idle, it.min_idle), (7, 7, 1));
    assert_eq!((it.max_waiters, it.max_connecting), (2, 3));
    assert_eq!((it.acquire_timeout, it.connect_timeout), (secs(4), secs(5)));
    assert_eq!((it.release_timeout, it.close_timeout), (secs(6), secs(7)));
    assert_eq!((it.lifecycle_timeout, it.check_timeout), (secs(8), secs(12)));
    assert_eq!((it.idle_timeout, it.max_lifetime, it.max_uses), (Some(secs(9)), None, Some(10)));
    assert_eq!((it.check_after_idle, it.keepalive_interval), (Some(secs(11)), Some(secs(13))));
    assert_eq!((it.fail_fast_after, it.leak_detection), (Some(secs(14)), Some(secs(15))));
    let classes: Vec<_> =
        it.classes.iter().map(|class| (&*class.name, class.limit, class.timeout)).collect();
    assert_eq!(classes, [("report", Some(16), Some(secs(17))), ("page", Some(18), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_pools_name_is_in_its_errors() {
    let backend = Scripted::new();
    let pool = Pool::builder(backend.clone()).name("orders").max_waiters(0).build().unwrap();
    let text = pool.acquire().await.unwrap_err().to_string();
    assert!(text.starts_with("pool \"orders\" has no idle session and is set to never queue"));
    end(&backend, &pool).await;
}
