#!/usr/bin/env bash
# Plants each fault of faults.txt in a copy of the tree, one at a time, and sees to it
# that the model or test named with it fails. Prints what came of it, in Markdown:
#
#     crates/core/tests/planted/run.sh >docs/planted-faults.md
#     crates/core/tests/planted/run.sh resize janitor    # only faults named like that
#
# Fails when a fault is not caught, when the code it is planted in is no longer there
# exactly once, and when a named test does not pass without the fault.
set -uo pipefail
export LC_ALL=C

home=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$home/../../../.." && pwd)
readonly home root
readonly work=${CARGO_TARGET_DIR:-$root/target}/planted
readonly tree=$work/tree
readonly sources=$tree/crates/core/src
readonly unharmed=$work/unharmed
# A test that has not ended after so many seconds hangs.
patience=30
# What is planted is built once; a build that takes long gains nothing by being fast.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
unset RUSTFLAGS # a fault may leave something unused
export SHUTTLE_SEEDS=${SHUTTLE_SEEDS:-100}
export PROPTEST_MAX_SHRINK_ITERS=0 # that it fails is enough
export CARGO_PROFILE_RELEASE_INCREMENTAL=true CARGO_TERM_COLOR=never RUST_BACKTRACE=0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
names=() catchers=() hanging=() patches=()
uncaught=0

main() {
    read_faults "$@"
    [ "${#names[@]}" -gt 0 ] || fail "no fault is named like that"
    copy_tree
    all_pass_unharmed
    heading
    local at
    for at in "${!names[@]}"; do
        try "${names[$at]}" "${catchers[$at]}" "${hanging[$at]}" "${patches[$at]}"
    done
    echo
    echo "$((${#names[@]} - uncaught)) of ${#names[@]} faults were caught."
    [ "$uncaught" -eq 0 ]
}

heading() {
    cat <<'END'
# Planted faults

Small faults of the kind people make, planted in the core one at a time, and the model
or test that notices. What is planted stands in
[faults.txt](../crates/core/tests/planted/faults.txt). Made by

```sh
crates/core/tests/planted/run.sh >docs/planted-faults.md
```

| fault | caught by | how | seconds |
|---|---|---|--:|
END
}

# read_faults WANTED...: all of them, or those with any of these words in their names.
read_faults() {
    local line name="" catcher="" hangs=no patch=""
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '#'*) ;;
        'fault: '*)
            keep "$name" "$catcher" "$hangs" "$patch" "$@"
            name=${line#fault: } catcher="" hangs=no patch=""
            ;;
        'caught by: '*) catcher=${line#caught by: } ;;
        'hangs: '*) catcher=${line#hangs: } hangs=yes ;;
        *) patch+=$line$'\n' ;;
        esac
    done <"$home/faults.txt"
    keep "$name" "$catcher" "$hangs" "$patch" "$@"
}

# keep NAME CATCHER HANGS PATCH WANTED...
keep() {
    local name=$1 catcher=$2 hangs=$3 patch=$4 wanted
    shift 4
    [ -n "$name" ] || return 0
    for wanted in "${@:-}"; do
        if [[ $name == *"$wanted"* ]]; then
            names+=("$name") catchers+=("$catcher") hanging+=("$hangs") patches+=("$patch")
            return 0
        fi
    done
}

copy_tree() {
    rm -rf "$tree"
    mkdir -p "$tree"
    # Without what others have built in here; and all of it new, since what was built last
    # had a fault in it.
    tar -C "$root" --exclude=./target --exclude=./.git -cf - . | tar -C "$tree" -xmf - ||
        fail "cannot copy the tree"
    rm -rf "$unharmed"
    cp -r "$sources" "$unharmed"
}

# Without a fault, each of the tests passes.
all_pass_unharmed() {
    local kind tests
    for kind in $(printf '%s\n' "${catchers[@]}" | cut -d' ' -f1 | sort -u); do
        mapfile -t tests < <(printf '%s\n' "${catchers[@]}" | sed -n "s/^$kind //p" | sort -u)
        echo "unharmed: $kind" >&2
        patience=900 run "$kind" "${tests[@]}" || fail "not all pass without a fault"
        grep -q "^test result: ok. ${#tests[@]} passed" "$log" ||
            fail "not all of these are there: ${tests[*]}"
    done
}

