//! Runnable examples: `cargo run -p nexus-examples --example NAME`.
