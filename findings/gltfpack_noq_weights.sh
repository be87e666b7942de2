#!/bin/sh
# glTF: gltfpack rounds skinning weights to 8 bits also where it is told not to quantise.
#
# Version: gltfpack 1.3.0 of npm (Node.js 20, 2026-11-29).
# Input: a skin of two joints, a triangle whose weights are floats: 0.3 and 0.7, 0.501 and 0.499, 1 and 0.
# Seen: with -noq ("disable quantization" in its help) positions stay floats and no extension is used; the weights are
# normalised bytes, the larger first: 0.698 and 0.302, 0.502 and 0.498. No warning. On a body of 1.7 m that is half a
# millimetre.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund gltfpack@1.3.0
cat > make.js <<'NODE'
const fs = require("fs"), parts = [];
let length = 0;
const views = [], accessors = [];
function put(array, type, componentType, count, more = {}) {
  const bytes = Buffer.from(array.buffer);
  views.push({ buffer: 0, byteOffset: length, byteLength: bytes.length });
  accessors.push({ bufferView: views.length - 1, componentType, count, type, ...more });
  parts.push(bytes);
  length += bytes.length;
  return accessors.length - 1;
}
const one = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const POSITION = put(new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0]), "VEC3", 5126, 3, { min: [0, 0, 0], max: [1, 1, 0] });
const WEIGHTS_0 = put(new Float32Array([0.3, 0.7, 0, 0, 0.501, 0.499, 0, 0, 1, 0, 0, 0]), "VEC4", 5126, 3);
const JOINTS_0 = put(new Uint8Array([0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]), "VEC4", 5121, 3);
const inverseBindMatrices = put(new Float32Array([...one, ...one]), "MAT4", 5126, 2);
const times = put(new Float32Array([0, 1]), "SCALAR", 5126, 2, { min: [0], max: [1] });
const turns = put(new Float32Array([0, 0, 0, 1, 0, 0, 0.7071068, 0.7071068]), "VEC4", 5126, 2);
fs.writeFileSync("in.gltf", JSON.stringify({
  asset: { version: "2.0" }, scene: 0, scenes: [{ nodes: [0, 1] }],
  nodes: [{ mesh: 0, skin: 0 }, { name: "a", children: [2] }, { name: "b" }],
  meshes: [{ primitives: [{ attributes: { POSITION, WEIGHTS_0, JOINTS_0 } }] }],
  skins: [{ joints: [1, 2], inverseBindMatrices }],
  animations: [{ channels: [{ sampler: 0, target: { node: 2, path: "rotation" } }],
                 samplers: [{ input: times, output: turns }] }],
  buffers: [{ byteLength: length, uri: "data:application/octet-stream;base64," + Buffer.concat(parts).toString("base64") }],
  bufferViews: views, accessors,
}));
NODE
node make.js
node node_modules/gltfpack/cli.js -i in.gltf -o out.gltf -noq
cat > look.js <<'NODE'
const fs = require("fs"), file = JSON.parse(fs.readFileSync("out.gltf"));
const { POSITION, WEIGHTS_0 } = file.meshes[0].primitives[0].attributes, weights = file.accessors[WEIGHTS_0];
const view = file.bufferViews[weights.bufferView], bytes = fs.readFileSync(file.buffers[view.buffer].uri);
const found = [];
for (let k = 0; k < 3; k++) {
  const at = (view.byteOffset || 0) + (weights.byteOffset || 0) + k * (view.byteStride || 4);
  found.push([...bytes.subarray(at, at + 2)].map(byte => (byte / 255).toFixed(3)).join(" and "));
}
const kinds = [file.accessors[POSITION].componentType, weights.componentType, weights.normalized];
console.log("positions, weights:", kinds.join(", "), "| extensions:", file.extensionsUsed || "none", "|", found.sort());
const asSeen = kinds.join() === "5126,5121,true" && found.includes("0.698 and 0.302") && !file.extensionsUsed;
process.exit(asSeen ? 0 : 1);
NODE
node look.js
