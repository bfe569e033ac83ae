//! Puts rules to the test: on rows in the order of time, and on rows with errors put into them.
