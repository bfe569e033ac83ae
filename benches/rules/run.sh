#!/bin/sh
# Sets up what compare.py needs below target/rules, once, and runs it on the release build.
#
#   benches/rules/run.sh [--adult FILE.csv] [--faker MESSAGES.jsonl] [--table NAME=FIRST.csv,LATER.csv] [--repeats N] [--details]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/rules

wanted=$(cksum <"$here/requirements.txt")
if [ "$(cat "$work/ready" 2>/dev/null)" != "$wanted" ]; then
    echo "setting up $work (about 250 MB, once)" >&2
    mkdir -p "$work"
    python=python3
    # tab_err does not run on Python 3.13.
    for one in python3.11 python3.12; do command -v $one >/dev/null && python=$one && break; done
    $python -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    echo "$wanted" >"$work/ready"
fi
case " $* " in *" --program "*) ;; *) set -- --program "$root/target/release/midflight" "$@" ;; esac
exec "$work/venv/bin/python" "$here/compare.py" --folder "$work/tables" "$@"
