// The figures beside a body: each section draws one block of a person's frame, or none. A new one joins SECTIONS.
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
const block = (title, ...nodes) => make("div", {}, make("h2", {}, title), ...nodes);
const table = (rows) => make("table", {}, make("tbody", {}, ...rows.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, value)))));

function bars(rows, digits) {
  const line = 15, label = 118, width = 330, values = Math.max(1, ...rows.map((row) => row.values.length));
  const room = width - label - (values > 1 ? 82 : 60);
  const svg = draw("svg", { width, height: rows.length * line + 4, viewBox: `0 0 ${width} ${rows.length * line + 4}`, role: "img" });
  const most = Math.max(1e-9, ...rows.flatMap((row) => row.values.filter((v) => v !== null)));
  rows.forEach((row, i) => {
    const y = i * line;
    svg.append(draw("text", { x: label - 6, y: y + 11, "text-anchor": "end" }, row.name));
    const thin = 11 / row.values.length;
    row.values.forEach((value, k) => {
      if (value !== null) svg.append(draw("rect", { x: label, y: y + 2 + k * thin, width: Math.max(1, (room * value) / most), height: thin - 0.5, class: k ? "bar2" : "bar" }));
    });
    svg.append(draw("text", { x: label + room + 6, y: y + 11 }, row.values.map((value) => number(value, digits)).join(" / ")));
  });
  return svg;
}

const fitSection = (person, frame) => {
  const rows = [
    ["person", person.name], ["method", person.method], ["trusted", frame.trusted ? "yes" : `no: ${frame.reason}`], ["score, 1 is surely right", number(frame.score, 2)],
    [person.method === "points" ? "mean error in a picture of the points" : "mean reprojection error", `${number(frame.error_px)} px, ${number(frame.error_percent)} % of the person's size`],
    ["solver steps", `${frame.steps}${frame.converged ? "" : ", not converged"}`], ["joints seen", `${frame.joints.length}`],
    ...(person.method === "points"
      ? [["camera", "none: points in space"]]
      : [["distance to the camera", `${number(frame.depth_m, 2)} m`], ["focal length", `${number(person.focal[0], 0)} px`]]),
  ];
  if (frame.unseen) rows.splice(3, 0, ["but", frame.unseen]);
  if (frame.against) rows.splice(frame.unseen ? 5 : 4, 0, [`${person.against.method}: error`, `${number(frame.against.error_px)} px`], [`${person.against.method}: distance`, `${number(frame.against.distance_mm, 0)} mm a vertex, pelvis on pelvis`]);
  if (person.frames.length > 1) {
    const doubtful = person.frames.filter((f) => !f.trusted).length;
    rows.splice(1, 0, ["frame", `${frame.frame}`], ["doubtful frames", `${doubtful} of ${person.frames.length}`]);
  }
  return block("Fit", table(rows));
};
const measurementsSection = (person) => {
  const { lines, assumed } = person.measurements;
  const note = assumed || "by the sizes that were given";
  return block("Measurements", make("p", { class: "note" }, note), table(lines));
};
const jointErrorsSection = (person, frame) => {
  const other = frame.against ? frame.against.joint_errors : null;
  const rows = frame.joints.map((j, i) => ({ name: j.name.replaceAll("_", " "), values: other ? [j.error_px, other[i]] : [j.error_px] }));
  return rows.length ? block(other ? `Reprojection error, px (orange: ${person.against.method})` : "Reprojection error, px", bars(rows, 1)) : null;
};
const energySection = (person, frame) =>
  frame.energy.length ? block("Energy by term", bars(frame.energy.map(([name, value]) => ({ name: name.replaceAll("_", " "), values: [value] })), 1)) : null;

const doubtsSection = (person, frame) => {
  if (!frame.doubts) return null;
  const rows = frame.doubts.joints.map(([name, values]) => ({ name: name.replaceAll("_", " "), values }));
  const side = make("img", { class: "doubts", src: frame.doubts.picture, alt: "The skeleton from the side with ellipses around its joints" });
  return block("How sure", make("p", { class: "note" }, `from the side, near on the left, ${frame.doubts.up}: nine in ten true joints lie in such ellipses`), side, make("p", { class: "note" }, "standard deviation against the pelvis, mm: in the image (orange: in depth)"), bars(rows, 0));
};

const SECTIONS = [fitSection, measurementsSection, jointErrorsSection, doubtsSection, energySection];
const drawSections = (person, frame) => SECTIONS.map((section) => section(person, frame)).filter((node) => node !== null);
