//! What has changed between two schemas, how bad that is, and the statements that follow it.
