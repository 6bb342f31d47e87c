#!/usr/bin/env bash
# The Autobahn test suite against a server that echoes over the gateway's own WebSockets: groups 1 to 10.
# Needs Python 2.7 (PYTHON2 names it), and network for its packages the first time. Some minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

python2=${PYTHON2:-$(command -v python2.7 || command -v python2)}
target=${CARGO_TARGET_DIR:-$PWD/target}
venv=$target/autobahn-venv
reports=$target/autobahn-reports
port=${PORT:-9219}

cargo build --release --locked -p nexus-benches --bin ws-echo

if [[ ! -x $venv/bin/wstest ]]; then
    "$python2" -m pip install --quiet --user virtualenv==20.15.1
    "$python2" -m virtualenv --quiet "$venv"
    "$venv/bin/pip" install --quiet wheel==0.37.1 setuptools==44.1.1
    "$venv/bin/pip" install --quiet --no-build-isolation autobahntestsuite==25.10.1
fi

"$target/release/ws-echo" "$port" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT

rm -rf "$reports" && mkdir -p "$reports"
cat >"$reports/spec.json" <<EOF
{"outdir": "$reports", "servers": [{"agent": "nexus", "url": "ws://127.0.0.1:$port"}],
 "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"], "exclude-cases": [],
 "exclude-agent-cases": {}}
EOF
"$venv/bin/wstest" -m fuzzingclient -s "$reports/spec.json"

python3 - "$reports/index.json" <<'EOF'
import collections
import json
import sys

cases = json.load(open(sys.argv[1]))["nexus"]
behaviours = collections.Counter(case["behavior"] for case in cases.values())
closes = collections.Counter(case["behaviorClose"] for case in cases.values())
print(f"{len(cases)} cases: {dict(behaviours)}; how they closed: {dict(closes)}")
good = {"OK", "NON-STRICT", "INFORMATIONAL"}
bad = [name for name, case in cases.items() if not {case["behavior"], case["behaviorClose"]} <= good]
if bad or len(cases) < 200:
    sys.exit(f"failed: {bad}")
EOF
