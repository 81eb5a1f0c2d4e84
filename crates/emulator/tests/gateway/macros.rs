//! The part of the Macro Language that is served, and the answer to the rest.

use sessionpool_emulator::{Column, Emulator, Table};

use crate::common::{Caller, Session, between, emulator, rc};

/// `t`: five rows, `n` counts from 1.
fn table() -> Table {
    Table::new(
        "t",
        [
            Column::integer("n", (1..=5).map(Some)),
            Column::integer("elev", [Some(100), Some(5), None, Some(-7), Some(5)]),
            Column::decimal("x", [Some(0.5), Some(2.0), Some(-1.0), None, Some(100.0)]),
            Column::text("state", ["NY", "it's", "", "AZ", "NY"]),
            Column::integer(
                "date",
                [20_131_231, 20_140_101, 20_140_615, 20_141_231, 20_150_101].map(Some),
            )
            .format("type:date4y"),
        ],
    )
    .unwrap()
}

async fn start() -> (Emulator, Caller, Session) {
    let emulator = emulator().table(table()).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    (emulator, caller, session)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

async fn run(caller: &Caller, session: &Session, ops: &str) -> String {
    let body = format!("<in><name>t</name><ops>{ops}</ops><cols><col>n</col></cols></in>");
    caller.in_session(session, "querydata", &body).await
}

/// The values of `n` after these operations.
async fn numbers(caller: &Caller, session: &Session, ops: &str) -> String {
    let answer = run(caller, session, ops).await;
    assert_eq!(rc(&answer), 0, "{ops}: {answer}");
    between(&answer, "<data>", "</data>").chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn sel_keeps_the_rows_its_expression_holds_for() {
    let (_emulator, caller, session) = start().await;
    let rows = [
        // comparisons; N/A comes before everything
        ("(elev=5)", "25"),
        ("elev=5", "25"),
        ("(elev<>5)", "134"),
        ("(elev<5)", "34"),
        ("(elev>5)", "1"),
        ("(elev<=5)", "2345"),
        ("(elev>=5)", "125"),
        ("(5<elev)", "1"),
        ("(elev=-7)", "4"),
        ("(elev>4.5)", "125"),
        ("(elev=5.0)", "25"),
        ("(elev=1e2)", "1"),
        ("(elev=n)", "5"),
        ("(elev>n)", "12"),
        ("(x=100)", "5"),
        ("(x>.4)", "125"),
        ("(elev='')", "3"),
        ("(elev='5')", "25"),
        // text
        ("(state='NY')", "15"),
        ("(state=\"it's\")", "2"),
        ("(state='')", "3"),
        ("(state<>'')", "1245"),
        ("(state>'AZ')", "125"),
        // lists
        ("(state='AZ' 'NY')", "145"),
        ("(state<>'AZ' 'NY')", "23"),
        ("(n=1 3 9)", "13"),
        // boolean
        ("(elev=5)&(n>2)", "5"),
        ("(elev=5)|(n=1)", "125"),
        ("~(elev=5)", "134"),
        ("~~(elev=5)", "25"),
        ("(n>1)&(n<5)&~(elev=5)", "34"),
        ("((n=1)|(n=2))&(elev>50)", "1"),
        ("elev=5&n>2", "5"),
        // between, both ends counted
        ("between(n;2;4)", "234"),
        ("(between(x;0;2))", "12"),
        ("between(n;4;2)", ""),
        ("between(state;'A';'O')", "145"),
        ("between(date;'1/1/2014';'12/31/2014')", "234"),
        ("(date=20140101)", "2"),
        ("(date='01/01/2014')", "2"),
        // row numbers
        ("(i_=1)", "1"),
        ("i_()=1", "1"),
        ("between(i_;1;10)", "12345"),
        ("(i_>3)", "45"),
        // any number is a condition
        ("1", "12345"),
        ("0", ""),
        ("elev", "1245"),
        ("(x)&1", "1235"),
    ];
    for (expression, expected) in rows {
        let ops = format!("<sel value=\"{}\"/>", escaped(expression));
        assert_eq!(numbers(&caller, &session, &ops).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn operations_work_on_what_the_one_before_left() {
    let (_emulator, caller, session) = start().await;
    let rows = [
        ("", "12345"),
        (r#"<sort col="elev"/>"#, "34251"),
        (r#"<sort col="elev" dir="up"/>"#, "34251"),
        (r#"<sort col="elev" dir="down"/>"#, "12543"), // equal ones stay
        (r#"<sort col="state"/><sort col="elev" dir="down"/>"#, "15243"),
        (r#"<sort col="x" dir="down"/><sel value="i_=1"/>"#, "5"),
        (r#"<sel value="(n&gt;2)"/><sel value="(i_=1)"/>"#, "3"),
        (r#"<sort col="n" dir="down"/><sel value="between(i_;2;3)"/>"#, "43"),
        (r#"<colord cols="n, elev"/><sel value="elev=5"/>"#, "25"),
        (r#"<sel value="elev=5" name="few" label="A few"/>"#, "25"),
    ];
    for (ops, expected) in rows {
        let order = numbers(&caller, &session, ops).await;
        assert_eq!(order, expected, "{ops}");
    }
}

#[tokio::test]
async fn colord_says_which_columns_in_which_order() {
    let (_emulator, caller, session) = start().await;
    let body = r#"<in><name>t</name><ops><colord cols="state,n"/></ops></in>"#;
    let answer = caller.in_session(&session, "query", body).await;
    let names: Vec<_> = answer.split("name=\"").skip(1).map(|th| between(th, "", "\"")).collect();
    assert_eq!(names, ["state", "n"]);
    assert_eq!(rc(&run(&caller, &session, r#"<colord cols="state"/>"#).await), 36, "n is gone");
}

#[tokio::test]
async fn whatever_else_is_answered_with_what_it_is() {
    let (_emulator, caller, session) = start().await;
    let served = |what: &str| (1, format!("This gateway does not serve {what}"));
    let rows = [
        (r#"<tabu breaks="state"/>"#, served("the Macro Language operation <tabu>")),
        (r#"<willbe name="y" value="x+1"/>"#, served("the Macro Language operation <willbe>")),
        (r#"<sel value="contains(state;'N')"/>"#, served("the function contains()")),
        (r#"<sel value="(elev+1=2)"/>"#, served("the sign '+' in an expression")),
        (r#"<sel value="(elev-1=2)"/>"#, served("an expression without its )")),
        (r#"<sel value="(-elev=2)"/>"#, served("arithmetic: - stands before a number only")),
        (r#"<sel value="(height=2)"/>"#, served("the unknown column height")),
        (
            r#"<sel value="(n=1)|(n=2)&amp;(n=3)"/>"#,
            served("& and | side by side: set parentheses"),
        ),
        (r#"<sel value="(state=5)"/>"#, served("a text compared with a number")),
        (r#"<sel value="(elev='high')"/>"#, served("\"high\" as a number")),
        (r#"<sel value="(elev='1/1/2014')"/>"#, served("\"1/1/2014\" as a number")),
        (r#"<sel value="(date='13/1/2014')"/>"#, served("\"13/1/2014\" as a number")),
        (r#"<sel value="state"/>"#, served("a text where a condition belongs")),
        (r#"<sel value="(n=1)=1"/>"#, served("a condition where a value belongs")),
        (r#"<sel value="(n&lt;1 2)"/>"#, served("a list of values on the right of < or >")),
        (r#"<sel value=""/>"#, served("an expression that ends too early")),
        (r#"<sel value="(n="/>"#, served("an expression that ends too early")),
        (r#"<sel value="(n=1"/>"#, served("an expression without its )")),
        (r#"<sel value="between(n;1)"/>"#, served("an expression without its ;")),
        (r#"<sel value="n=')"/>"#, served("a text without its closing '")),
        (r#"<sel value="n=1 )"/>"#, served("an expression that goes on at )")),
        (r#"<sel value="n=99e99999x"/>"#, served("the number 99e99999")),
        (r#"<sel value="n=99e9x"/>"#, served("an expression that goes on at x")),
        (r#"<sel value="(n=1)(n=2)"/>"#, served("an expression that goes on at (")),
        (r#"<sel value="n 'x'"/>"#, served("an expression that goes on at 'x'")),
        (r#"<sort col="height"/>"#, served("the unknown column height")),
        (r#"<colord cols="n,height"/>"#, served("the unknown column height")),
        (r#"<colord cols="n,n"/>"#, (29, "Duplicate column name: n".to_owned())),
        (r#"<colord/>"#, (11, "Missing attribute cols of colord".to_owned())),
        (r#"<sort col="n" dir="sideways"/>"#, (13, "dir is not up or down".to_owned())),
        ("some text", served("text among the operations")),
    ];
    for (ops, (code, msg)) in rows {
        let answer = run(&caller, &session, ops).await;
        let expected = msg.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert_eq!(answer, format!("<out><rc>{code}</rc><msg>{expected}</msg></out>"), "{ops}");
    }
}

#[tokio::test]
async fn a_refused_query_leaves_the_current_one() {
    let (_emulator, caller, session) = start().await;
    assert_eq!(numbers(&caller, &session, r#"<sel value="n=4"/>"#).await, "4");
    assert_eq!(rc(&run(&caller, &session, "<tabu/>").await), 1);
    let window = "<in><cols><col>n</col></cols></in>";
    let answer = caller.in_session(&session, "getdata", window).await;
    assert!(answer.contains("<data><tr><td>4</td></tr></data>"), "{answer}");
}