# try NAME CATCHER HANGS PATCH: one line of the table.
try() {
    local name=$1 kind=${2%% *} test=${2#* } hangs=$3 how began seconds
    echo "fault: $name" >&2
    if ! plant "$4"; then
        how="**does not apply**"
    elif ! build "$kind"; then
        how="**does not build**"
    else
        began=$(date +%s%N)
        run "$kind" "$test"
        case $? in
        0) how="**not caught**" ;;
        124) [ "$hangs" = yes ] && how="hangs" || how="**not caught: it hangs**" ;;
        *) how=$(how_it_failed) ;;
        esac
        seconds=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $began) / 1e9 }")
    fi
    [[ $how != '**'* ]] || { uncaught=$((uncaught + 1)) && tail -n 40 "$log" >&2; }
    echo "| $name | $kind \`$test\` | $how | ${seconds:--} |"
    mend
}

how_it_failed() {
    local how=aborts
    if grep -qi 'deadlock' "$log"; then
        how="deadlock"
    elif grep -q '^test result: FAILED. 0 passed; 1 failed' "$log"; then
        how="fails"
    fi
    ! grep -q '^failed, one that is kept in SEEDS' "$log" || how+=", by a seed that is kept"
    echo "$how"
}

# plant PATCH: hunks of lines as in a diff, each to be found exactly once.
plant() {
    local line file="" old="" new=""
    while IFS= read -r line; do
        case $line in
        '@@ '*)
            replace "$file" "$old" "$new" || return 1
            file=${line#@@ } old="" new=""
            ;;
        ' '*) old+=${line:1}$'\n' new+=${line:1}$'\n' ;;
        '-'*) old+=${line:1}$'\n' ;;
        '+'*) new+=${line:1}$'\n' ;;
        '') ;;
        *) fail "cannot read: $line" ;;
        esac
    done <<<"$1"
    replace "$file" "$old" "$new"
}

# replace FILE OLD NEW
replace() {
    local text rest start
    [ -n "$1" ] || return 0
    text=$(cat "$sources/$1" && printf x) || return 1
    text=${text%x}
    rest=${text#*"$2"}
    if [ "$rest" = "$text" ] || [ "${rest#*"$2"}" != "$rest" ]; then
        printf 'not there exactly once, in %s:\n%s' "$1" "$2" >"$log"
        return 1
    fi
    start=$((${#text} - ${#rest} - ${#2}))
    printf '%s' "${text:0:start}$3$rest" >"$sources/$1"
}

mend() {
    local file
    (cd "$unharmed" && find . -name '*.rs') | while IFS= read -r file; do
        cmp -s "$unharmed/$file" "$sources/$file" || cp "$unharmed/$file" "$sources/$file"
    done
}

build() {
    cargo_test "$1" --no-run >"$log" 2>&1
}

# run KIND TEST...
run() {
    local kind=$1
    shift
    build "$kind" && cargo_test "$kind" -- --exact "$@" >"$log" 2>&1
}

# cargo_test KIND ARGUMENT...
cargo_test() {
    local kind=$1
    shift
    set -- --manifest-path "$tree/Cargo.toml" --target-dir "$work/$kind" -p sessionpool-core "$@"
    case $kind in
    loom | shuttle) RUSTFLAGS="--cfg sessionpool_$kind" patiently test --release --lib "$@" ;;
    *) patiently test --test "$kind" "$@" ;;
    esac
}

# Building takes as long as it takes.
patiently() {
    case " $* " in
    *' --no-run '*) cargo "$@" ;;
    *) timeout "$patience" cargo "$@" ;;
    esac
}

fail() {
    echo "planted faults: $*" >&2
    [ ! -s "$log" ] || tail -n 40 "$log" >&2
    exit 1
}

main "$@"
