//! Runs leave a history: at once, torn, in a folder, and never with a value of a record.
