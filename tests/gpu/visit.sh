#!/usr/bin/env bash
# One visit to a machine with a CUDA device that is lent for half an hour, has no network, and takes small
# parcels only. It has CUDA 13 and cuDNN 9, in its Python's packages or where the system looks, and bash.
#
#   tests/gpu/visit.sh pack             here: program, tests, benchmark and ONNX Runtime as parts below .gpu/
#   tests/gpu/visit.sh keep             there, once for each part that is carried: puts it aside
#   tests/gpu/visit.sh run OUT [FULL]   there: all that a visit is to bring home, below OUT; FULL checks real
#                                       networks, too
#
# QGFACE_PEERS, a folder with step.py and embed.py, and QGFACE_PYTHON, a Python with PyTorch, compare with
# PyTorch on the same card. QGFACE_DEVICE is cuda:0 unless it says otherwise.
set -euo pipefail

stay=${QGFACE_VISIT:-$HOME/qgface-visit}
part_size=48m

pack() {
    cd "$(dirname "$0")/../.."
    local work files
    work=$(mktemp -d)
    trap "rm -rf '$work'" EXIT
    cargo build --release --locked
    # What cargo calls test and benchmark programs has a digest in its name.
    files=$(cargo test --release --locked --test steps --bench step --no-run --message-format=json |
        python3 -c 'import json, sys
for line in sys.stdin:
    own = json.loads(line) if line.startswith("{") else {}
    if own.get("executable") and own["target"]["name"] in ("steps", "step"):
        print(own["target"]["name"], own["executable"])')
    cp "${CARGO_TARGET_DIR:-target}/release/qgface-data" "$work/"
    while read -r name file; do cp "$file" "$work/$name"; done <<<"$files"
    strip "$work"/*
    QGFACE_RUNTIME_CACHE="$work/cache" "$work/qgface-data" runtime install --cuda
    rm -rf .gpu
    mkdir -p .gpu
    grep -qs '^/.gpu/$' .git/info/exclude || echo '/.gpu/' >>.git/info/exclude
    tar -C "$work" -c . | xz -T0 -2 | split -b "$part_size" -d -a 2 - .gpu/part-
    (cd .gpu && sha256sum part-* >SHA256SUMS)
    ls -l .gpu
    echo "carry .gpu/part-NN and .gpu/SHA256SUMS one by one, with 'tests/gpu/visit.sh keep' each time"
}

keep() {
    mkdir -p "$stay"
    cp .gpu/* "$stay/"
    ls -l "$stay"
}

# The folders of NVIDIA's Python packages, for the loader.
libraries() {
    "${QGFACE_PYTHON:-python3}" - <<'PYTHON'
import glob, site, sys
roots = [*site.getsitepackages(), site.getusersitepackages()]
print(":".join(folder for root in roots for folder in glob.glob(f"{root}/nvidia/*/lib")))
PYTHON
}

run() {
    local out=$1 full=${2:-}
    mkdir -p "$out"
    (cd "$stay" && sha256sum -c SHA256SUMS)
    [ -x "$stay/qgface-data" ] || cat "$stay"/part-* | xz -d | tar -x -C "$stay"
    export QGFACE_RUNTIME_CACHE="$stay/cache" QGFACE_DEVICE=${QGFACE_DEVICE:-cuda:0}
    LD_LIBRARY_PATH=$(libraries):${LD_LIBRARY_PATH:-}
    export LD_LIBRARY_PATH
    local card
    nvidia-smi >"$out/card.txt" 2>&1 || true
    nvidia-smi --query-gpu=timestamp,memory.used --format=csv -l 1 >"$out/memory.csv" 2>/dev/null &
    card=$!
    trap "kill $card 2>/dev/null || true" EXIT
    # Whatever fails, the rest is brought home, too.
    step() {
        local name=$1 status=0
        shift
        "$@" >"$out/$name.txt" 2>"$out/$name.err" || status=$?
        echo "$name: $status" | tee -a "$out/statuses.txt"
    }
    step info "$stay/qgface-data" runtime info
    step check_quick "$stay/qgface-data" runtime check --quick --device "$QGFACE_DEVICE" --save "$out/check_quick.json"
    step tests "$stay/steps" --ignored cuda_
    export QGFACE_ROUNDS=${QGFACE_ROUNDS:-3}
    step bench_ir18 timeout 400 "$stay/step" --bench ir18 16 64
    step bench_ir50 timeout 400 "$stay/step" --bench ir50 16 64
    step profile timeout 200 "$stay/step" --bench profile ir18
    if [ -n "$full" ]; then
        step check "$stay/qgface-data" runtime check --device "$QGFACE_DEVICE" --save "$out/check.json"
    fi
    if [ -n "${QGFACE_PEERS:-}" ]; then
        local network batch precision
        for network in ir18 ir50; do
            for batch in 8 64; do
                for precision in fp32 fp16; do
                    step "embed_${network}_${batch}_$precision" "${QGFACE_PYTHON:-python3}" "$QGFACE_PEERS/embed.py" \
                        "$network" "$batch" cuda "$precision"
                done
            done
        done
    fi
    cat "$out/statuses.txt"
}

case "${1:-}" in
    pack) pack ;;
    keep) keep ;;
    run) run "${2:?a folder for what is brought home}" "${3:-}" ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
