# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Khronos's glTF validator: errors, warnings and remarks about every GLB; needs npm.

python counterparts/run.py khronos
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from verdict import say

VALIDATOR = "2.0.0-dev.3.10"
CODE = """const v = require('gltf-validator'), fs = require('fs');
const all = process.argv.slice(1).map(p => v.validateBytes(new Uint8Array(fs.readFileSync(p))));
Promise.all(all).then(r => console.log(JSON.stringify(r.map(one => one.issues))));"""


def main(files):
    with tempfile.TemporaryDirectory() as work:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"gltf-validator@{VALIDATOR}"]
        subprocess.run(install, cwd=work, check=True)
        paths = sorted(str(path.resolve()) for path in files.glob("*.glb"))
        done = subprocess.run(["node", "-e", CODE, *paths], cwd=work, capture_output=True, text=True, check=True)
    issues = json.loads(done.stdout)
    for kind in ("Errors", "Warnings", "Infos"):
        count = sum(one[f"num{kind}"] for one in issues)
        bar = 0 if kind != "Infos" else None
        note = "; ".join(sorted({m["code"] for one in issues for m in one["messages"]})) if kind == "Infos" else ""
        say("gltf-validator", f"{len(paths)} GLB files, {kind.lower()}", count, bar, "", version=VALIDATOR, note=note)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
