#!/usr/bin/env bash
# Every door for outside bytes, fuzzed for FUZZ_SECONDS (60) each, on the stable compiler: libFuzzer comes with the crate
# libfuzzer-sys and is built by g++; coverage comes from LLVM's own pass, asked for by stable flags.
#
#   scripts/fuzz.sh                 all targets, then a table of what ran
#   scripts/fuzz.sh query cookie    some
#   scripts/fuzz.sh --minimise      keep in fuzz/corpus the fewest inputs that cover what all found ones do
#
# What is found is kept in target/fuzz/corpus and is where the next run begins. A target that fails does not stop the
# others; its input lies in target/fuzz/artifacts, and the script ends with 1.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need_command g++ g++

all=(pixel_body query cookie address webhook inbox record)
# Most bytes of one target's seeds in the tree, and of one seed.
seeds_bytes_max=40000
seed_bytes_max=1000
seconds=${FUZZ_SECONDS:-60}
machine=$(rustc -vV | sed -n 's/^host: //p')
folder=$root/target/fuzz

minimise=
if [ "${1:-}" = "--minimise" ]; then minimise=1 && shift; fi
targets=("$@")
[ $# -gt 0 ] || targets=("${all[@]}")

flags="--cfg fuzzing -Cpasses=sancov-module"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
done
say "building ${#targets[@]} targets (the first time: some minutes)"
build=()
for target in "${targets[@]}"; do build+=(--bin "$target"); done
# The same dependencies as the product: cargo adds what only the targets need.
cp Cargo.lock fuzz/Cargo.lock
# With --target the flags reach what is fuzzed and not the build scripts.
RUSTFLAGS="$flags" CXX=g++ cargo build --quiet --release --manifest-path fuzz/Cargo.toml \
    --target "$machine" --target-dir "$folder" "${build[@]}"

# minimise TARGET: of everything found the inputs that cover as much, into the tree; the longest first, which cover most
# each, as far as there is room.
minimise() {
    local small=$folder/minimised/$1 kept=fuzz/corpus/$1 bytes=0 size file
    rm -rf "$small" && mkdir -p "$small"
    "$folder/$machine/release/$1" -set_cover_merge=1 -max_len="$seed_bytes_max" "$small" "$kept" "$folder/corpus/$1" \
        >"$folder/$1.log" 2>&1 || die "$1: $(tail -3 "$folder/$1.log")"
    rm -f "$kept"/*
    while read -r size file; do
        bytes=$((bytes + size))
        [ "$bytes" -le "$seeds_bytes_max" ] || break
        cp "$file" "$kept/"
    done < <(find "$small" -type f -printf '%s %p\n' | sort -rn)
    say "$1: $(find "$kept" -type f | wc -l) of $(find "$small" -type f | wc -l) kept as seeds"
}

figure() { sed -n "s/^stat::$1: *//p" "$folder/$2.log"; }

failed=()
table=$(printf '%-12s %12s %10s %10s %10s' target runs runs/s new seeds)
for target in "${targets[@]}"; do
    mkdir -p "$folder/corpus/$target" "fuzz/corpus/$target" "$folder/artifacts/$target"
    if [ -n "$minimise" ]; then
        minimise "$target"
        continue
    fi
    say "$target for $seconds s"
    verdict=
    timeout --kill-after=10 $((seconds + 120)) "$folder/$machine/release/$target" -max_total_time="$seconds" \
        -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$folder/artifacts/$target/" "$folder/corpus/$target" "fuzz/corpus/$target" \
        >"$folder/$target.log" 2>&1 || {
        verdict="  FAILED, see target/fuzz/$target.log"
        failed+=("$target")
        grep -E 'panicked|ERROR|SUMMARY|Test unit written' "$folder/$target.log" >&2 || true
    }
    table+=$(printf '\n%-12s %12s %10s %10s %10s%s' "$target" "$(figure number_of_executed_units "$target")" \
        "$(figure average_exec_per_sec "$target")" "$(figure new_units_added "$target")" \
        "$(find "fuzz/corpus/$target" -type f | wc -l)" "$verdict")
done
rm -rf /dev/shm/tributary-fuzz-* "${TMPDIR:-/tmp}"/tributary-fuzz-*
[ -n "$minimise" ] || printf '%s\n' "$table"
[ ${#failed[@]} = 0 ] || die "the inputs that failed are in target/fuzz/artifacts: ${failed[*]}"
