"use strict";
// The report's page: a grid of people, plots, and a 3D view of the chosen one. Names only ever become text, never HTML.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const people = data.people;
  const $ = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const draw = (tag, attributes = {}, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.textContent = text;
    return node;
  };
  const number = (value, digits = 1) => (value === null ? "–" : value.toFixed(digits));

  // ---- packed arrays: gzip, then base64 ----
  const unpack = async (text) => {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  };
  const unpackMesh = async (mesh) => {
    const steps = new Uint16Array(await unpack(mesh.steps));
    const values = new Float32Array(steps.length); // camera frame, turned to y up and z towards the viewer
    for (let i = 0; i < steps.length; i++) {
      const axis = i % 3;
      values[i] = (mesh.low[axis] + (steps[i] / 65535) * mesh.span[axis]) * (axis === 0 ? 1 : -1);
    }
    return values;
  };

  // ---- the grid ----
  let chosen = 0;
  const cards = people.map((person, index) => {
    const picture = make("div", { class: "picture" }, make("img", { src: person.picture.src, alt: "" }));
    const mark = make("span", { class: person.trusted ? "mark" : "mark no" }, person.trusted ? "trusted" : "doubtful");
    const figures = make("div", { class: "figures" }, mark, ` · ${number(person.error_px)} px · ${number(person.error_percent)} %`);
    const what = make("div", { class: "what" }, make("div", { class: "name" }, person.name), figures);
    const card = make("button", { class: "card", "data-index": index, title: person.reason || person.name }, picture, what);
    card.addEventListener("click", () => select(index));
    return card;
  });
  const largeFirst = (p) => (p.error_percent === null ? Infinity : p.error_percent);
  const lowFirst = (p) => (p.score === null ? 1 : p.score); // null: nobody judged
  const orders = {
    order: (a, b) => a - b,
    trust: (a, b) => people[a].trusted - people[b].trusted || lowFirst(people[a]) - lowFirst(people[b]) || largeFirst(people[b]) - largeFirst(people[a]) || a - b,
    error: (a, b) => largeFirst(people[b]) - largeFirst(people[a]) || a - b,
    name: (a, b) => people[a].name.localeCompare(people[b].name, undefined, { numeric: true }) || a - b,
  };
  const arrange = () => {
    let order = people.map((_, index) => index).sort(orders[$("sort").value]);
    if ($("reverse").checked) order.reverse();
    if ($("doubtful").checked) order = order.filter((index) => !people[index].trusted);
    $("grid").replaceChildren(...order.map((index) => cards[index]));
  };
  for (const id of ["sort", "reverse", "doubtful"]) $(id).addEventListener("change", arrange);

  // ---- figures ----
  const summarise = () => {
    const errors = people.map((p) => p.error_percent).filter((e) => e !== null).sort((a, b) => a - b);
    const doubtful = people.filter((p) => !p.trusted).length;
    const parts = [`${people.length} ${people.length === 1 ? "person" : "people"}`, `${doubtful} doubtful`];
    if (errors.length) parts.push(`median reprojection error ${number(errors[Math.floor(errors.length / 2)])} % of the person's size`);
    parts.push(`${data.body} body, ${data.gender}`);
    if (data.left_out) parts.push(`${data.left_out} more people are not in this report`);
    $("summary").textContent = parts.join(" · ");
    if (errors.length > 1) $("histogram").replaceChildren(histogram(errors));
  };
  const histogram = (errors) => {
    const width = 260, height = 56, bins = 20;
    const top = Math.max(2, Math.ceil(Math.min(errors[errors.length - 1], 3 * errors[Math.floor(errors.length * 0.9)])));
    const counts = new Array(bins).fill(0);
    for (const e of errors) counts[Math.min(bins - 1, Math.floor((e / top) * bins))] += 1;
    const svg = draw("svg", { width, height, role: "img", "aria-label": "Histogram of reprojection errors" });
    const most = Math.max(...counts);
    counts.forEach((count, i) => {
      const h = ((height - 18) * count) / most;
      const bar = draw("rect", { x: (i * width) / bins, y: height - 16 - h, width: width / bins - 1, height: h, class: "bar" });
      bar.append(draw("title", {}, `${count} people at ${number((i * top) / bins)} to ${number(((i + 1) * top) / bins)} %`));
      svg.append(bar);
    });
    svg.append(draw("text", { x: 0, y: height - 3 }, "0"));
    svg.append(draw("text", { x: width, y: height - 3, "text-anchor": "end" }, `${top} % error`));
    return svg;
  };
  const bars = (rows, unit, digits) => {
    const line = 15, label = 118, width = 330, room = width - label - 60;
    const svg = draw("svg", { width, height: rows.length * line + 4, viewBox: `0 0 ${width} ${rows.length * line + 4}`, role: "img" });
    const most = Math.max(1e-9, ...rows.flatMap((row) => row.values.filter((v) => v !== null)));
    rows.forEach((row, i) => {
      const y = i * line;
      svg.append(draw("text", { x: label - 6, y: y + 11, "text-anchor": "end" }, row.name));
      const thin = 11 / row.values.length;
      row.values.forEach((value, k) => {
        if (value !== null) svg.append(draw("rect", { x: label, y: y + 2 + k * thin, width: Math.max(1, (room * value) / most), height: thin - 0.5, class: k ? "bar2" : "bar" }));
      });
      svg.append(draw("text", { x: label + room + 6, y: y + 11 }, `${number(row.values[0], digits)}${unit}`));
    });
    return svg;
  };
  const table = (rows) => {
    const body = make("tbody");
    for (const [name, value] of rows) body.append(make("tr", {}, make("td", {}, name), make("td", {}, value)));
    return make("table", {}, body);
  };
  const block = (title, node, kind = "") => make("div", { class: kind }, make("h2", {}, title), node);
  const pictureOf = (person) => {
    const [x, y, w, h] = person.picture.box;
    const box = make("div", { class: "overlay" }, make("img", { src: person.picture.src, alt: "The body drawn on the photograph" }));
    const svg = draw("svg", { viewBox: `${x} ${y} ${w} ${h}` });
    const unit = Math.max(w, h) / 160;
    person.joints.forEach((joint) => {
      svg.append(draw("line", { x1: joint.at[0], y1: joint.at[1], x2: joint.reprojected[0], y2: joint.reprojected[1], stroke: "#fff", "stroke-width": unit * 0.7 }));
      const dot = draw("circle", { cx: joint.at[0], cy: joint.at[1], r: unit * 1.3, fill: "#ffd11a", stroke: "#222", "stroke-width": unit * 0.3 });
      dot.append(draw("title", {}, `${joint.name}: ${number(joint.error_px)} px`));
      svg.append(dot);
    });
    box.append(svg);
    return box;
  };
  const showFacts = (person) => {
    const how = [
      ["person", person.name], ["method", person.method], ["trusted", person.trusted ? "yes" : `no: ${person.reason}`], ["score, 1 is surely right", number(person.score, 2)],
      ["mean reprojection error", `${number(person.error_px)} px, ${number(person.error_percent)} % of the person's size`],
      ["solver steps", `${person.steps}${person.converged ? "" : ", not converged"}`], ["joints seen", `${person.joints.length}`],
      ["distance to the camera", `${number(person.depth_m, 2)} m`], ["focal length", `${number(person.focal, 0)} px`],
    ];
    if (person.against) how.splice(4, 0, [`${person.against.method}: error`, `${number(person.against.error_px)} px`], [`${person.against.method}: distance`, `${number(person.against.distance_mm, 0)} mm a vertex, pelvis on pelvis`]);
    const facts = [block("Fit", table(how)), block("Measurements", table(person.measurements))];
    const where = person.photo === null ? "In the image (no photograph)" : "On the photograph";
    facts.push(block(`${where}: seen (yellow), line to the body`, pictureOf(person)));
    const other = person.against ? [...person.against.joint_errors] : null;
    const joints = person.joints.map((j, i) => ({ name: j.name.replaceAll("_", " "), values: other ? [j.error_px, other[i]] : [j.error_px] }));
    facts.push(block(other ? `Reprojection error, px (orange: ${person.against.method})` : "Reprojection error, px", bars(joints, "", 1)));
    if (person.doubts) {
      facts.push(block("From the side, near on the left: true joints lie in the ellipses in nine people of ten", make("img", { class: "doubts", src: person.doubts.picture, alt: "The skeleton from the side with ellipses around its joints" })));
      facts.push(block("Standard deviation against the pelvis, mm: in the image (orange: in depth)", bars(person.doubts.joints.map(([name, values]) => ({ name: name.replaceAll("_", " "), values })), "", 0)));
    }
    if (person.energy.length) facts.push(block("Energy by term", bars(person.energy.map(([name, value]) => ({ name: name.replaceAll("_", " "), values: [value] })), "", 1)));
    $("facts").replaceChildren(...facts);
  };

  // ---- the 3D view ----
  let stage = null;
  const select = (index) => {
    chosen = index;
    cards.forEach((card, i) => card.setAttribute("aria-pressed", String(i === index)));
    showFacts(people[index]);
    const has = people[index].against !== null;
    $("has-against").hidden = !has;
    if (has) $("has-against").lastElementChild.textContent = people[index].against.method;
    $("paint").querySelector('[value="against"]').disabled = !has;
    if (!has && $("paint").value === "against") $("paint").value = "plain";
    return stage ? stage.show(people[index]) : null;
  };
  summarise();
  arrange();
  if (!people.length) return;
  select(0);
  try {
    stage = await openStage(data, unpack, unpackMesh, $);
    await select(chosen);
  } catch (error) {
    if (!(error instanceof NoWebGL)) throw error;
    $("nogl").hidden = false;
    $("view").hidden = true;
  }
  document.body.dataset.ready = stage ? "yes" : "without 3D";
})();

