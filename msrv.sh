#!/usr/bin/env bash
# Compiles each published crate with the oldest Rust that its `rust-version` promises.
# Needs rustup, which fetches the toolchains that are not there.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v rustup >/dev/null; then
    echo "rustup is not installed: it fetches the toolchains (https://rustup.rs)" >&2
    exit 1
fi

# oldest CRATE
oldest() {
    local rust
    rust=$(sed -n 's/^rust-version = "\(.*\)"$/\1.0/p' "crates/$1/Cargo.toml")
    [[ -n $rust ]] || echo "crates/$1/Cargo.toml has no line 'rust-version = \"…\"'" >&2
    echo "$rust"
}

# compiles CRATE RUST [FEATURES]
compiles() {
    [[ -n $2 ]] || exit 1 # it has been said why
    local said
    if ! said=$(rustup toolchain install --profile minimal "$2" 2>&1); then
        printf '%s\n' "$said" "Rust $2, the oldest for $1, could not be installed" >&2
        exit 1
    fi
    cargo "+$2" check --quiet --target-dir target/msrv --package "$1" ${3:+--features "$3"}
    echo "$1${3:+ with $3}: $2"
}

compiles sessionpool-core "$(oldest core)" tracing,metrics
compiles sessionpool-testkit "$(oldest testkit)" proxy,servers
compiles sessionpool-deadpool "$(oldest deadpool)"
compiles sessionpool-axum "$(oldest axum)"
compiles sessionpool "$(oldest sessionpool)" axum,tracing,metrics
compiles sessionpool-emulator "$(oldest emulator)"
compiles sessionpool-tenten "$(oldest tenten)"
# Whatever uses sqlx needs what sqlx does.
compiles sessionpool-sql "$(oldest sql)" postgres,mysql,sqlite,tls
compiles sessionpool "$(oldest sql)" axum,tracing,metrics,tenten,postgres,mysql,sqlite,tls
