//! Requests and answers, byte by byte, against the examples of the specification.

mod common;

use common::{Caller, STATIONS, emulator};

#[tokio::test]
async fn a_query_is_defined_and_fetched() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let query = format!(
        r#"<in><name>{STATIONS}</name><ops><sel value="(elev&gt;10)"/><colord cols="id,elev"/></ops></in>"#
    );
    assert_eq!(
        caller.in_session(&session, "query", &query).await,
        "<out><rc>0</rc><msg>OK</msg><nrows>1</nrows><table><cols>\
         <th name=\"id\" type=\"i\" format=\"type:nocommas;width:6\">Station&#10;ID</th>\
         <th name=\"elev\" type=\"f\" format=\"type:num;width:8;dec:1\">Elev</th>\
         </cols></table></out>"
    );
    let window = r#"<in><cols><col>elev</col><col>id</col></cols>
        <rows mode="2"><from>1</from><to>50000</to></rows><format type="xml" values="raw"/></in>"#;
    assert_eq!(
        caller.in_session(&session, "getdata", window).await,
        "<out><rc>0</rc><msg>OK</msg><table><cols>\
         <th name=\"elev\" type=\"f\" format=\"type:num;width:8;dec:1\">Elev</th>\
         <th name=\"id\" type=\"i\" format=\"type:nocommas;width:6\">Station&#10;ID</th>\
         </cols><data><tr><td>7003.5</td><td>3103</td></tr></data></table></out>"
    );
    assert_eq!(
        caller.in_session(&session, "logout", "").await,
        "<out><rc>0</rc><msg>Logged out</msg></out>"
    );
}

#[tokio::test]
async fn an_id_goes_out_and_comes_back() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    assert_eq!(
        caller.pool("getuid").await,
        "<out><rc>0</rc><msg>OK</msg><uid>clientx_0</uid></out>"
    );
    let session = caller.login("clientx_0", "possess").await;
    assert_eq!(emulator.book().held().len(), 1);
    assert_eq!(caller.release(&session).await, "<out><rc>0</rc><msg>OK</msg></out>");
    assert_eq!(emulator.book().held().len(), 0);
}
