use proptest::prelude::*;

use super::*;

const QUERY: &str = "<out><rc>0</rc><msg>OK</msg><nrows>2</nrows><table><cols>\
    <th name=\"id\" type=\"i\" format=\"type:nocommas;width:6\">Station&#10;ID</th>\
    <th name='elev' type='f'>Elev &amp; so on</th></cols></table></out>";
const DATA: &str = "<out><rc>0</rc><msg>OK</msg><table><cols><th name=\"id\" type=\"i\">ID</th>\
    <th name=\"name\" type=\"a\">Name</th></cols><data><tr><td>3103</td><td>FLAGSTAFF &amp; CO</td></tr>\
    <tr><td>3104</td><td></td></tr></data></table></out>";

fn parse(body: impl AsRef<[u8]>) -> Result<Document, XmlError> {
    read(body.as_ref().to_vec(), &XmlLimits::default(), Room::default())
}

fn flaw(body: impl AsRef<[u8]>) -> Flaw {
    parse(body).expect_err("not taken").flaw
}

/// All cells, references resolved.
fn cells(body: impl AsRef<[u8]>) -> Vec<Vec<String>> {
    let grid = parse(body).expect("taken").grid.expect("has rows");
    let cell = |row, column| {
        let raw = grid.raw(row, column).expect("inside").bytes();
        decode(&unescape(raw).expect("resolvable")).into_owned()
    };
    (0..grid.rows())
        .map(|row| (0..grid.columns()).map(|column| cell(row, column)).collect())
        .collect()
}

#[test]
fn an_envelope_is_read_into_a_tree() {
    let root = parse(QUERY).expect("taken").root;
    assert_eq!(root.name, "out");
    assert_eq!(root.text_of("nrows"), Some("2"));
    let columns = &root.child("table").expect("a table").child("cols").expect("columns").children;
    assert_eq!(columns[0].attribute("format"), Some("type:nocommas;width:6"));
    assert_eq!(columns[0].text, "Station\nID");
    assert_eq!(columns[1].text, "Elev & so on");
    assert_eq!(root.all().len(), 8);
}

#[test]
fn rows_are_found_whatever_stands_between_them() {
    let plain = cells(DATA);
    assert_eq!(plain, [["3103", "FLAGSTAFF & CO"], ["3104", ""]]);
    let spaced = DATA.replace("><", ">\r\n\t<").replace("<td>\r\n\t</td>", "<td/>");
    assert_eq!(cells(spaced), plain);
    let with_attributes = DATA.replace("<td>", "<td x='>'>").replace("<tr>", "<tr n=\"1\" >");
    assert_eq!(cells(with_attributes), plain);
    let cdata = DATA.replace("FLAGSTAFF &amp; CO", "FLAG<![CDATA[STAFF & ]]>CO");
    assert_eq!(cells(cdata), plain);
}

#[test]
fn an_answer_may_begin_with_a_declaration_a_mark_and_white_space() {
    for before in
        ["<?xml version=\"1.0\"?>", "\u{feff}", "\n  ", "\u{feff}\n<?xml version='1.0'?>\n"]
    {
        assert_eq!(cells(format!("{before}{DATA}")).len(), 2, "{before:?}");
    }
}

#[test]
fn an_empty_table_has_no_rows() {
    for empty in ["<data></data>", "<data/>", "<data>\n</data >"] {
        let body = format!("<out><rc>0</rc><table><cols/>{empty}</table></out>");
        let grid = parse(body).expect("taken").grid.expect("a table");
        assert_eq!((grid.rows(), grid.columns()), (0, 0));
    }
}

#[test]
fn bytes_that_are_no_utf8_are_latin_1_and_reachable() {
    let mut body = DATA.replace("FLAGSTAFF &amp; CO", "S?o").into_bytes();
    let at = body.iter().position(|byte| *byte == b'?').expect("there");
    body[at] = 0xe3;
    let grid = parse(&body).expect("taken").grid.expect("has rows");
    let raw = grid.raw(0, 1).expect("inside").bytes();
    assert_eq!(raw, b"S\xe3o");
    assert_eq!(decode(raw), "São");

    let label = [b"<out><msg>S".as_slice(), b"\xe3", b"o</msg></out>"].concat();
    assert_eq!(parse(label).expect("taken").root.text_of("msg"), Some("São"));
}

