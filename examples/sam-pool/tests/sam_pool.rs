//! What the example promises.

use std::process::Command;

#[test]
fn two_tables_go_to_two_files_under_two_ids_which_all_come_back() {
    let folder = tempfile::tempdir().expect("made");
    let output = Command::new(env!("CARGO_BIN_EXE_sam-pool")).arg(folder.path()).output();
    let output = output.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "IDs logged in ahead of time, with both queries run: 4",
        "SAM pool: 6 IDs taken, 6 given back",
        "IDs free at the gateway: 4",
    ] {
        assert!(said.lines().any(|found| found == line), "{line} not in {said}");
    }
    let lines = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).expect("written");
        text.lines().count()
    };
    assert!(lines("stations.csv") > 10_000);
    assert!(lines("countries.csv") > 100);
    let users = said.lines().find_map(|line| line.strip_prefix("user IDs used: ")).expect("told");
    let (first, second) = users.split_once(", ").expect("two");
    assert_ne!(first, second);
}
