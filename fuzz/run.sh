#!/usr/bin/env bash
# Builds the fuzz targets and runs them, one after the other. Needs stable Rust and a C++ compiler only: libFuzzer's
# sources are in a crate, and what cargo-fuzz would tell the compiler is said here.
#   fuzz/run.sh                     each target for 10 seconds
#   fuzz/run.sh 900 answers sse     these for 15 minutes
# With FUZZ_SEED set, inputs are tried in the same order each time.
# What is found lies in fuzz/artifacts; a run goes on from the inputs that the last one kept.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${1:-10}
shift || true
targets=("$@")
((${#targets[@]})) || targets=(addresses answers http1 json requests sse)
triple=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-$here/../target}
target=$(realpath -m -- "$target")/fuzz
corpus=${NEXUS_FUZZ_CORPUS:-$target/corpus}

# Coverage is counted at each edge, and comparisons are traced. With a target named, build scripts are spared.
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
bins=()
for name in "${targets[@]}"; do bins+=(--bin "$name"); done
RUSTFLAGS=$flags cargo build --release --manifest-path "$here/Cargo.toml" \
    --target-dir "$target" --target "$triple" "${bins[@]}"

for name in "${targets[@]}"; do
    dict=$here/json.dict
    case $name in http1 | addresses) dict=$here/http.dict ;; esac
    mkdir -p "$corpus/$name" "$here/artifacts/$name"
    printf -- '--- %s\n' "$name"
    # The first folder is the one that grows.
    "$target/$triple/release/$name" "$corpus/$name" "$here/seeds/$name" \
        -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -rss_limit_mb=2048 -timeout=10 -max_len=8192 -dict="$dict" \
        -artifact_prefix="$here/artifacts/$name/" -print_final_stats=1 -verbosity="${FUZZ_VERBOSITY:-0}"
done
