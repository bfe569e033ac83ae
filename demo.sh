#!/bin/sh
# Builds midflight and runs its main job on a recorded read of a real source: one record before and after.
set -eu
cd "$(dirname "$0")"
cargo build --release --quiet
: "${MIDFLIGHT_KEY:=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f}"
export MIDFLIGHT_KEY
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# What a run sets aside lies beside its configuration, so it runs on a copy.
cp -R fixtures/faker "$out/case"
case=$out/case
target/release/midflight pipe --config "$case/config.yaml" --catalog "$case/catalog.json" \
    --report "$out" < "$case/input.jsonl" > "$out/clean.jsonl"
record='"stream":"users","data":{"id":1,'
echo "before:"
grep -m 1 "$record" "$case/input.jsonl"
echo "after:"
grep -m 1 "$record" "$out/clean.jsonl"
echo "report:"
tail -n 1 "$out/clean.jsonl"
