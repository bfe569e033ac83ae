//! Runs as OpenLineage events: what was read, what was made of it, and how good it was.
