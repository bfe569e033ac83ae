# The project's commands. `.ci/run` runs the same ones.

# Formats, lints, docs, licences.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
    cargo deny check licenses bans sources

# Every test; those under `real::` install connectors from PyPI into a venv of their own.
test:
    cargo test

# Tests that need no network.
test-offline:
    cargo test -- --skip real::

# One folder of fixtures.
case name:
    MIDFLIGHT_CASE={{name}} cargo test --test main cases::

bench:
    cargo bench

# The example of the README.
demo:
    ./demo.sh
