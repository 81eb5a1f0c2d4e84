//! What can go wrong at a gateway and on the way to it, each with the class it must have.

mod answers;
mod http;
mod sessions;

use std::error::Error as _;
use std::io::ErrorKind;

use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{Error, Flaw, LoginType, Query, TentenSession};

use crate::common::{NUMBERS, PASSWORD, all_free, group, soon, start, user};

const HERE: &str = include_str!("mod.rs");
const ANSWERS: &str = include_str!("answers.rs");
const HTTP: &str = include_str!("http.rs");
const SESSIONS: &str = include_str!("sessions.rs");
const CLOSING: &str = include_str!("../closing.rs");
const JOURNAL: &str = include_str!("../journal.rs");
const QUERY: &str = include_str!("../query.rs");
const SAM: &str = include_str!("../sam.rs");

/// Our catalogue of faults of gateways, G1 to G42: where each is proved.
const PROOFS: [(usize, &str, &str); 42] = [
    (1, SESSIONS, "g1_a_rejected_login_is_rejected_for_good"),
    (2, SESSIONS, "g2_a_locked_account_is_rejected_with_the_gateways_words"),
    (3, SESSIONS, "g3_an_address_that_is_not_allowed_is_rejected"),
    (4, SESSIONS, "g4_a_session_that_is_there_already_is_told"),
    (5, SESSIONS, "g5_a_login_type_must_be_chosen"),
    (6, SESSIONS, "g6_a_full_group_is_remote_capacity"),
    (7, SAM, "a_lost_answer_to_getuid_stands_in_the_report"),
    (8, SAM, "a_lost_answer_to_a_possessing_login_is_asked_for_again"),
    (9, JOURNAL, "killed_while_an_id_is_taken_it_is_in_doubt"),
    (10, SAM, "a_lost_answer_to_reluid_is_never_asked_for_again"),
    (11, SAM, "a_refused_reluid_is_asked_again"),
    (12, CLOSING, "an_id_whose_session_is_gone_goes_back_by_the_clear_password"),
    (13, SESSIONS, "g13_a_session_that_is_gone_is_lost"),
    (14, SESSIONS, "g14_a_session_ended_by_another_login_is_lost"),
    (15, QUERY, "a_query_replaced_by_somebody_else_is_not_misread"),
    (16, SESSIONS, "g16_a_busy_gateway_is_told_and_nobody_is_reset"),
    (17, SESSIONS, "g17_sessions_that_all_end_at_once_are_opened_anew_a_few_at_a_time"),
    (18, HTTP, "g18_an_http_error_is_a_status_not_a_parse_error"),
    (19, HTTP, "g19_too_many_requests_may_be_asked_later"),
    (20, HTTP, "g20_a_refusing_proxy_is_a_rejection"),
    (21, ANSWERS, "g21_an_answer_without_a_code_is_never_a_success"),
    (22, ANSWERS, "g22_a_cut_answer_is_never_a_short_table"),
    (23, ANSWERS, "g23_fewer_or_more_rows_than_announced_are_an_error_with_both_numbers"),
    (24, ANSWERS, "g24_columns_and_cells_that_are_not_as_announced_are_told_with_their_place"),
    (25, ANSWERS, "g25_other_encodings_are_read_or_refused"),
    (26, ANSWERS, "g26_g27_entities_and_document_types_are_refused"),
    (27, ANSWERS, "g26_g27_entities_and_document_types_are_refused"),
    (28, ANSWERS, "g28_g29_what_is_too_deep_too_wide_or_too_long_is_refused"),
    (29, ANSWERS, "g28_g29_what_is_too_deep_too_wide_or_too_long_is_refused"),
    (30, HTTP, "g30_an_endless_answer_is_cut_at_the_limit"),
    (31, HTTP, "g31_a_packed_answer_is_not_unpacked"),
    (32, HTTP, "g32_http_that_is_none_is_a_broken_connection"),
    (33, HTTP, "g33_a_redirection_is_not_followed"),
    (34, HTTP, "g34_there_is_no_way_round_tls_unless_it_is_asked_for"),
    (35, HTTP, "g35_reads_survive_a_connection_closed_under_them"),
    (36, HTTP, "g36_every_way_to_be_slow_has_its_limit"),
    (37, SESSIONS, "g37_a_session_whose_query_runs_on_is_not_lent"),
    (38, HTTP, "g38_a_sign_in_page_is_no_gateway"),
    (39, SAM, "the_same_id_handed_out_twice_is_lent_once"),
    (40, JOURNAL, "no_id_is_taken_that_cannot_be_written_down"),
    (41, JOURNAL, "a_living_process_is_left_alone"),
    (42, HERE, "g42_nothing_but_the_log_reads_the_wall_clock"),
];

#[test]
fn every_fault_of_the_catalogue_has_its_test() {
    for (index, (number, source, test)) in PROOFS.into_iter().enumerate() {
        assert_eq!(number, index + 1);
        assert!(source.contains(&format!("fn {test}()")), "G{number}: {test}");
    }
}

async fn session(emulator: &Emulator) -> TentenSession {
    user(emulator, LoginType::Kill).build().expect("valid").connect().await.expect("opens")
}

/// What fetching a row comes to under that fault.
async fn fetch(fault: Fault) -> (Emulator, TentenSession, Error) {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(10);
    query.run(&mut session).await.expect("runs");
    emulator.fault(fault);
    let error = soon("an answer", query.row(&mut session, 0)).await.expect_err("a fault");
    (emulator, session, error)
}

/// What logging in comes to under that fault; with the group, so that an ID is at stake.
async fn log_in(fault: Fault) -> (Emulator, Error) {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(fault);
    let error = soon("an answer", tenten.connect()).await.expect_err("a fault");
    assert!(!everything(&error).contains(PASSWORD), "{error:?}");
    all_free(&emulator).await;
    (emulator, error)
}

/// All that an error says, to people and to programmers, and what it says of its causes.
fn everything(error: &Error) -> String {
    let mut said = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    said
}

fn answer(inside: &str) -> String {
    format!("<out>{inside}</out>")
}

/// A table of one column with these rows.
fn column(rows: &str) -> String {
    let heads =
        ["n", "square", "half", "name"].map(|name| format!("<th name=\"{name}\" type=\"i\"/>"));
    let heads = heads.concat();
    answer(&format!(
        "<rc>0</rc><nrows>1000</nrows><table><cols>{heads}</cols><data>{rows}</data></table>"
    ))
}

fn rows(count: usize) -> String {
    "<tr><td>1</td><td>2</td><td>3</td><td>4</td></tr>".repeat(count)
}

fn flaw(error: &Error) -> &Flaw {
    match error {
        Error::Malformed { source, .. } => &source.flaw,
        error => panic!("not taken for damaged: {error:?}"),
    }
}

#[tokio::test]
async fn g42_nothing_but_the_log_reads_the_wall_clock() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut readers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("there") {
            let path = entry.expect("there").path();
            match std::fs::read_to_string(&path) {
                Ok(text) if text.contains("SystemTime") || text.contains("Timestamp::now") => {
                    readers.push(path.file_name().expect("a file").to_owned());
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::IsADirectory => folders.push(path),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(readers, ["log.rs"]);
}
