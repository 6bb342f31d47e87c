//! Benchmarks of NexusAI; see `README.md` beside this file.
