# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""three.js in Chromium: our GLB by its own loader, mixer and skinning; needs npm and chromium.

python counterparts/run.py threejs
"""

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from verdict import say, truth

THREE = "0.187.0"
PAGE = """<!doctype html><script type="importmap">{"imports": {"three": "./node_modules/three/build/three.module.js",
"three/addons/": "./node_modules/three/examples/jsm/"}}</script><body><script type="module">
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
const goal = new Float32Array(await (await fetch("truth.f32")).arrayBuffer());
const loader = new GLTFLoader(), point = new THREE.Vector3();
const wanted = await (await fetch("wanted.json")).json();
function farthest(scene, frame) {
  let mesh = null, worst = 0;
  scene.updateMatrixWorld(true);
  scene.traverse(node => { if (node.isMesh) mesh = node; });
  if (mesh.isSkinnedMesh) mesh.skeleton.update();
  const count = wanted.vertices, apart = at =>
    Math.hypot(point.x - goal[at], point.y - goal[at + 1], point.z - goal[at + 2]);
  for (let v = 0; v < mesh.geometry.attributes.position.count; v += wanted.every) {
    mesh.getVertexPosition(v, point).applyMatrix4(mesh.matrixWorld);
    let nearest = wanted.every == 1 ? apart(3 * (frame * count + v)) : Infinity;
    if (wanted.every > 1)
      for (let w = 0; w < count; w++) nearest = Math.min(nearest, apart(3 * (frame * count + w)));
    worst = Math.max(worst, nearest);
  }
  return 1000 * worst;
}
const found = {};
try {
  for (const name of wanted.motions) {
    const file = await loader.loadAsync(name), mixer = new THREE.AnimationMixer(file.scene);
    const action = mixer.clipAction(file.animations[0]);
    action.setLoop(THREE.LoopOnce); action.clampWhenFinished = true; action.play();
    found[name] = 0;
    for (let frame = 0; frame < 10; frame++) {
      mixer.setTime(frame / 25);
      found[name] = Math.max(found[name], farthest(file.scene, frame));
    }
    found[name + " seconds"] = file.animations[0].duration;
  }
  for (const kind of wanted.poses) {
    found["pose" + kind] = 0;
    for (let k = 0; k < 10; k++) {
      const file = await loader.loadAsync(`pose_${k}${kind}.glb`);
      found["pose" + kind] = Math.max(found["pose" + kind], farthest(file.scene, k));
    }
  }
} catch (error) { found.error = String(error); }
document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def page_text(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--virtual-time-budget=60000",
    ]
    address = f"http://127.0.0.1:{server.server_port}/page.html"
    command = [chromium, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", address]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=400, check=True).stdout
    server.shutdown()
    return shown


def in_browser(files, motions, poses=(), every=1):
    """By file, how far its vertices are from ours at most, mm; by "NAME seconds", a motion's duration.

    Args:
        files: folder with the files and ``truth.npz``.
        motions: names of files of ten frames.
        poses: endings of ``pose_K....glb`` of ten poses.
        every: which vertices are looked at: 1: all, in our order; more: each such one, against the nearest of ours,
            for programs that put vertices in another order.
    """
    work = Path(tempfile.mkdtemp(dir=files))
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", f"three@{THREE}"], cwd=work, check=True)
    for path in files.glob("*.glb"):
        shutil.copy(path, work)
    vertices = truth(files)["vertices"]
    (work / "truth.f32").write_bytes(vertices.astype("float32").tobytes())
    wanted = {"motions": list(motions), "poses": list(poses), "every": every, "vertices": vertices.shape[1]}
    (work / "wanted.json").write_text(json.dumps(wanted))
    (work / "page.html").write_text(PAGE)
    shown = html.unescape(page_text(work))
    found = json.loads(re.search("FOUND(.*)END", shown).group(1))
    shutil.rmtree(work)
    if "error" in found:
        raise SystemExit(found["error"])
    return found


def main(files):
    found = in_browser(files, ["motion_rigged.glb", "eight_rigged.glb"], ["", "_rigged"])
    tell = functools.partial(say, "three.js", version=THREE)
    tell("GLB, ten poses, vertices", found["pose"], 0.1)
    tell("skinned GLB, ten single poses, vertices", found["pose_rigged"], 0.1)
    tell("skinned GLB, motion of ten frames, vertices", found["motion_rigged.glb"], 0.1)
    tell("skinned GLB, duration", found["motion_rigged.glb seconds"], 0.36001, unit="s", note="ten frames, 25 a second")
    note = "reads four of the eight: the file with four is the default"
    tell("the same with joints_per_vertex=8", found["eight_rigged.glb"], None, note=note)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
