#!/usr/bin/env bash
# The console in Chromium, before the real server. Needs Node 18 or newer, npm, and Debian's Chromium.
#   NEXUS_SERVER_BIN=… nexus-server/tests/e2e/console/run.sh [NODE'S TEST ARGUMENTS]
# `node screenshots.mjs FOLDER` in this folder takes the pictures of docs/screenshots.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
: "${NEXUS_SERVER_BIN:?names the server: build nexus-server first, or use the run.sh one folder up}"

# The packages are kept between runs, and fetched anew when what they should be has changed.
if ! cmp --silent package-lock.json node_modules/installed; then
    npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
    cp package-lock.json node_modules/installed
fi
exec node --test --test-concurrency=1 "$@"
