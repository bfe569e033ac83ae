//! Proposes rules from profiles.
