//! Faults of stores.
