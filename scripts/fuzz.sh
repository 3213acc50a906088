#!/usr/bin/env bash
# Every fuzz target for FUZZ_SECONDS (60) each, on the stable compiler: libFuzzer comes with the crate libfuzzer-sys
# and is built by g++; coverage comes from LLVM's own pass, asked for by stable flags. `scripts/fuzz.sh TARGET…` runs
# some; `--minimise` replaces the kept corpus by the smallest that covers as much.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need_command g++ g++

all=(pixel_body address query visitor_token webhook inbox)
minimise=
[ "${1:-}" = "--minimise" ] && minimise=1 && shift
targets=("${@:-${all[@]}}")
[ $# = 0 ] && targets=("${all[@]}")
seconds=${FUZZ_SECONDS:-60}
machine=$(rustc -vV | sed -n 's/^host: //p')
folder=$root/target/fuzz

flags="--cfg fuzzing -Cpasses=sancov-module"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
done
say "building ${#targets[@]} targets"
build=()
for target in "${targets[@]}"; do build+=(--bin "$target"); done
# With --target the flags reach what is fuzzed and not the build scripts.
RUSTFLAGS="$flags" CXX=g++ cargo build --quiet --release --manifest-path fuzz/Cargo.toml \
    --target "$machine" --target-dir "$folder" "${build[@]}"

for target in "${targets[@]}"; do
    program=$folder/$machine/release/$target
    grown=$folder/corpus/$target
    kept=fuzz/corpus/$target
    mkdir -p "$grown" "$kept" "$folder/artifacts/$target"
    if [ -n "$minimise" ]; then
        small=$folder/minimised/$target
        rm -rf "$small" && mkdir -p "$small"
        "$program" -merge=1 -max_len=4096 "$small" "$kept" "$grown" >"$folder/$target.log" 2>&1 ||
            die "$target: $(tail -3 "$folder/$target.log")"
        # The smallest hundred: the tree keeps seeds, not a collection.
        rm -f "$kept"/*
        find "$small" -type f -size -4k -printf '%s %p\n' | sort -n | head -100 | cut -d' ' -f2- |
            xargs -r cp -t "$kept"
        say "$target: $(find "$kept" -type f | wc -l) seeds"
        continue
    fi
    say "$target for $seconds s"
    if ! "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$folder/artifacts/$target/" "$grown" "$kept" >"$folder/$target.log" 2>&1; then
        grep -E 'panicked|ERROR|SUMMARY|Test unit written' "$folder/$target.log" >&2 || true
        die "$target failed; the input is in target/fuzz/artifacts/$target, the log in target/fuzz/$target.log"
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$target.log")
    say "$target: $runs runs, no panic"
done
rm -rf /dev/shm/tributary-fuzz-* "${TMPDIR:-/tmp}"/tributary-fuzz-*