#[test]
fn a_reference_is_the_same_character_in_either_encoding() {
    for (raw, said, bytes) in [
        (
            b"S\xc3\xa3o &#233;&amp;".as_slice(),
            "S\u{e3}o \u{e9}&",
            b"S\xc3\xa3o \xc3\xa9&".as_slice(),
        ),
        (b"S\xe3o &#233;&amp;", "S\u{e3}o \u{e9}&", b"S\xe3o \xe9&"),
        (b"\xe3<![CDATA[\xe9&#233;]]>", "\u{e3}\u{e9}&#233;", b"\xe3\xe9&#233;"),
        (b"&#233;", "\u{e9}", b"\xc3\xa9"),
        (b"\xe3&#8364;", "\u{e3}\u{20ac}", b"\xe3\xe2\x82\xac"),
    ] {
        assert_eq!(text(raw).expect("resolvable"), said);
        assert_eq!(unescape(raw).expect("resolvable").as_ref(), bytes);
    }
}

#[test]
fn every_truncation_is_an_error_that_says_so() {
    for end in 1..DATA.len() {
        assert!(parse(&DATA[..end]).is_err(), "taken: {}", &DATA[..end]);
    }
    let in_row = DATA.find("3104").expect("there");
    let error = parse(&DATA[..in_row]).expect_err("cut");
    assert_eq!((error.flaw, error.row, error.at), (Flaw::Truncated, Some(1), in_row));
}

#[test]
fn ragged_rows_name_the_row_and_both_numbers() {
    let short = DATA.replace("<td>3104</td><td></td>", "<td>3104</td>");
    let error = parse(short).expect_err("ragged");
    assert_eq!(error.row, Some(1));
    assert_eq!(error.flaw, Flaw::Ragged { expected: 2, found: 1 });
    let long = DATA.replace("<td>3104</td>", "<td>3104</td><td/>");
    assert_eq!(flaw(long), Flaw::Ragged { expected: 2, found: 3 });
    assert_eq!(
        flaw(DATA.replace("<td>3104</td><td></td>", "")),
        Flaw::Ragged { expected: 2, found: 0 }
    );
}

#[test]
fn a_doctype_is_refused() {
    let bomb =
        "<!DOCTYPE out [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><out><msg>&b;</msg></out>";
    assert_eq!(flaw(bomb), Flaw::Doctype);
    let external = "<!DOCTYPE out SYSTEM \"file:///etc/passwd\"><out/>";
    assert_eq!(flaw(external), Flaw::Doctype);
}

#[test]
fn unknown_entities_are_refused() {
    assert!(matches!(flaw("<out><msg>&nbsp;</msg></out>"), Flaw::Unexpected(_)));
    assert!(unescape(b"&nbsp;").is_err());
    assert!(unescape(b"a & b").is_err());
    assert!(unescape(b"&#xD800;").is_err());
    assert_eq!(unescape(b"&lt;&#65;&#x42;&gt;").expect("resolvable").as_ref(), b"<AB>");
}

