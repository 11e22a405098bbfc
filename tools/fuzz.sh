#!/usr/bin/env bash
# Runs fuzz targets (fuzz/README.md), each for so many seconds: tools/fuzz.sh SECONDS [TARGET ...], all of them when none is named.
# Says what it does while it does it, and at the end what came out. Exit code: 0 when nothing was found, 1 when something was.
#
# cargo-fuzz asks for a nightly compiler only for its flags; RUSTC_BOOTSTRAP lets the stable one take them. What is new goes to fuzz/found,
# which git ignores; what broke a rule to fuzz/artifacts.
set -u
cd "$(dirname "$0")/.."
export RUSTC_BOOTSTRAP=1
seconds=${1:-60}
shift
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "hocket: '$seconds' is no number of seconds (make fuzz SECONDS=60)" >&2
    exit 2
fi
tools=build/cargo-fuzz
PATH=$PWD/$tools/bin:$PATH
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "Installing cargo-fuzz ..."
    cargo install --quiet --locked --root "$tools" --version 0.13.2 cargo-fuzz || exit 2
fi
if [ $# = 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
else
    targets=("$@")
fi
echo "Building the targets (minutes the first time) ..."
cargo fuzz build 2>build/fuzz-build.log || { cat build/fuzz-build.log >&2; exit 2; }

# The last number behind a word in a log of libFuzzer's, or "-".
number() { grep -o "$1[:=]\? *[0-9]\+" "$2" | tail -n 1 | grep -o '[0-9]\+$' || echo -; }

failed=0
table=$(printf '%-12s %12s %10s %9s %8s  %s' target executions 'a second' coverage corpus findings)
for target in "${targets[@]}"; do
    found=fuzz/found/$target log=build/fuzz-$target.log artifacts=fuzz/artifacts/$target
    mkdir -p "$found" "$artifacts" "fuzz/corpus/$target"
    known=$(find "$artifacts" -type f | wc -l)
    printf '%-12s %s s ... ' "$target" "$seconds"
    cargo fuzz run "$target" "$found" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=1500 -timeout=25 -print_final_stats=1 >"$log" 2>&1
    code=$?
    new=$(($(find "$artifacts" -type f | wc -l) - known))
    runs=$(number stat::number_of_executed_units "$log")
    finding=none
    if [ "$code" != 0 ]; then
        failed=1
        finding="$new in $artifacts, see $log"
    fi
    echo "$runs executions, findings: $finding"
    table+=$'\n'$(printf '%-12s %12s %10s %9s %8s  %s' "$target" "$runs" "$(number stat::average_exec_per_sec "$log")" \
        "$(number cov "$log")" "$(number corp "$log")" "$finding")
done
printf '\n%s\n' "$table"
exit $failed
