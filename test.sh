#!/usr/bin/env bash
# Runs every check and every test, and closes with a line `N passed, N failed`.
#
# Needs Rust (with rustfmt and clippy), a C compiler, git, and the programs of
# PostgreSQL, MariaDB and PgBouncer, which the tests start as private servers. What
# is missing is installed where that is possible (as root on Debian 12 or 13), and
# named where it is not.
set -uo pipefail
cd "$(dirname "$0")"

readonly RUST_NEEDED=1.94
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
export RUST_BACKTRACE=${RUST_BACKTRACE:-0}
# The state machine's cases; plain `cargo test` runs as many.
export PROPTEST_CASES=${PROPTEST_CASES:-2000}

passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

main() {
    prerequisites || exit 1
    check "format" cargo fmt --all --check
    check "clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings
    check "clippy, no features" cargo clippy --workspace -- -D warnings
    check "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps
    check "core stands alone" core_stands_alone
    if cargo nextest --version >/dev/null 2>&1; then
        tests "tests" cargo nextest run --workspace --all-features --run-ignored all --no-fail-fast
    else
        tests "tests" cargo test --workspace --all-features --all-targets --no-fail-fast -- --include-ignored
    fi
    tests "documentation tests" cargo test --workspace --all-features --doc --no-fail-fast
    tests "loom models" env RUSTFLAGS="--cfg sessionpool_loom" \
        cargo test -p sessionpool-core --lib --release --target-dir target/loom
    tests "shuttle models" env RUSTFLAGS="--cfg sessionpool_shuttle" \
        cargo test -p sessionpool-core --lib --release --target-dir target/shuttle models
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

prerequisites() {
    local missing=()
    command -v cargo >/dev/null || missing+=("Rust $RUST_NEEDED or newer (https://rustup.rs)")
    command -v cc >/dev/null || install_package gcc libc6-dev || missing+=("a C compiler (Debian: apt-get install gcc libc6-dev)")
    command -v git >/dev/null || install_package git || missing+=("git (Debian: apt-get install git)")
    program postgres || install_server postgresql || missing+=("PostgreSQL (Debian: apt-get install postgresql)")
    program mariadbd || install_server mariadb-server-core || missing+=("MariaDB (Debian: apt-get install mariadb-server-core)")
    program mariadb || install_server mariadb-client-core || missing+=("MariaDB's client (Debian: apt-get install mariadb-client-core)")
    program pgbouncer || install_server pgbouncer || missing+=("PgBouncer (Debian: apt-get install pgbouncer)")
    if command -v cargo >/dev/null; then
        rust_is_new_enough || missing+=("Rust $RUST_NEEDED or newer; this is $(rustc --version)")
        cargo fmt --version >/dev/null 2>&1 || component rustfmt || missing+=("rustfmt (rustup component add rustfmt)")
        cargo clippy --version >/dev/null 2>&1 || component clippy || missing+=("clippy (rustup component add clippy)")
    fi
    [ "${#missing[@]}" -eq 0 ] && return 0
    echo "missing:"
    printf '  %s\n' "${missing[@]}"
    return 1
}

install_package() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
}

# True if the tests will find it: not everybody has these in the PATH.
program() {
    PATH="$PATH:/usr/sbin:$(printf '%s:' /usr/lib/postgresql/*/bin)" command -v "$1" >/dev/null
}

# install_server PACKAGE...: without starting the service that comes with it.
install_server() {
    local policy=/usr/sbin/policy-rc.d ours=0 status
    [ "$(id -u)" -eq 0 ] || return 1
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=1
    fi
    install_package "$@"
    status=$?
    [ "$ours" -eq 0 ] || rm -f "$policy"
    return "$status"
}

component() {
    command -v rustup >/dev/null && rustup component add "$1" >/dev/null 2>&1
}

rust_is_new_enough() {
    local version
    version=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$RUST_NEEDED" "$version" | sort -V | head -n1)" = "$RUST_NEEDED" ]
}

# The core crate knows no database and no protocol, whatever the others pull in.
core_stands_alone() {
    local tree
    tree=$(cargo tree -p sessionpool-core --edges normal --prefix none) || return 1
    ! grep -E '^(sqlx|reqwest|hyper|axum|deadpool)' <<<"$tree"
}

# check NAME COMMAND...: one that has no tests of its own to count.
check() {
    local name=$1
    shift
    echo "== $name"
    if ! "$@" >"$log" 2>&1; then
        cat "$log"
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}

# tests NAME COMMAND...: counts what the test runners report.
tests() {
    local name=$1 status
    shift
    echo "== $name"
    "$@" >"$log" 2>&1
    status=$?
    local ran bad
    ran=$(sum 's/^test result: .* ([0-9]+) passed;.*/\1/p; s/^ *Summary .* ([0-9]+) passed.*/\1/p')
    bad=$(sum 's/^test result: .* ([0-9]+) failed;.*/\1/p; s/^ *Summary .* ([0-9]+) failed.*/\1/p; s/^ *Summary .* ([0-9]+) timed out.*/\1/p')
    if [ "$status" -ne 0 ]; then
        cat "$log"
        echo "FAILED: $name"
        [ "$bad" -eq 0 ] && bad=1
    elif [ "$ran" -eq 0 ]; then
        echo "FAILED: $name: nothing ran"
        bad=1
    fi
    echo "   $ran passed, $bad failed"
    passed=$((passed + ran))
    failed=$((failed + bad))
}

sum() {
    sed -nE "$1" "$log" | awk '{ total += $1 } END { print total + 0 }'
}

main