#[test]
fn depth_attributes_elements_and_text_are_bounded() {
    let deep = format!("<out>{}{}</out>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(flaw(deep), Flaw::TooMuch { what: "elements within each other", limit: 64 });
    let attributes: String = (0..1_000_000).map(|n| format!(" a{n}=''")).collect();
    let wide = format!("<out><th{attributes}/></out>");
    assert_eq!(flaw(wide), Flaw::TooMuch { what: "attributes of an element", limit: 256 });
    let many = format!("<out>{}</out>", "<a/>".repeat(100_001));
    assert_eq!(flaw(many), Flaw::TooMuch { what: "elements", limit: 100_000 });
    let limits = XmlLimits::default().max_text(64).max_columns(3).max_bytes(1000);
    let tight = |body: String| {
        read(body.into(), &limits, Room::for_cells(1 << 40, 100)).expect_err("too much").flaw
    };
    let long = format!("<out><msg>{}</msg></out>", "x".repeat(100));
    assert_eq!(tight(long), Flaw::TooMuch { what: "bytes beside the rows", limit: 64 });
    let cell = format!("<data><tr><td>{}</td></tr></data>", "x".repeat(100));
    assert_eq!(tight(cell), Flaw::TooMuch { what: "bytes in a cell", limit: 64 });
    let row = "<data><tr><td/><td/><td/><td/></tr></data>".to_owned();
    assert_eq!(tight(row), Flaw::TooMuch { what: "columns", limit: 3 });
    assert_eq!(tight("x".repeat(1001)), Flaw::TooLong { limit: 1000 });
}

#[test]
fn every_limit_is_the_callers() {
    let read_with = |limits: XmlLimits, body: &str| {
        read(body.as_bytes().to_vec(), &limits, Room::default())
            .map(drop)
            .map_err(|error| error.flaw)
    };
    let too_much = |what, limit| Err(Flaw::TooMuch { what, limit });
    let limits = XmlLimits::default;
    let deep = "<out><a><b/></a></out>";
    assert_eq!(read_with(limits().max_depth(3), deep), Ok(()));
    assert_eq!(read_with(limits().max_depth(2), deep), too_much("elements within each other", 2));
    assert_eq!(read_with(limits().max_elements(3), deep), Ok(()));
    assert_eq!(read_with(limits().max_elements(2), deep), too_much("elements", 2));
    let wide = "<out><th a='' b='' c=''/></out>";
    assert_eq!(read_with(limits().max_attributes(3), wide), Ok(()));
    assert_eq!(
        read_with(limits().max_attributes(2), wide),
        too_much("attributes of an element", 2)
    );
    assert_eq!(read_with(limits().max_bytes(deep.len()), deep), Ok(()));
    let one_less = deep.len() - 1;
    let too_long = Err(Flaw::TooLong { limit: one_less });
    assert_eq!(read_with(limits().max_bytes(one_less), deep), too_long);
    // Beyond these nobody can go.
    assert_eq!(limits().max_bytes(usize::MAX), limits().max_bytes(1 << 30));
    assert_eq!(limits().max_depth(usize::MAX), limits().max_depth(1000));
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in
        ["", "Service Unavailable", "<html><p>Sign in</html>", "<out/><out/>", "<out>&</out>"]
    {
        assert!(parse(body).is_err(), "taken: {body}");
    }
    assert!(matches!(flaw("<out><data><tr><td>1</td></tr></data></out>"), Flaw::Unexpected(_)));
    assert!(matches!(flaw("<out><table><data><p/></data></table></out>"), Flaw::Unexpected(_)));
    let utf16: Vec<u8> = DATA.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(parse(utf16).is_err());
}

#[test]
fn an_error_behind_the_rows_says_where_in_the_body() {
    let body = DATA.replace("</table>", "</tabel>");
    let error = parse(&body).expect_err("mismatched");
    assert!(error.at >= body.find("</tabel>").expect("there"), "{error}");
    assert!(error.at <= body.len(), "{error}");
}

#[test]
fn a_place_is_told_in_bytes_whatever_their_encoding() {
    let body = [b"\n<out><msg>\xe3\xe3\xe3</msg>".as_slice(), b"</tuo>"].concat();
    let error = parse(&body).expect_err("mismatched");
    assert!((body.len() - 6..=body.len()).contains(&error.at), "{error} of {}", body.len());
}

#[test]
fn rows_in_a_second_table_are_not_lost() {
    let second = "<data><tr><td>1</td></tr></data></table></out>";
    assert_eq!(
        flaw(DATA.replace("</table></out>", second)),
        Flaw::Unexpected("a second table of rows")
    );
}

fn escaped(cell: &str) -> String {
    cell.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn table(rows: &[Vec<String>]) -> String {
    let cells = |row: &Vec<String>| -> String {
        row.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect()
    };
    let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>", cells(row))).collect();
    format!("<out><rc>0</rc><table><cols/><data>{rows}</data></table></out>")
}

proptest! {
    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = parse(bytes);
    }

    #[test]
    fn any_mix_of_tags_gives_a_value_or_an_error(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("<out>"), Just("</out>"), Just("<table>"), Just("</table>"), Just("<data>"),
                Just("</data>"), Just("<tr>"), Just("</tr>"), Just("<td>"), Just("</td>"),
                Just("<td/>"), Just("<tr/>"), Just("<data/>"), Just("<![CDATA["), Just("]]>"),
                Just("&amp;"), Just("&"), Just("<!--"), Just("-->"), Just("1"), Just(" "), Just("<"),
                Just("\""), Just("<td a='"), Just("'>"),
            ],
            0..60,
        )
    ) {
        let body = parts.concat();
        if let Ok(Document { grid: Some(grid), .. }) = parse(&body) {
            for row in 0..grid.rows() {
                for column in 0..grid.columns() {
                    let raw = grid.raw(row, column).expect("every cell of every row is there").bytes();
                    let _ = unescape(raw);
                }
            }
        }
    }

    #[test]
    fn a_mutated_answer_gives_a_value_or_an_error(
        at in 0..DATA.len(), byte in any::<u8>(), cut in 0..DATA.len(), insert in any::<bool>()
    ) {
        let mut body = DATA.as_bytes().to_vec();
        if insert { body.insert(at, byte) } else { body[at] = byte }
        let _ = parse(&body);
        body.truncate(cut);
        prop_assert!(parse(&body).is_err());
    }

    #[test]
    fn what_was_written_is_read(
        rows in (1_usize..6).prop_flat_map(|columns| proptest::collection::vec(
            proptest::collection::vec("[ -~äß\u{2603}]{0,12}", columns), 0..20)),
        spaced in any::<bool>(),
    ) {
        let mut body = table(&rows);
        if spaced { body = body.replace("</tr>", "</tr>\n").replace("<tr>", "<tr>\n") }
        prop_assert_eq!(cells(&body), rows);
    }
}
