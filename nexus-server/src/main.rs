//! The NexusAI gateway.
fn main() {}
