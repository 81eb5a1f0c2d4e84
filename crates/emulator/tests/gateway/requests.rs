//! The request form: methods, paths, the query string, both versions, bad bodies.

use crate::common::{Caller, emulator, rc};

const STATUS: &str = "uid=clientx_owner&pswd=secret&gid=clientx";

#[tokio::test]
async fn the_query_string_is_checked_in_this_order() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let rows = [
        ("", "<out><rc>6</rc><msg>Missing transaction type</msg></out>"),
        ("uid=demo&pswd=secret", "<out><rc>6</rc><msg>Missing transaction type</msg></out>"),
        ("api=&uid=demo", "<out><rc>6</rc><msg>Missing transaction type</msg></out>"),
        ("api=ping&uid=demo", "<out><rc>7</rc><msg>Invalid transaction type: ping</msg></out>"),
        ("api=mkdir&uid=demo", "<out><rc>1</rc><msg>not implemented: mkdir</msg></out>"),
        ("api=login&pswd=secret", "<out><rc>3</rc><msg>Missing user identification</msg></out>"),
        ("api=login&uid=&pswd=x", "<out><rc>3</rc><msg>Missing user identification</msg></out>"),
        ("api=query&pswd=secret", "<out><rc>3</rc><msg>Missing user identification</msg></out>"),
        ("api=getuid&gid=clientx", "<out><rc>3</rc><msg>Missing user identification</msg></out>"),
        ("api=reluid&sid=1", "<out><rc>3</rc><msg>Missing user identification</msg></out>"),
        ("api=login&uid=demo", "<out><rc>4</rc><msg>Invalid user identification</msg></out>"),
    ];
    for (parameters, answer) in rows {
        assert_eq!(caller.ask(parameters, "").await, answer, "{parameters}");
    }
}

#[tokio::test]
async fn every_documented_transaction_is_known() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let skipped = "dir listdir getdir putdir mkdir dropdir gettab puttab droptable drop move order \
                   merge savefile addtab addtable convert status getuser render";
    for api in skipped.split_whitespace() {
        let answer = caller.ask(&format!("api={api}&apiversion=3&uid=demo"), "").await;
        assert_eq!(answer, format!("<out><rc>1</rc><msg>not implemented: {api}</msg></out>"));
    }
    let served = "login logout clear session query getdata querydata tabinfo savetable upload getuid \
                  reluid warmpool flushpool resetpool samstatus";
    for api in served.split_whitespace() {
        let answer = caller.ask(&format!("api={api}&apiversion=3&uid=demo"), "").await;
        assert!([4, 35].contains(&rc(&answer)), "{api}: {answer}");
    }
}

#[tokio::test]
async fn names_of_transactions_are_read_in_any_case_unless_chosen_otherwise() {
    for (any_case, code) in [(true, 0), (false, 7)] {
        let builder = emulator().choose(|choices| choices.any_case = any_case);
        let emulator = builder.start().await.unwrap();
        let answer =
            Caller::new(&emulator, "a").ask("api=LogIn&uid=demo&pswd=secret&kill=no", "").await;
        assert_eq!(rc(&answer), code, "{answer}");
    }
}

#[tokio::test]
async fn parameters_come_in_any_order_decoded_once_and_the_first_counts() {
    let emulator = emulator().user("a b", "p&s w%=+ü").start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let rows = [
        "uid=a+b&pswd=p%26s+w%25%3D%2B%C3%BC&kill=possess&api=login&apiversion=3",
        "pswd=p%26s%20w%25%3D%2B%c3%bc&api=login&uid=a%20b&protocol=xml-rpc&whatever=1",
        "api=login&uid=a+b&uid=nobody&pswd=p%26s+w%25%3D%2B%C3%BC&pswd=wrong&kill=auth&kill=no",
    ];
    for parameters in rows {
        assert_eq!(rc(&caller.ask(parameters, "").await), 0, "{parameters}");
    }
}

