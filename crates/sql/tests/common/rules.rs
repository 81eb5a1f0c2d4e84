/// Makes a test of each rule that is proved in the same words over several databases.
///
/// A file with such rules is compiled once for each database, beside the `place` of that
/// database: sqlx's bounds would bury the rules if they were generic.
#[allow(unused_macros, reason = "not each test file shares something")]
macro_rules! rules {
    ($shared:ident: $($rule:ident),+ $(,)?) => {
        rules! { #[cfg(all())] $shared: $($rule),+ }
    };
    (#$attribute:tt $shared:ident: $($rule:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            #$attribute
            async fn $rule() {
                $shared::$rule().await;
            }
        )+
    };
}
