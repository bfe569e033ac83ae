//! How well a stream is, from what passes by: its history, what is unlike it, and why a run failed.
