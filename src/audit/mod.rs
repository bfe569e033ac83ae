//! What was decided, when and by whom: records in a chain of hashes, so that a change is seen.