class NoWebGL extends Error {}

async function openStage(data, unpack, unpackMesh, $) {
  const code = new Blob([await unpack($("three").textContent.trim())], { type: "text/javascript" });
  const THREE = await import(URL.createObjectURL(code));
  const canvas = $("view");
  if (!(canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true }))) throw new NoWebGL();
  const renderer = new THREE.WebGLRenderer({ canvas, context: canvas.getContext("webgl2") });
  const scene = new THREE.Scene();
  scene.background = new THREE.Color(0xe9edf1);
  const eye = new THREE.PerspectiveCamera(35, 1, 0.02, 500);
  const keyLight = new THREE.DirectionalLight(0xffffff, 1.7);
  const fillLight = new THREE.DirectionalLight(0xdfe8ff, 0.6);
  keyLight.position.set(-0.6, 0.9, 0.8);
  fillLight.position.set(1, 0.1, 0.4);
  eye.add(keyLight, keyLight.target, fillLight, fillLight.target); // the lamps go with the viewer
  keyLight.target.position.set(0, 0, -1);
  fillLight.target.position.set(0, 0, -1);
  scene.add(eye, new THREE.HemisphereLight(0xffffff, 0x8f8a85, 1.1));
  const wide = data.wide_faces ? Uint32Array : Uint16Array;
  const faces = new THREE.BufferAttribute(new wide(await unpack(data.faces)), 1);
  const kept = new Map(); // meshes that were unpacked before
  let layers = {}, person = null, meshes = null;

  // Where the viewer stands: at `distance` from `target`, turned by azimuth and elevation from the photograph's camera.
  const view = { azimuth: 0, elevation: 0, distance: 4, target: new THREE.Vector3(), fov: 35 };
  const ramp = (share) => {
    const stops = [[0.185, 0.49, 0.31], [0.9, 0.785, 0.295], [0.7, 0.263, 0.184]];
    const at = Math.min(1.9999, Math.max(0, share) * 2), k = Math.floor(at), t = at - k;
    return new THREE.Color().setRGB(...stops[k].map((v, i) => v + t * (stops[k + 1][i] - v)), THREE.SRGBColorSpace);
  };
  const render = () => {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    renderer.setPixelRatio(Math.min(2, window.devicePixelRatio || 1));
    renderer.setSize(width, height, false);
    eye.aspect = width / height;
    eye.fov = view.fov;
    if (view.photo) { // the whole photograph, whatever the window's shape
      const tangent = Math.max(view.photo.tangentY, view.photo.tangentX / eye.aspect);
      eye.fov = (2 * Math.atan(tangent) * 180) / Math.PI;
    }
    const flat = Math.cos(view.elevation);
    eye.position.set(Math.sin(view.azimuth) * flat, Math.sin(view.elevation), Math.cos(view.azimuth) * flat);
    eye.position.multiplyScalar(view.distance).add(view.target);
    eye.lookAt(view.target);
    eye.updateProjectionMatrix();
    canvas.dataset.azimuth = view.azimuth.toFixed(4);
    canvas.dataset.distance = view.distance.toFixed(4);
    renderer.render(scene, eye);
  };
  let due = false;
  const renderSoon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; render(); });
  };

  const bodyOf = (vertices, material) => {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(vertices, 3));
    geometry.setIndex(faces);
    geometry.computeVertexNormals();
    geometry.computeBoundingBox();
    return new THREE.Mesh(geometry, material);
  };
  const flip = ([x, y, z]) => new THREE.Vector3(x, -y, -z);
  const jointColour = (name) => {
    const seen = person.joints.find((joint) => joint.name === name);
    return seen ? ramp((100 * seen.error_px) / person.size_px / data.error_top) : new THREE.Color(0x8a94a0);
  };
  const makeJoints = () => {
    const group = new THREE.Group();
    const points = person.skeleton.map(flip);
    const ball = new THREE.SphereGeometry(0.022, 16, 12);
    const ends = [];
    points.forEach((point, i) => {
      const mesh = new THREE.Mesh(ball, new THREE.MeshBasicMaterial({ color: jointColour(data.joints[i]), depthTest: false, transparent: true }));
      mesh.position.copy(point);
      mesh.renderOrder = 3;
      group.add(mesh);
      if (data.parents[i] >= 0) ends.push(points[data.parents[i]], point);
    });
    const lines = new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(ends), new THREE.LineBasicMaterial({ color: 0x1d2733, depthTest: false, transparent: true }));
    lines.renderOrder = 2;
    group.add(lines);
    return group;
  };
  const makeCamera = async (box) => {
    const group = new THREE.Group();
    const depth = -box.min.z + 0.25;
    const onPlane = (x, y) => new THREE.Vector3(((x - person.centre[0]) / person.focal) * depth, (-(y - person.centre[1]) / person.focal) * depth, -depth);
    const [width, height] = person.size;
    const corners = [onPlane(0, 0), onPlane(width, 0), onPlane(width, height), onPlane(0, height)];
    const origin = new THREE.Vector3();
    const ends = corners.flatMap((corner, i) => [origin, corner, corner, corners[(i + 1) % 4]]);
    group.add(new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(ends), new THREE.LineBasicMaterial({ color: 0x7f8c99 })));
    const geometry = new THREE.BufferGeometry().setFromPoints(corners);
    geometry.setAttribute("uv", new THREE.Float32BufferAttribute([0, 1, 1, 1, 1, 0, 0, 0], 2));
    geometry.setIndex([0, 3, 2, 0, 2, 1]);
    const photo = person.photo === null ? null : data.photos[person.photo];
    const look = { side: THREE.DoubleSide, transparent: true, opacity: photo ? 1 : 0.25, color: photo ? 0xffffff : 0xaab4be };
    if (photo) {
      look.map = await new THREE.TextureLoader().loadAsync(photo);
      look.map.colorSpace = THREE.SRGBColorSpace;
    }
    group.add(new THREE.Mesh(geometry, new THREE.MeshBasicMaterial(look)));
    const dots = new THREE.BufferGeometry().setFromPoints(person.joints.map((joint) => onPlane(...joint.at).multiplyScalar(0.998)));
    group.add(new THREE.Points(dots, new THREE.PointsMaterial({ color: 0xffc400, size: 7, sizeAttenuation: false })));
    return group;
  };
  const paint = () => {
    const kind = $("paint").value;
    const vertices = meshes.own, count = vertices.length / 3;
    const colours = new Float32Array(count * 3);
    const plain = new THREE.Color().setRGB(0.65, 0.74, 0.86, THREE.SRGBColorSpace);
    const seen = person.joints.filter((joint) => joint.place !== null).map((joint) => [flip(joint.place), (100 * joint.error_px) / person.size_px]);
    const shift = meshes.against ? flip(person.skeleton[0]).sub(flip(person.against.skeleton[0])) : null;
    for (let i = 0; i < count; i++) {
      const [x, y, z] = vertices.subarray(3 * i, 3 * i + 3);
      let colour = plain;
      if (kind === "against" && meshes.against) {
        const other = meshes.against;
        const d = Math.hypot(other[3 * i] + shift.x - x, other[3 * i + 1] + shift.y - y, other[3 * i + 2] + shift.z - z);
        colour = ramp((1000 * d) / data.distance_top);
      } else if (kind === "error" && seen.length) {
        let sum = 0, total = 0;
        for (const [place, error] of seen) { // the nearest joints count
          const weight = 1 / ((place.x - x) ** 2 + (place.y - y) ** 2 + (place.z - z) ** 2 + 0.0025) ** 2;
          sum += weight * error;
          total += weight;
        }
        colour = ramp(sum / total / data.error_top);
      }
      colour.toArray(colours, 3 * i);
    }
    layers.body.geometry.setAttribute("color", new THREE.BufferAttribute(colours, 3));
    const legend = $("legend");
    legend.hidden = kind === "plain";
    const unit = kind === "against" ? `${data.distance_top} mm` : `${data.error_top} % of the person's size`;
    const bar = document.createElement("i");
    legend.replaceChildren("0", bar, unit);
    renderSoon();
  };
  const showLayers = () => {
    for (const box of document.querySelectorAll("[data-layer]")) {
      const layer = layers[box.dataset.layer];
      if (layer) layer.visible = box.checked;
    }
    renderSoon();
  };
  const lookFrom = (name) => {
    const box = layers.body.geometry.boundingBox;
    const size = box.getSize(new THREE.Vector3()), centre = box.getCenter(new THREE.Vector3());
    const angles = { start: [0.5, 0.12], front: [0, 0], left: [-Math.PI / 2, 0], right: [Math.PI / 2, 0], back: [Math.PI, 0], top: [0, 1.55] };
    view.photo = null;
    view.fov = 35;
    if (name === "photo") {
      const [width, height] = person.size;
      const reach = (c, s) => Math.max(c, s - c) / person.focal;
      view.photo = { tangentX: reach(person.centre[0], width), tangentY: reach(person.centre[1], height) };
      view.target.set(0, 0, centre.z);
      [view.azimuth, view.elevation, view.distance] = [0, 0, -centre.z];
    } else {
      view.target.copy(centre);
      [view.azimuth, view.elevation] = angles[name];
      const narrow = Math.min(1, canvas.clientWidth / Math.max(1, canvas.clientHeight));
      view.distance = (0.58 * Math.max(size.y, size.x / narrow, size.z)) / Math.tan((view.fov * Math.PI) / 360) + size.z / 2;
    }
    renderSoon();
  };
  const dispose = (thing) => thing.traverse((node) => {
    node.geometry?.dispose();
    node.material?.map?.dispose();
    node.material?.dispose();
  });

  let turn = 0; // the latest choice wins, however long an earlier one takes to unpack
  const show = async (next) => {
    const mine = ++turn;
    if (!kept.has(next)) kept.set(next, { own: await unpackMesh(next.mesh), against: next.against ? await unpackMesh(next.against.mesh) : null });
    if (mine !== turn) return;
    for (const layer of Object.values(layers)) { scene.remove(layer); dispose(layer); }
    person = next;
    meshes = kept.get(next);
    const body = bodyOf(meshes.own, new THREE.MeshStandardMaterial({ vertexColors: true, roughness: 0.85 }));
    layers = { body, joints: makeJoints() };
    if (meshes.against) layers.against = bodyOf(meshes.against, new THREE.MeshStandardMaterial({ color: 0xe0a15f, roughness: 0.9, transparent: true, opacity: 0.55, depthWrite: false }));
    const camera = await makeCamera(body.geometry.boundingBox);
    if (mine !== turn) return;
    layers.camera = camera;
    scene.add(...Object.values(layers));
    paint();
    showLayers();
    lookFrom("start");
    render();
    canvas.dataset.shown = next.name;
  };

  // ---- turning, moving, coming nearer ----
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY, moves: event.button === 2 || event.shiftKey };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const dx = event.clientX - held.x, dy = event.clientY - held.y;
    [held.x, held.y] = [event.clientX, event.clientY];
    if (held.moves) {
      const step = (2 * view.distance * Math.tan((eye.fov * Math.PI) / 360)) / canvas.clientHeight;
      const across = new THREE.Vector3().setFromMatrixColumn(eye.matrix, 0), up = new THREE.Vector3().setFromMatrixColumn(eye.matrix, 1);
      view.target.addScaledVector(across, -dx * step).addScaledVector(up, dy * step);
    } else turnBy(-dx * 0.008, dy * 0.008);
    renderSoon();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { held = null; });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  const turnBy = (azimuth, elevation) => {
    view.azimuth += azimuth;
    view.elevation = Math.max(-1.55, Math.min(1.55, view.elevation + elevation));
    renderSoon();
  };
  const nearer = (factor) => {
    view.distance = Math.max(0.15, Math.min(200, view.distance * factor));
    renderSoon();
  };
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); nearer(Math.exp(Math.sign(event.deltaY) * 0.1)); }, { passive: false });
  const keys = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key in keys) { turnBy(...keys[event.key]); event.preventDefault(); }
    else if (event.key === "+" || event.key === "-") nearer(event.key === "+" ? 0.9 : 1.1);
  });
  $("paint").addEventListener("change", paint);
  for (const box of document.querySelectorAll("[data-layer]")) box.addEventListener("change", showLayers);
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => lookFrom(button.dataset.view));
  new ResizeObserver(renderSoon).observe(canvas);
  return { show };
}
