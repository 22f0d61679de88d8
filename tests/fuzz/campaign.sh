#!/usr/bin/env bash
# Runs fuzz targets one after another on one core: tests/fuzz/campaign.sh LOGS SECONDS [TARGET …]
#
# The targets are built once (skip with BUILD=no) and copied to LOGS/bin, so that sources may change
# meanwhile. Each goes on for SECONDS or until its first finding, which stays in LOGS/artifacts. The logs
# are what tests/fuzz/table.py reads. Stable Rust does: without a sanitizer, as the crate is safe Rust but
# for libjpeg and maps.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
logs=$(mkdir -p "$1" && cd "$1" && pwd)
seconds=$2
shift 2
triple=$(rustc -vV | sed -n 's/^host: //p')

if [ "${BUILD:-yes}" = yes ]; then
    cargo fuzz build --fuzz-dir "$here" --sanitizer none
    mkdir -p "$logs/bin" "$logs/artifacts"
    for target in "$here"/fuzz_targets/*.rs; do
        cp "$here/target/$triple/release/$(basename "$target" .rs)" "$logs/bin/"
    done
fi
if [ $# -eq 0 ]; then
    for target in "$here"/fuzz_targets/*.rs; do
        set -- "$@" "$(basename "$target" .rs)"
    done
fi
python3 "$here/seeds.py" >/dev/null

for target in "$@"; do
    run=$(find "$logs" -name "$target.*.log" | wc -l)
    # Files that a parser reads are in memory, where the system has room for them.
    folder=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo /tmp)")
    # A machine that has other work gives less of its processor than seconds go by.
    TIMEFORMAT='seconds: %R, of the processor: %U %S'
    {
        time RAYON_NUM_THREADS=1 TMPDIR=$folder "$logs/bin/$target" \
            "$here/corpus/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=2048 \
            -timeout=10 -print_final_stats=1 -artifact_prefix="$logs/artifacts/$target." \
            >"$logs/$target.$run.log" 2>&1 || true
    } 2>"$folder/time"
    cat "$folder/time" >>"$logs/$target.$run.log"
    rm -rf "$folder"
done