#[tokio::test]
async fn get_and_post_are_both_heard_and_others_are_not() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    for (method, status) in
        [("GET", 200), ("POST", 200), ("PUT", 405), ("DELETE", 405), ("HEAD", 405)]
    {
        let asked = format!("api=samstatus&apiversion=3&{STATUS}");
        let (answered, body) = caller.send(method, &asked, b"").await;
        assert_eq!(answered, status, "{method}");
        assert_eq!(body.starts_with("<out><rc>0</rc>"), status == 200, "{method}: {body}");
    }
}

#[tokio::test]
async fn every_path_that_ends_in_gw_is_the_gateway() {
    let emulator = emulator().start().await.unwrap();
    for (path, status) in [
        ("/gw", "200"),
        ("/gw.k", "200"),
        ("/cgi-bin/gw", "200"),
        ("/cgi-bin/prod-stable/gw.k", "200"),
        ("/cgi-bin/gw.k/", "200"),
        ("/", "404"),
        ("/gateway", "404"),
        ("/gw/x", "404"),
    ] {
        let request = format!(
            "GET {path}?api=samstatus&apiversion=3&{STATUS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        );
        let answer = Caller::new(&emulator, "a").raw(request.as_bytes()).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_is_text_without_an_xml_declaration() {
    let emulator = emulator().start().await.unwrap();
    let request = format!(
        "POST /gw?api=samstatus&{STATUS} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let answer = Caller::new(&emulator, "a").raw(request.as_bytes()).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/xml"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!(body.starts_with("<out><rc>"), "{body}");
}

#[tokio::test]
async fn a_chunked_body_is_a_body() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let request = format!(
        "POST /a/gw?api=tabinfo&uid=demo&pswd={}&sid={} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n9\r\n<in><name\r\n1b\r\n>default.lonely</name></in>\r\n0\r\n\r\n",
        session.pswd, session.sid
    );
    let answer = String::from_utf8(caller.raw(request.as_bytes()).await).unwrap();
    assert!(answer.contains("<table name=\"default.lonely\">"), "{answer}");
}

#[tokio::test]
async fn version_2_has_neither_in_nor_out() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let login = caller.ask("api=login&apiversion=2&uid=demo&pswd=secret&kill=possess", "").await;
    assert!(login.starts_with("<rc>0</rc><sid>") && login.ends_with("</version>"), "{login}");
    let session = caller.login("demo", "possess").await;
    let version_2 = async |api: &str, body: &str| {
        let (sid, pswd) = (&session.sid, &session.pswd);
        caller.ask(&format!("api={api}&apiversion=2&uid=demo&pswd={pswd}&sid={sid}"), body).await
    };
    assert_eq!(
        version_2(
            "querydata",
            "<name>default.lonely</name><ops></ops>\n<cols><col>lonely</col></cols>"
        )
        .await,
        "<rc>0</rc><msg>OK</msg><nrows>1</nrows><table><cols>\
         <th name=\"lonely\" type=\"i\" format=\"type:num;width:11\">lonely</th></cols>\
         <data><tr><td>1</td></tr></data></table>"
    );
    assert_eq!(version_2("clear", "").await, "<rc>0</rc><msg>OK</msg><memory>1048576</memory>");
    assert_eq!(
        version_2("query", "<in><name>default.lonely</name><ops/></in>").await,
        "<rc>8</rc><msg>Missing element: name</msg>"
    );
    assert_eq!(
        caller.ask("apiversion=2", "").await,
        "<rc>6</rc><msg>Missing transaction type</msg>"
    );
    let unknown = caller.ask("api=login&apiversion=9&uid=demo&pswd=secret&kill=auth", "").await;
    assert_eq!(unknown, "<out><rc>0</rc><msg>OK</msg></out>");
}

#[tokio::test]
async fn what_is_no_request_in_xml_is_an_xml_error() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let deep = format!("<in>{}{}</in>", "<a>".repeat(70), "</a>".repeat(70));
    let wide =
        format!("<in><a {}/></in>", (0..70).map(|n| format!("b{n}='' ")).collect::<String>());
    let many = format!("<in>{}</in>", "<a/>".repeat(100_001));
    let rows: [&[u8]; 14] = [
        b"<in>",
        b"<in></out>",
        b"<name>default.lonely</name>",
        b"<in/><in/>",
        b"<in></in>trailing",
        b"text",
        b"<in><name>&unknown;</name></in>",
        b"<in><name>&#xFFFFFFFF;</name></in>",
        b"<!DOCTYPE in [<!ENTITY a 'b'>]><in><name>&a;</name></in>",
        b"<in><name>\xff</name></in>",
        b"\xff\xfe<\0i\0n\0/\0>\0",
        deep.as_bytes(),
        wide.as_bytes(),
        many.as_bytes(),
    ];
    let asked =
        format!("api=query&apiversion=3&uid=demo&pswd={}&sid={}", session.pswd, session.sid);
    for body in rows {
        let (status, answer) = caller.send("POST", &asked, body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(status, 200, "{shown}");
        assert!(answer.starts_with("<out><rc>2</rc><msg>XML error: "), "{shown}: {answer}");
    }
}

#[tokio::test]
async fn a_declaration_a_bom_comments_and_white_space_do_no_harm() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let body = "\u{feff} <?xml version=\"1.0\"?>\n<!-- c --><in>\n <name> default.&#108;onely </name>\
                <ops><![CDATA[ ]]></ops> </in>\n<!-- c -->";
    let answer = caller.in_session(&session, "query", body).await;
    assert!(answer.contains("<nrows>1</nrows>"), "{answer}");
}

#[tokio::test]
async fn a_body_of_more_than_5_mb_is_turned_away() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let (sid, pswd) = (&session.sid, &session.pswd);
    let head = format!(
        "POST /a/gw?api=query&uid=demo&pswd={pswd}&sid={sid} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"
    );
    let answer = caller.raw(head.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));

    // Without a length it is found out on the way, where the reset that follows may
    // overtake the answer.
    let chunks = format!("100000\r\n{}\r\n", " ".repeat(0x10_0000)).repeat(6);
    let head = head.replace("content-length: 99999999", "transfer-encoding: chunked");
    let answer = caller.raw_and_leave(format!("{head}{chunks}").as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 413 "));
    assert_eq!(emulator.book().calls("query"), 0);
}

