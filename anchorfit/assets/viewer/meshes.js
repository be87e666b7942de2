"use strict";
// Packed arrays and meshes: what anchorfit/reports/packing.py wrote.
const unpack = async (text) => {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
};
const unpackIndices = async ({ bits, values }) => new (bits === 32 ? Uint32Array : Uint16Array)(await unpack(values));

// One Float32Array of V x 3 for each mesh: the camera's frame, turned to y up and z towards the viewer.
async function unpackMeshes(packed, guides) {
  const bytes = new Uint8Array(await unpack(packed.rest));
  const count = guides.length / 3, size = 3 * count, all = packed.count * size;
  const rest = new Int32Array(size), meshes = [];
  for (let t = 0; t < packed.count; t++) {
    const grid = new Uint16Array(size), values = new Float32Array(size);
    for (let axis = 0; axis < 3; axis++) {
      const sign = (axis === 0 ? 1 : -1), low = packed.low[axis], step = packed.step;
      for (let i = 0, at = t * size + axis * count; i < count; i++, at++) {
        const folded = bytes[at] | (bytes[all + at] << 8), k = 3 * i;
        const difference = (rest[k + axis] += (folded >> 1) ^ -(folded & 1));
        const guess = i ? grid[3 * guides[k] + axis] + grid[3 * guides[k + 1] + axis] - grid[3 * guides[k + 2] + axis] : 0;
        grid[k + axis] = guess + difference;
        values[k + axis] = sign * (low + step * grid[k + axis]);
      }
    }
    meshes.push(values);
  }
  return meshes;
}
