"""Copies what a run made to where the page and the tests find it."""

import json
import os
import shutil

from examples import EXAMPLES


def ship(work, root):
    """Model, transcoders, labels, examples, card and list of files to `www/demo`, the golden to `tests/golden`."""
    site = root / "www/demo"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    for folder in ("model", "transcoders"):
        shutil.copytree(work / folder, site / folder)
        _list_files(site / folder)
    for file in ("labels.json", "README.md"):
        shutil.copy(work / file, site / file)
    (site / "examples.json").write_text(examples(), encoding="utf-8")
    for form in ("json", "safetensors"):
        shutil.copy(work / f"golden.{form}", root / f"tests/golden/demo.{form}")
    for folder, _, files in os.walk(site):
        for it in files:
            os.chmod(os.path.join(folder, it), 0o644)


def examples():
    """The text of `examples.json`."""
    return json.dumps({"version": 1, "examples": EXAMPLES}, ensure_ascii=False, indent=1) + "\n"


def size_bytes(work):
    """Bytes of everything that `ship` puts into `www/demo`, the card aside."""
    files = [it for folder in ("model", "transcoders") for it in (work / folder).rglob("*") if it.is_file()]
    total = sum(it.stat().st_size for it in [*files, work / "labels.json"])
    return total + len(examples().encode()) + 2_000


def _list_files(folder):
    """`files.json`: names of a folder's files, since a server of plain files can't list them."""
    names = sorted(str(it.relative_to(folder)) for it in folder.rglob("*") if it.is_file())
    (folder / "files.json").write_text(json.dumps(names) + "\n", encoding="utf-8")
