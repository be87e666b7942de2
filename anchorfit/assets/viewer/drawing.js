// Pictures of bodies without WebGL: a small depth buffer, for the cards and where the browser has no 3D.
const YELLOW = "#ffd11a";

const loadPicture = async (source) => {
  if (!source) return null;
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
};

// The body alone, on transparent ground, as large as the window is when its longer side takes `longest` pixels.
function drawBody(person, vertices, faces, longest) {
  const [left, top, width, height] = person.window, zoom = longest / Math.max(width, height);
  const canvas = document.createElement("canvas");
  const w = (canvas.width = Math.max(1, Math.round(width * zoom))), h = (canvas.height = Math.max(1, Math.round(height * zoom)));
  const count = vertices.length / 3, x = new Float32Array(count), y = new Float32Array(count), near = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const depth = -vertices[3 * i + 2];
    near[i] = depth > 0.05 ? 1 / depth : 0; // 0: behind the camera
    x[i] = (person.focal[0] * vertices[3 * i] * near[i] + person.centre[0] - left) * zoom;
    y[i] = (-person.focal[1] * vertices[3 * i + 1] * near[i] + person.centre[1] - top) * zoom;
  }
  const pen = canvas.getContext("2d"), picture = pen.createImageData(w, h), depths = new Float32Array(w * h);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f], faces[f + 1], faces[f + 2]];
    if (!near[a] || !near[b] || !near[c]) continue;
    const area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a]);
    if (area >= 0) continue; // its back
    const shade = faceShade(vertices, a, b, c);
    const [x0, x1] = [Math.max(0, Math.ceil(Math.min(x[a], x[b], x[c]) - 0.5)), Math.min(w - 1, Math.floor(Math.max(x[a], x[b], x[c]) - 0.5))];
    const [y0, y1] = [Math.max(0, Math.ceil(Math.min(y[a], y[b], y[c]) - 0.5)), Math.min(h - 1, Math.floor(Math.max(y[a], y[b], y[c]) - 0.5))];
    for (let row = y0; row <= y1; row++) {
      for (let column = x0; column <= x1; column++) {
        const px = column + 0.5, py = row + 0.5;
        const wb = ((px - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (py - y[a])) / area;
        const wc = ((x[b] - x[a]) * (py - y[a]) - (px - x[a]) * (y[b] - y[a])) / area;
        if (wb < -1e-4 || wc < -1e-4 || wb + wc > 1.0001) continue;
        const nearness = near[a] + wb * (near[b] - near[a]) + wc * (near[c] - near[a]), at = row * w + column;
        if (nearness <= depths[at]) continue;
        depths[at] = nearness;
        picture.data.set([150 * shade, 178 * shade, 214 * shade, 255], 4 * at);
      }
    }
  }
  pen.putImageData(picture, 0, 0);
  return canvas;
}

function faceShade(v, a, b, c) {
  const [ux, uy, uz] = [v[3 * b] - v[3 * a], v[3 * b + 1] - v[3 * a + 1], v[3 * b + 2] - v[3 * a + 2]];
  const [wx, wy, wz] = [v[3 * c] - v[3 * a], v[3 * c + 1] - v[3 * a + 1], v[3 * c + 2] - v[3 * a + 2]];
  const [nx, ny, nz] = [uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx];
  const lit = (-0.35 * nx + 0.5 * ny + 0.79 * nz) / (Math.hypot(nx, ny, nz) || 1);
  return 0.42 + 0.72 * Math.max(0, lit);
}

// Photograph, body and keypoints into a canvas of the window's proportions.
function drawLayers(canvas, person, frame, { picture, body, opacity, keypoints, longest }) {
  const [left, top, width, height] = person.window, zoom = longest / Math.max(width, height);
  canvas.width = Math.max(1, Math.round(width * zoom));
  canvas.height = Math.max(1, Math.round(height * zoom));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#e6e6e6";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  if (picture) pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  pen.globalAlpha = opacity;
  if (body) pen.drawImage(body, 0, 0, canvas.width, canvas.height);
  pen.globalAlpha = 1;
  if (!keypoints) return;
  const unit = longest / 160, to = ([x, y]) => [(x - left) * zoom, (y - top) * zoom];
  for (const joint of frame.joints) {
    const [x, y] = to(joint.at);
    pen.lineWidth = 0.8 * unit;
    pen.strokeStyle = "#fff";
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(...to(joint.reprojected));
    pen.stroke();
    pen.beginPath();
    pen.arc(x, y, 1.4 * unit, 0, 7);
    pen.fillStyle = YELLOW;
    pen.fill();
    pen.lineWidth = 0.3 * unit;
    pen.strokeStyle = "#222";
    pen.stroke();
  }
}
