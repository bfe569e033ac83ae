"""Staged files as destination-s3 writes them, with "root level flattening": JSON Lines of one stream, `users`.

The records are those of benches/gen_messages.py, over and over with other keys, so that no value repeats that would
not repeat in life. The same arguments give the same bytes.
"""
import random
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "target" / "bench-data" / "batch"
BASE_RECORDS = 60_000


def base():
    """The parts of every base record between what changes from copy to copy."""
    path = DATA / "base.jsonl"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        made = subprocess.run([sys.executable, ROOT / "benches" / "gen_messages.py", "--seed", "7",
                               "--records", str(BASE_RECORDS * 3)], check=True, capture_output=True)
        lines = [line for line in made.stdout.split(b"\n") if b'"stream":"users","' in line and b'"RECORD"' in line]
        path.write_bytes(b"\n".join(lines[:BASE_RECORDS]))
    parts = []
    for line in path.read_text().split("\n"):
        data = line[line.index('"data":{') + 7:line.rindex(',"emitted_at"')]
        ident, rest = data[len('{"id":'):].split(",", 1)
        head, rest = rest.split('"uuid":"', 1)
        rest = rest[36:]
        before, email = rest.split('"email":"', 1) if '"email":"' in rest else (rest, None)
        parts.append((int(ident), head, before, email, line[line.rindex(":") + 1:-2]))
    return parts


def write(mb, files):
    """A folder with about `mb` million bytes in so many files; made when it is not there."""
    folder = DATA / f"{mb}mb-{files}" / "users"
    if folder.exists():
        return folder.parent
    unfinished = folder.with_name("unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    parts, copy, number, written = base(), 0, 0, 0
    share, chance = mb * 1_000_000 / files, random.Random(7)
    for file in range(files):
        path = unfinished / f"2026_08_21_1787284800007_{file}.jsonl"
        with open(path, "w") as out:
            here = 0
            while here < share:
                ident, head, before, email, emitted = parts[number]
                unique = f"{copy:04x}{ident:08x}"
                key = str(uuid.UUID(int=chance.getrandbits(128)))
                mail = "" if email is None else f'"email":"{unique}.{email}'
                line = (f'{{"_airbyte_raw_id":"{key}","_airbyte_extracted_at":{emitted},"_airbyte_meta":'
                        f'{{"changes":[],"sync_id":1}},"_airbyte_generation_id":0,'
                        f'"id":{ident + copy * 10_000_000},{head}"uuid":"{key}{before}{mail}\n')
                out.write(line)
                here += len(line.encode())
                number += 1
                if number == len(parts):
                    number, copy = 0, copy + 1
            written += here
    unfinished.rename(folder)
    return folder.parent


if __name__ == "__main__":
    print(write(int(sys.argv[1]), int(sys.argv[2])))
