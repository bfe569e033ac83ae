#!/usr/bin/env bash
# Trains the classifier of column names: `models/columns/train.sh`, or `… --score` for the figures of its README.
# Installs its packages into a venv below target/. One thread, so that sums are added in one order.
set -euo pipefail
cd "$(dirname "$0")"
venv=../../target/columns-venv
[ -x $venv/bin/python ] || python3 -m venv $venv
$venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
exec $venv/bin/python train.py "$@"
