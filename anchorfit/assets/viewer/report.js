// The report's page: a grid of people, figures, and the chosen one in 3D. Names only ever become text, never HTML.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const people = data.people;
  const $ = (id) => document.getElementById(id);
  const CARD = 320, FLAT = 900; // pixels of the longer side of a card's and of the large picture
  const settings = () => ({ opacity: $("opacity").value / 100, keypoints: document.querySelector('[data-layer="keypoints"]').checked });
  const faces = await unpackIndices(data.faces), guides = await unpackIndices(data.guides);
  if (!people.length) return;

  // ---- what a person's frames look like: unpacked once ----
  const tracks = new Map();
  const track = (person) => {
    if (!tracks.has(person)) {
      tracks.set(person, (async () => ({
        meshes: await unpackMeshes(person.meshes, guides),
        against: person.against ? await unpackMeshes(person.against.meshes, guides) : [],
        pictures: person.frames.map(() => undefined),
      }))());
    }
    return tracks.get(person);
  };
  const pictureOf = async (person, k) => {
    const pictures = (await track(person)).pictures;
    pictures[k] ??= loadPicture(person.frames[k].picture);
    return pictures[k];
  };
  const meshesOf = async (person, k) => {
    const { meshes, against } = await track(person);
    return { own: meshes[k], against: person.frames[k].against ? against[person.frames[k].against.mesh] : null };
  };

  // ---- the cards ----
  const trusted = (person) => 2 * person.frames.filter((f) => !f.trusted).length < person.frames.length;
  const middle = (person) => person.frames[Math.floor(person.frames.length / 2)];
  const mean = (values) => (values.length ? values.reduce((a, b) => a + b) / values.length : null);
  const errorOf = (person) => mean(person.frames.map((f) => f.error_percent).filter((e) => e !== null));
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const index = Number(target.dataset.index);
      if (isIntersecting) { seen.add(index); drawCard(index); } else seen.delete(index);
    }
  });
  const cards = people.map((person, index) => {
    const picture = make("div", { class: "picture" }, make("canvas", { width: 1, height: 1 }));
    const mark = make("span", { class: trusted(person) ? "mark" : "mark no" }, trusted(person) ? "trusted" : "doubtful");
    const many = person.frames.length > 1 ? ` · ${person.frames.length + person.dropped} frames` : "";
    const figures = make("div", { class: "figures" }, mark, ` ${number(person.score, 2)} · ${number(errorOf(person))} %${many}`);
    const what = make("div", { class: "what" }, make("div", { class: "name" }, ...person.name.split(/(?=#)/).flatMap((part) => [make("wbr", {}), part])), figures);
    const card = make("button", { class: "card", "data-index": index, title: middle(person).reason || person.name }, picture, what);
    card.addEventListener("click", () => select(index));
    watcher.observe(card);
    return card;
  });
  const looks = new Map(); // what the cards are drawn of, made once
  const lookOf = async (person, k) => {
    const look = { picture: await loadPicture(person.frames[k].picture), body: drawBody(person, (await meshesOf(person, k)).own, faces, CARD) };
    if (person !== people[chosen]) tracks.delete(person); // hundreds of people are not all kept unpacked
    return look;
  };
  const drawCard = async (index) => {
    const person = people[index], k = Math.floor(person.frames.length / 2);
    if (!looks.has(person)) looks.set(person, lookOf(person, k));
    drawLayers(cards[index].querySelector("canvas"), person, person.frames[k], { ...(await looks.get(person)), longest: CARD, ...settings() });
    cards[index].dataset.drawn = "yes";
  };

  // ---- sorting and filtering ----
  const largeFirst = (p) => errorOf(p) ?? Infinity;
  const lowFirst = (p) => (p.score === null ? 1 : p.score); // null: nobody judged
  const orders = {
    order: (a, b) => a - b,
    trust: (a, b) => lowFirst(people[a]) - lowFirst(people[b]) || trusted(people[a]) - trusted(people[b]) || largeFirst(people[b]) - largeFirst(people[a]) || a - b,
    error: (a, b) => largeFirst(people[b]) - largeFirst(people[a]) || a - b,
    name: (a, b) => people[a].name.localeCompare(people[b].name, undefined, { numeric: true }) || a - b,
  };
  const arrange = () => {
    const wanted = $("filter").value.trim().toLowerCase();
    let order = people.map((_, index) => index).sort(orders[$("sort").value]);
    if ($("reverse").checked) order.reverse();
    if ($("doubtful").checked) order = order.filter((index) => people[index].frames.some((f) => !f.trusted));
    if (wanted) order = order.filter((index) => people[index].image.toLowerCase().includes(wanted));
    $("grid").replaceChildren(...order.map((index) => cards[index]));
    $("nobody").hidden = order.length > 0;
  };
  for (const id of ["sort", "reverse", "doubtful"]) $(id).addEventListener("change", arrange);
  $("filter").addEventListener("input", arrange);
  $("images").append(...[...new Set(people.map((p) => p.image))].map((value) => make("option", { value })));

  // ---- the head of the page ----
  const summarise = () => {
    const errors = people.map(errorOf).filter((e) => e !== null).sort((a, b) => a - b);
    const doubtful = people.filter((p) => !trusted(p)).length;
    const parts = [`${people.length} ${people.length === 1 ? "person" : "people"}`, `${doubtful} doubtful`];
    if (errors.length) parts.push(`median reprojection error ${number(errors[Math.floor(errors.length / 2)])} % of the person's size`);
    parts.push(`${data.body} body, ${data.gender}`);
    if (data.left_out) parts[0] = `${people.length} of ${people.length + data.left_out} people: the least trusted, and some spread evenly over the run`;
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

  // ---- the chosen person, and for a video the frame ----
  let stage = null, chosen = -1, place = 0, turn = 0; // the latest choice wins, however long an earlier one takes
  const showFrame = async (k, keep) => {
    const person = people[chosen], frame = person.frames[k], mine = ++turn;
    place = k;
    const [meshes, picture] = [await meshesOf(person, k), await pictureOf(person, k)];
    if (mine !== turn) return;
    if (stage) stage.show(person, frame, meshes, picture, keep);
    else drawLayers($("flat"), person, frame, { picture, body: drawBody(person, meshes.own, faces, FLAT), longest: FLAT, ...settings() });
    $("frame").value = k;
    $("frame-label").textContent = `frame ${frame.frame} · ${frame.trusted ? "trusted" : "doubtful"} ${number(frame.score, 2)}`;
    $("frame-label").className = frame.trusted ? "mark" : "mark no";
    if (!playing) $("facts").replaceChildren(...drawSections(person, frame));
  };
  const select = async (index) => {
    stop();
    if (chosen >= 0 && chosen !== index) tracks.delete(people[chosen]);
    chosen = index;
    cards.forEach((card, i) => card.setAttribute("aria-pressed", String(i === index)));
    const person = people[index], has = person.against !== null;
    $("has-against").hidden = !has;
    if (has) $("has-against").lastElementChild.textContent = person.against.method;
    $("paint").querySelector('[value="against"]').disabled = !has;
    if (!has && $("paint").value === "against") $("paint").value = "plain";
    $("transport").hidden = person.frames.length < 2;
    $("frame").max = person.frames.length - 1;
    await showFrame(0, false);
  };

  // ---- playing a video's frames ----
  let playing = null;
  const stop = () => {
    if (!playing) return;
    playing = null;
    $("play").textContent = "play";
    if (chosen >= 0) $("facts").replaceChildren(...drawSections(people[chosen], people[chosen].frames[place]));
  };
  const play = () => {
    const frames = people[chosen].frames, mine = {};
    const timed = frames.every((frame) => frame.time !== null); // as the film's time stamps say, else evenly
    const at = (frame) => (timed ? frame.time : frame.frame / data.frames_per_second);
    let k = place >= frames.length - 1 ? 0 : place, clock = at(frames[k]), last = performance.now();
    playing = mine;
    $("play").textContent = "pause";
    const tick = async (now) => {
      if (playing !== mine) return;
      // A slow computer shows the frames more slowly; it does not jump to the end.
      clock += Math.min(0.25, Math.max(0, now - last) / 1000);
      last = now;
      while (k + 1 < frames.length && at(frames[k + 1]) <= clock) k++;
      if (k !== place) await showFrame(k, true);
      if (playing !== mine) return;
      if (k >= frames.length - 1) stop(); else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  };
  $("play").addEventListener("click", () => (playing ? stop() : play()));
  $("frame").addEventListener("input", () => { stop(); showFrame(Number($("frame").value), true); });

  const redraw = () => {
    if (stage) stage.showLayers(); else showFrame(place, true);
    for (const index of seen) drawCard(index);
  };
  $("opacity").addEventListener("input", redraw);
  for (const box of document.querySelectorAll("[data-layer]")) box.addEventListener("change", redraw);
  summarise();
  arrange();
  try {
    stage = await openStage(data, faces, settings, $);
  } catch (error) {
    if (!(error instanceof NoWebGL)) throw error;
    $("view").hidden = true;
    $("flat").hidden = false;
    $("views").hidden = true;
  }
  await select(0);
  document.body.dataset.ready = stage ? "yes" : "without 3D";
})();
