// The 3D view of the chosen person.
class NoWebGL extends Error {}

async function openStage(data, faces, settings, $) {
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
  const corners = new THREE.BufferAttribute(faces, 1);
  let layers = {}, person = null, frame = null, meshes = null, picture = null;

  // The viewer: at `offset` from `pivot`, turned about it; through the photograph's window, or with a lens of its own.
  const view = { azimuth: 0, elevation: 0, offset: new THREE.Vector3(0, 0, 4), pivot: new THREE.Vector3(), photo: true };
  const LENS = 35; // degrees
  const ramp = (share) => {
    const stops = [[0.185, 0.49, 0.31], [0.9, 0.785, 0.295], [0.7, 0.263, 0.184]];
    const at = Math.min(1.9999, Math.max(0, share) * 2), k = Math.floor(at), t = at - k;
    return new THREE.Color().setRGB(...stops[k].map((v, i) => v + t * (stops[k + 1][i] - v)), THREE.SRGBColorSpace);
  };
  const tangents = (aspect) => { // of the frustum: left, right, top, bottom
    if (!view.photo) {
      const up = Math.tan((LENS * Math.PI) / 360);
      return [-up * aspect, up * aspect, up, -up];
    }
    const [x, y, w, h] = person.window; // widened to the canvas's shape
    const width = Math.max(w, h * aspect), height = Math.max(h, w / aspect);
    const [left, top] = [x + (w - width) / 2, y + (h - height) / 2];
    const across = (pixel) => (pixel - person.centre[0]) / person.focal[0], down = (pixel) => (person.centre[1] - pixel) / person.focal[1];
    return [across(left), across(left + width), down(top), down(top + height)];
  };
  const render = () => {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height || !person) return;
    renderer.setPixelRatio(Math.min(2, window.devicePixelRatio || 1));
    renderer.setSize(width, height, false);
    const [left, right, top, bottom] = tangents(width / height).map((t) => t * eye.near);
    eye.quaternion.setFromEuler(new THREE.Euler(-view.elevation, view.azimuth, 0, "YXZ"));
    eye.position.copy(view.offset).applyQuaternion(eye.quaternion).add(view.pivot);
    eye.projectionMatrix.makePerspective(left, right, top, bottom, eye.near, eye.far);
    eye.projectionMatrixInverse.copy(eye.projectionMatrix).invert();
    // The camera's outline, but not through the camera: there it is a stray line beside the picture.
    layers.camera.children[0].visible = !(view.photo && view.azimuth === 0 && view.elevation === 0);
    canvas.dataset.azimuth = view.azimuth.toFixed(4);
    canvas.dataset.distance = view.offset.length().toFixed(4);
    renderer.render(scene, eye);
  };
  let due = false;
  const renderSoon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; render(); });
  };

  const geometryOf = (vertices) => {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(vertices.slice(), 3));
    geometry.setIndex(corners);
    geometry.computeVertexNormals();
    geometry.computeBoundingBox();
    return geometry;
  };
  const bodyOf = (vertices, look) => { // depth first, so that of a translucent body only the front is seen
    const geometry = geometryOf(vertices);
    const depth = new THREE.MeshStandardMaterial({ ...look, colorWrite: false });
    const skin = new THREE.MeshStandardMaterial({ ...look, transparent: true, roughness: 0.85 });
    const group = new THREE.Group();
    group.add(new THREE.Mesh(geometry, depth), new THREE.Mesh(geometry, skin));
    group.children.forEach((mesh, i) => { mesh.renderOrder = 2 + i; });
    return group;
  };
  const flip = ([x, y, z]) => new THREE.Vector3(x, -y, -z);
  const share = (joint) => (100 * joint.error_px) / frame.size_px / data.error_top;
  const jointColour = (name) => {
    const seen = frame.joints.find((joint) => joint.name === name);
    return seen ? ramp(share(seen)) : new THREE.Color(0x8a94a0);
  };
  const onTop = { depthTest: false, transparent: true };
  const makeJoints = () => {
    const group = new THREE.Group();
    const points = frame.skeleton.map(flip);
    const ball = new THREE.SphereGeometry(0.022, 16, 12);
    const ends = [];
    points.forEach((point, i) => {
      const mesh = new THREE.Mesh(ball, new THREE.MeshBasicMaterial({ color: jointColour(data.joints[i]), ...onTop }));
      mesh.position.copy(point);
      mesh.renderOrder = 6;
      group.add(mesh);
      if (data.parents[i] >= 0) ends.push(points[data.parents[i]], point);
    });
    const lines = new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(ends), new THREE.LineBasicMaterial({ color: 0x1d2733, ...onTop }));
    lines.renderOrder = 5;
    group.add(lines);
    return group;
  };
  const disc = (() => { // round points
    const dot = document.createElement("canvas");
    dot.width = dot.height = 32;
    const pen = dot.getContext("2d");
    for (const [radius, colour] of [[15, "#222"], [12, YELLOW]]) {
      pen.fillStyle = colour;
      pen.beginPath();
      pen.arc(16, 16, radius, 0, 7);
      pen.fill();
    }
    const texture = new THREE.CanvasTexture(dot);
    texture.colorSpace = THREE.SRGBColorSpace;
    return texture;
  })();
  const makeKeypoints = () => { // where they were seen, at the depth of the body's joints; lines to those joints
    const group = new THREE.Group();
    const ends = frame.joints.flatMap((joint) => {
      const place = flip(joint.place), depth = -place.z;
      const [x, y] = joint.at;
      return [new THREE.Vector3(((x - person.centre[0]) / person.focal[0]) * depth, (-(y - person.centre[1]) / person.focal[1]) * depth, -depth), place];
    });
    const lines = new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(ends), new THREE.LineBasicMaterial({ color: 0xffffff, ...onTop }));
    const dots = new THREE.BufferGeometry().setFromPoints(ends.filter((_, i) => i % 2 === 0));
    group.add(lines, new THREE.Points(dots, new THREE.PointsMaterial({ map: disc, size: 9, sizeAttenuation: false, ...onTop })));
    group.children.forEach((thing, i) => { thing.renderOrder = 7 + i; });
    return group;
  };
  const makeCamera = (box) => {
    const group = new THREE.Group();
    const depth = -box.min.z + 0.25;
    const onPlane = (x, y) => new THREE.Vector3(((x - person.centre[0]) / person.focal[0]) * depth, (-(y - person.centre[1]) / person.focal[1]) * depth, -depth);
    const rectangle = (x, y, w, h) => [onPlane(x, y), onPlane(x + w, y), onPlane(x + w, y + h), onPlane(x, y + h)];
    const origin = new THREE.Vector3();
    const whole = rectangle(0, 0, ...person.size);
    const ends = whole.flatMap((corner, i) => [origin, corner, corner, whole[(i + 1) % 4]]);
    group.add(new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(ends), new THREE.LineBasicMaterial({ color: 0x7f8c99 })));
    const geometry = new THREE.BufferGeometry().setFromPoints(rectangle(...person.window));
    geometry.setAttribute("uv", new THREE.Float32BufferAttribute([0, 1, 1, 1, 1, 0, 0, 0], 2));
    geometry.setIndex([0, 3, 2, 0, 2, 1]);
    const look = { side: THREE.DoubleSide, transparent: true, opacity: picture ? 1 : 0.25, color: picture ? 0xffffff : 0xaab4be };
    if (picture) {
      look.map = new THREE.Texture(picture);
      look.map.colorSpace = THREE.SRGBColorSpace;
      look.map.generateMipmaps = false;
      look.map.minFilter = THREE.LinearFilter;
      look.map.needsUpdate = true;
    }
    group.add(new THREE.Mesh(geometry, new THREE.MeshBasicMaterial(look)));
    return group;
  };
  const paint = () => {
    const kind = $("paint").value;
    const vertices = meshes.own, count = vertices.length / 3;
    const colours = new Float32Array(count * 3);
    const plain = new THREE.Color().setRGB(0.65, 0.74, 0.86, THREE.SRGBColorSpace);
    const seen = frame.joints.map((joint) => [flip(joint.place), share(joint)]);
    const shift = meshes.against ? flip(frame.skeleton[0]).sub(flip(frame.against.pelvis)) : null;
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
        colour = ramp(sum / total);
      }
      colour.toArray(colours, 3 * i);
    }
    layers.body.children[0].geometry.setAttribute("color", new THREE.BufferAttribute(colours, 3));
    const legend = $("legend");
    legend.hidden = kind === "plain";
    const unit = kind === "against" ? `${data.distance_top} mm` : `${data.error_top} % of the person's size`;
    legend.replaceChildren("0", document.createElement("i"), unit);
  };
  const showLayers = () => {
    for (const box of document.querySelectorAll("[data-layer]")) {
      const layer = layers[box.dataset.layer];
      if (layer) layer.visible = box.checked;
    }
    layers.body.children[1].material.opacity = settings().opacity;
    renderSoon();
  };
  const lookFrom = (name) => {
    const box = layers.body.children[0].geometry.boundingBox;
    const size = box.getSize(new THREE.Vector3()), centre = box.getCenter(new THREE.Vector3());
    const angles = { photo: [0, 0], front: [0, 0], left: [-Math.PI / 2, 0], right: [Math.PI / 2, 0], back: [Math.PI, 0], top: [0, 1.55] };
    view.photo = name === "photo";
    view.pivot.copy(centre);
    [view.azimuth, view.elevation] = angles[name];
    const narrow = Math.min(1, canvas.clientWidth / Math.max(1, canvas.clientHeight));
    const far = (0.58 * Math.max(size.y, size.x / narrow, size.z)) / Math.tan((LENS * Math.PI) / 360) + size.z / 2;
    if (view.photo) view.offset.copy(centre).negate(); // to the photograph's camera
    else view.offset.set(0, 0, far);
    renderSoon();
  };
  const dispose = (thing) => thing.traverse((node) => {
    node.geometry?.dispose();
    if (node.material?.map !== disc) node.material?.map?.dispose();
    node.material?.dispose();
  });

  // `keep`: the next frame of the same person, seen from where the viewer is.
  const show = (next, nextFrame, nextMeshes, nextPicture, keep = false) => {
    for (const layer of Object.values(layers)) { scene.remove(layer); dispose(layer); }
    [person, frame, meshes, picture] = [next, nextFrame, nextMeshes, nextPicture];
    const body = bodyOf(meshes.own, { vertexColors: true });
    layers = { body, joints: makeJoints(), keypoints: makeKeypoints(), camera: makeCamera(body.children[0].geometry.boundingBox) };
    if (meshes.against) layers.against = new THREE.Mesh(geometryOf(meshes.against), new THREE.MeshStandardMaterial({ color: 0xe0a15f, roughness: 0.9, transparent: true, opacity: 0.55, depthWrite: false }));
    if (layers.against) layers.against.renderOrder = 4;
    scene.add(...Object.values(layers));
    paint();
    showLayers();
    if (!keep) lookFrom("photo");
    render();
    canvas.dataset.shown = next.name;
    canvas.dataset.frame = nextFrame.frame ?? "";
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
      const [, , top, bottom] = tangents(canvas.clientWidth / canvas.clientHeight);
      const step = (view.offset.length() * (top - bottom)) / canvas.clientHeight;
      const across = new THREE.Vector3().setFromMatrixColumn(eye.matrix, 0), up = new THREE.Vector3().setFromMatrixColumn(eye.matrix, 1);
      view.pivot.addScaledVector(across, -dx * step).addScaledVector(up, dy * step);
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
    const length = view.offset.length();
    view.offset.multiplyScalar(Math.max(0.15, Math.min(200, length * factor)) / length);
    renderSoon();
  };
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); nearer(Math.exp(Math.sign(event.deltaY) * 0.1)); }, { passive: false });
  const keys = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key in keys) { turnBy(...keys[event.key]); event.preventDefault(); }
    else if (event.key === "+" || event.key === "-") nearer(event.key === "+" ? 0.9 : 1.1);
  });
  $("paint").addEventListener("change", () => { paint(); renderSoon(); });
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => lookFrom(button.dataset.view));
  new ResizeObserver(renderSoon).observe(canvas);
  return { show, showLayers };
}
