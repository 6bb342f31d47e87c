# What is here to run. `just NAME`; https://just.systems

_default:
    @just --list --unsorted

# A gateway with a built-in model: no network, no keys
demo:
    cargo run --release -p nexus-server -- --demo

# All that CI runs
ci:
    bash .ci/run

# Tests in Rust; arguments choose among them
test *ARGS:
    cargo test --workspace {{ARGS}}

# The real server, a real model and OpenAI's own client; arguments go to pytest
e2e *ARGS:
    nexus-server/tests/e2e/run.sh {{ARGS}}

# Fuzz: seconds and names of targets; all for ten seconds without
fuzz *ARGS:
    fuzz/run.sh {{ARGS}}

# Format, then lint as CI does
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Record the public API of the library, after a change of it that is meant
public-api:
    UPDATE=1 .ci/public-api/run

# The library's documentation, in a browser
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Benchmarks; arguments choose among them
bench *ARGS:
    cargo bench -p nexus-benches {{ARGS}}

# One example, such as `just example axum_mount`
example NAME *ARGS:
    cargo run -p nexus-examples --example {{NAME}} -- {{ARGS}}

# Licences, advisories, bans and sources of all dependencies (needs cargo-deny)
deny:
    cargo deny check