#[tokio::test]
async fn both_versions_say_the_same_within_their_envelopes() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let query = "<name>pub.demo.weather.stations</name><ops><sort col=\"elev\"/></ops>";
    let window = "<cols><col>id</col><col>name</col></cols>";
    let rows = [
        ("getdata", window.to_owned()),
        ("query", query.to_owned()),
        ("getdata", window.to_owned()),
        ("getdata", format!("{window}<format type=\"csv\"/>")),
        ("querydata", format!("{query}{window}")),
        ("querydata", format!("{query}{window}<format type=\"csv\"/>")),
        ("querydata", format!("{query}{window}<rows/>")),
        ("tabinfo", "<name>default.lonely</name>".to_owned()),
        ("session", "<inf2na>on</inf2na>".to_owned()),
        ("clear", String::new()),
        ("reluid", String::new()),
        ("nothing", String::new()),
    ];
    for (api, children) in rows {
        let asked = |version: u8| {
            let (sid, pswd) = (&session.sid, &session.pswd);
            format!("api={api}&apiversion={version}&uid=demo&pswd={pswd}&sid={sid}")
        };
        let bare = caller.ask(&asked(2), &children).await;
        let wrapped = caller.ask(&asked(3), &format!("<in>{children}</in>")).await;
        assert_eq!(wrapped, format!("<out>{bare}</out>"), "{api} {children}");
    }
}
