// The interactive graph of a vault: draws the picture that #graph-data holds into #graph.
//
// The picture is drawn once to a bitmap. While the view moves, the bitmap is moved and scaled; a
// sharper one of what is visible is drawn in slices between frames, and replaces it when complete.
// Few nodes and links are drawn by the canvas, many by plain loops over pixels, which take a tenth
// of the time without a graphics processor.
//
// Names are untrusted: they only reach textContent, fillText, strokeText and encodeURIComponent.
//
// Keys on the graph: arrows move, + and - zoom, 0 shows all, / searches, Escape clears.
// window.vaultGraph = {ready, has(path), focus(name), search(text), frameTimes}: the tables of the page show notes with it.
(() => {
"use strict";

const host = document.getElementById("graph");
const source = document.getElementById("graph-data");
if (!host || !source) return;

// -- Data ----------------------------------------------------------------------------------------

async function decode(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = JSON.parse(await new Response(stream).text());
  const count = data.names.length;
  const labels = data.names.slice();
  for (const [node, label] of data.labels) labels[node] = label;
  const starts = [], ends = [];
  for (let at = 0, from = 0, to = 0; at < data.edges.length; at += 2) {
    if (data.edges[at]) to = 0;
    from += data.edges[at];
    to += data.edges[at + 1];
    starts.push(from);
    ends.push(to);
  }
  const graph = {
    ...data, count, labels,
    x: Float32Array.from(data.x), y: Float32Array.from(data.y),
    radius: Float32Array.from(data.radius),
    starts: Uint32Array.from(starts), ends: Uint32Array.from(ends),
  };
  graph.out = index(count, graph.starts, graph.ends);
  graph.in = index(count, graph.ends, graph.starts);
  // Large nodes are drawn last, and asked for first.
  graph.order = Uint32Array.from(labels.keys()).sort((a, b) => graph.radius[a] - graph.radius[b]);
  // Links in both directions are drawn as one line.
  const lines = [];
  for (let edge = 0; edge < starts.length; edge++) {
    if (starts[edge] < ends[edge] || !graph.out(ends[edge]).includes(starts[edge])) lines.push(edge);
  }
  graph.lines = Uint32Array.from(lines);
  graph.bounds = measure(graph);
  graph.leaders = findLeaders(graph);
  return graph;
}

// The note after which each group is named, with the radius of the group: the largest groups first.
function findLeaders(graph) {
  const leaders = new Map();
  for (let at = graph.order.length - 1; at >= 0; at--) {
    const node = graph.order[at], group = graph.community[node];
    if (group < 0) continue;
    const leader = leaders.get(group);
    if (!leader) leaders.set(group, {node, group, radius: graph.radius[node] ** 2, isNamed: false});
    else leader.radius += graph.radius[node] ** 2;
    const named = leaders.get(group);
    if (!named.isNamed && graph.labels[node] === graph.communities[group]) Object.assign(named, {node, isNamed: true});
  }
  for (const leader of leaders.values()) leader.radius = 1.6 * Math.sqrt(leader.radius);
  return [...leaders.values()].sort((a, b) => b.radius - a.radius);
}

// The neighbours of each node: those of node n are items[first[n]] to items[first[n + 1] - 1].
function index(count, from, to) {
  const first = new Uint32Array(count + 1), items = new Uint32Array(from.length);
  for (const node of from) first[node + 1]++;
  for (let node = 0; node < count; node++) first[node + 1] += first[node];
  const next = first.slice();
  for (let edge = 0; edge < from.length; edge++) items[next[from[edge]]++] = to[edge];
  return (node) => items.subarray(first[node], first[node + 1]);
}

function measure(graph) {
  let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
  for (let node = 0; node < graph.count; node++) {
    const r = graph.radius[node];
    left = Math.min(left, graph.x[node] - r); right = Math.max(right, graph.x[node] + r);
    top = Math.min(top, graph.y[node] - r); bottom = Math.max(bottom, graph.y[node] + r);
  }
  if (!graph.count) left = top = 0, right = bottom = graph.size;
  // Few nodes are not enlarged to the whole window.
  const margin = graph.count < 4 ? graph.size / 4 : 0;
  return {left: left - margin, right: right + margin, top: top - margin, bottom: bottom + margin};
}

function fullName(graph, node) {
  const name = graph.names[node], kind = graph.kinds[node];
  if (kind === "d") return name;
  const folder = graph.folders[graph.folder[node]];
  const file = kind === "n" && !/\.md$/i.test(name) ? name + ".md" : name;
  return folder ? folder + "/" + file : file;
}

// Without characters that turn the direction of other text, or that are invisible.
function clean(text, limit = 240) {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, " ");
  const characters = plain.length > limit ? Array.from(plain.slice(0, limit * 2)) : null;
  return characters && characters.length > limit ? characters.slice(0, limit - 1).join("") + "…" : plain;
}

// -- Colours -------------------------------------------------------------------------------------

const PALETTE = {
  light: ["#3f6fb5", "#c8821c", "#3e9659", "#8c5fc4", "#1d95a3", "#8d9526", "#c4609f", "#7c6250"],
  dark: ["#7fabec", "#eeb04f", "#74cf8d", "#bb97f0", "#4fd0dc", "#c9d05c", "#f096cd", "#c3a48e"],
};
const OTHER = {
  light: {dangling: "#d23a31", rest: "#8b8f98", orphan: "#8b8f98", edge: "#6b7280", label: "#1d1e22", paper: "#fcfcfb"},
  dark: {dangling: "#ff6f65", rest: "#8b8f98", orphan: "#8b8f98", edge: "#9aa3b2", label: "#e6e6e3", paper: "#16171a"},
};
const COLORS = 8;  // of groups; those of smaller groups would look alike, so they are grey
const DANGLING = COLORS, ORPHAN = COLORS + 1, REST = COLORS + 2;
const darkQuery = matchMedia("(prefers-color-scheme: dark)");

function readColors() {
  const style = getComputedStyle(host), theme = darkQuery.matches ? "dark" : "light";
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const other = (name) => read("--graph-" + name, OTHER[theme][name]);
  const fills = PALETTE[theme].map((color, number) => read("--graph-" + (number + 1), color));
  fills.push(other("dangling"), other("orphan"), other("rest"));
  const probe = document.createElement("canvas");
  probe.width = probe.height = 1;
  const context = probe.getContext("2d", {willReadFrequently: true});
  const parts = (color) => {
    context.fillStyle = "#000";
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  return {
    fills, rgb: fills.map(parts), edge: other("edge"), edgeRgb: parts(other("edge")),
    label: other("label"), paper: other("paper"), paperRgb: parts(other("paper")),
    isDark: theme === "dark",
  };
}

function colorNumbers(graph, choice) {
  return Uint8Array.from(graph.labels, (_, node) => {
    if (graph.kinds[node] === "d") return DANGLING;
    if (choice === "folder") return Math.min(graph.folder[node], COLORS) === COLORS ? REST : graph.folder[node];
    return graph.community[node] < 0 ? ORPHAN : graph.community[node] < COLORS ? graph.community[node] : REST;
  });
}

// -- Painting ------------------------------------------------------------------------------------

// A view: the point of the picture in the middle of the window, and device pixels for each unit.
const MAX_LINES = 4000, MAX_DISCS = 2500;  // more are drawn by loops over pixels

// The counts of addLines, kept between paintings.
let counts = {size: -1};

function takeCounts(size) {
  if (counts.size !== size) {
    counts = {size};
    for (const name of ["count", "red", "green", "blue"]) counts[name] = new Float32Array(size);
  } else for (const name of ["count", "red", "green", "blue"]) counts[name].fill(0);
  return counts;
}

// Draws a view on a canvas. Yields between slices.
function* paint(canvas, graph, colors, numbers, view, width, height, isFirst) {
  const left = view.x - width / 2 / view.scale, top = view.y - height / 2 / view.scale;
  const px = new Float32Array(graph.count), py = new Float32Array(graph.count);
  const isInside = new Uint8Array(graph.count);
  let discs = 0;
  for (let node = 0; node < graph.count; node++) {
    const x = px[node] = (graph.x[node] - left) * view.scale;
    const y = py[node] = (graph.y[node] - top) * view.scale;
    const r = graph.radius[node] * view.scale + 2;
    // Sides that a node lies beyond; a line between two nodes beyond one side is invisible.
    isInside[node] = (x < -r ? 1 : 0) | (x > width + r ? 2 : 0) | (y < -r ? 4 : 0) | (y > height + r ? 8 : 0);
    if (!isInside[node]) discs++;
  }
  const lines = graph.lines.filter((edge) => !(isInside[graph.starts[edge]] & isInside[graph.ends[edge]]));
  yield;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const scene = {graph, colors, numbers, px, py, isInside, width, height, scale: view.scale};
  if (lines.length <= MAX_LINES && discs <= MAX_DISCS) {
    yield* strokeLines(context, scene, lines);
    yield* fillDiscs(context, scene);
  } else {
    const image = context.createImageData(width, height);
    // The first bitmap is without lines, to be there early.
    if (!isFirst) yield* addLines(image.data, scene, lines);
    yield* addDiscs(image.data, scene);
    context.putImageData(image, 0, 0);
  }
}

// Without this, the browser would draw all slices at once when the canvas is used.
function flush(context) { context.getImageData(0, 0, 1, 1); }

function lineColor(scene, edge) {
  const {graph, numbers} = scene;
  const from = numbers[graph.starts[edge]], to = numbers[graph.ends[edge]];
  return to === DANGLING || from === to ? to === DANGLING ? DANGLING : from : -1;
}

// The point that a curve bends towards, to the right of its direction.
function bend(x1, y1, x2, y2) {
  return [(x1 + x2) / 2 - (y2 - y1) * 0.12, (y1 + y2) / 2 + (x2 - x1) * 0.12];
}

function* strokeLines(context, scene, lines) {
  const {graph, colors, px, py} = scene, groups = new Map();
  for (const edge of lines) {
    const color = lineColor(scene, edge);
    if (!groups.has(color)) groups.set(color, []);
    groups.get(color).push(edge);
  }
  const ratio = devicePixelRatio || 1;
  context.lineWidth = ratio * Math.min(1.6, Math.max(0.6, 9 * scene.scale / ratio));
  const strength = Math.min(1, Math.max(0.3, 14 / Math.sqrt(lines.length + 1)));
  for (const [color, edges] of [...groups].sort((a, b) => a[0] - b[0])) {
    context.strokeStyle = color < 0 ? colors.edge : colors.fills[color];
    context.globalAlpha = (color < 0 ? 0.4 : 0.62) * strength;
    // One path of all lines would be slow, and would not get darker where they cross.
    for (let first = 0; first < edges.length; first += 40) {
      context.beginPath();
      for (const edge of edges.slice(first, first + 40)) {
        const a = graph.starts[edge], b = graph.ends[edge];
        context.moveTo(px[a], py[a]);
        context.quadraticCurveTo(...bend(px[a], py[a], px[b], py[b]), px[b], py[b]);
      }
      context.stroke();
      flush(context);
      yield;
    }
  }
  context.globalAlpha = 1;
}

function* fillDiscs(context, scene) {
  const {graph, colors, numbers, px, py, isInside} = scene, ratio = devicePixelRatio || 1;
  let drawn = 0;
  for (const node of graph.order) {
    if (isInside[node]) continue;
    drawDisc(context, scene, node, px[node], py[node], Math.max(1.4 * ratio, graph.radius[node] * scene.scale));
    if (++drawn % 50 === 0) { flush(context); yield; }
  }
}

function drawDisc(context, scene, node, x, y, radius) {
  const {graph, colors, numbers} = scene, ratio = devicePixelRatio || 1, number = numbers[node];
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = ratio * Math.min(2, 0.5 + radius / 5 / ratio);
  context.strokeStyle = colors.paper;
  context.stroke();
  context.fillStyle = number === ORPHAN || graph.kinds[node] === "a" ? colors.paper : colors.fills[number];
  context.fill();
  if (number === ORPHAN || graph.kinds[node] === "a") {
    context.lineWidth = Math.min(radius * 0.55, 2 * ratio);
    context.strokeStyle = colors.fills[number];
    context.beginPath();
    context.arc(x, y, radius - context.lineWidth / 2, 0, 2 * Math.PI);
    context.stroke();
  }
}

// Add lines to pixels: each counts how often it is crossed, and how much of each colour.
function* addLines(pixels, scene, lines) {
  const {graph, colors, px, py, width, height} = scene, size = width * height;
  const {count, red, green, blue} = takeCounts(size);
  const visible = [-0.5, -0.5, width - 1.5, height - 1.5];
  let ink = 0, done = 0;
  for (const edge of lines) {
    const a = graph.starts[edge], b = graph.ends[edge];
    const cut = clip(px[a], py[a], px[b], py[b], ...visible);
    if (++done % 256 === 0) yield;
    if (!cut) continue;
    const color = lineColor(scene, edge);
    const [r, g, bl] = color < 0 ? colors.edgeRgb : colors.rgb[color];
    const [x1, y1, x2, y2] = cut;
    const steps = Math.ceil(Math.max(Math.abs(x2 - x1), Math.abs(y2 - y1))) || 1;
    // Long lines are lighter, so that they do not cover what they pass.
    const length = Math.hypot(px[b] - px[a], py[b] - py[a]);
    const weight = 1 / (1 + length / 220) * (color < 0 ? 0.4 : 1);
    const dx = (x2 - x1) / steps, dy = (y2 - y1) / steps;
    const isFlat = Math.abs(dx) >= Math.abs(dy), next = isFlat ? width : 1;
    ink += steps * weight;
    for (let step = 0, x = x1 + 0.5, y = y1 + 0.5; step < steps; step++, x += dx, y += dy) {
      const column = x | 0, row = y | 0, part = isFlat ? y - row : x - column;
      let at = row * width + column;
      for (let share = weight * (1 - part); ; share = weight * part, at += next) {
        count[at] += share; red[at] += share * r; green[at] += share * g; blue[at] += share * bl;
        if (share === weight * part) break;
      }
    }
  }
  yield;
  const strength = Math.min(0.55, Math.max(0.05, 0.3 * size / (ink + 1)));
  for (let at = 0; at < size; at++) {
    const crossed = count[at];
    if (crossed > 0) {
      const pixel = at * 4;
      pixels[pixel] = red[at] / crossed;
      pixels[pixel + 1] = green[at] / crossed;
      pixels[pixel + 2] = blue[at] / crossed;
      pixels[pixel + 3] = 190 * (1 - Math.exp(-crossed * strength));
    }
    if (at % 65536 === 0) yield;
  }
}

// The part of a line inside a rectangle, or null (Liang and Barsky).
function clip(x1, y1, x2, y2, left, top, right, bottom) {
  const dx = x2 - x1, dy = y2 - y1;
  let from = 0, to = 1;
  for (const [p, q] of [[-dx, x1 - left], [dx, right - x1], [-dy, y1 - top], [dy, bottom - y1]]) {
    if (p === 0) { if (q < 0) return null; continue; }
    const t = q / p;
    if (p < 0) { if (t > to) return null; if (t > from) from = t; }
    else { if (t < from) return null; if (t < to) to = t; }
  }
  return [x1 + from * dx, y1 + from * dy, x1 + to * dx, y1 + to * dy];
}

// Draw discs over pixels, with smooth edges and a thin margin around large ones.
function* addDiscs(pixels, scene) {
  const {graph, colors, numbers, px, py, isInside, width, height} = scene, ratio = devicePixelRatio || 1;
  let done = 0;
  for (const node of graph.order) {
    if (isInside[node]) continue;
    if (++done % 512 === 0) yield;
    const [r, g, b] = colors.rgb[numbers[node]];
    const isRing = numbers[node] === ORPHAN || graph.kinds[node] === "a";
    const radius = Math.max(0.85 * ratio, graph.radius[node] * scene.scale);
    const margin = radius > 2.5 * ratio ? ratio : 0, hole = isRing && radius > 2.5 ? radius * 0.5 : -1;
    const reach = radius + margin + 0.5, x = px[node], y = py[node];
    const x0 = Math.max(0, Math.floor(x - reach)), x1 = Math.min(width - 1, Math.ceil(x + reach));
    const y0 = Math.max(0, Math.floor(y - reach)), y1 = Math.min(height - 1, Math.ceil(y + reach));
    for (let row = y0; row <= y1; row++) {
      for (let column = x0; column <= x1; column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const cover = Math.min(1, Math.max(0, reach - distance));
        if (cover <= 0) continue;
        const at = (row * width + column) * 4;
        let fill = Math.min(1, Math.max(0, radius + 0.5 - distance));
        if (hole > 0) fill *= Math.min(1, Math.max(0, distance - hole + 0.5));
        const paper = colors.paperRgb, below = pixels[at + 3] / 255, keep = below * (1 - cover), alpha = keep + cover;
        pixels[at] = (pixels[at] * keep + (r * fill + paper[0] * (1 - fill)) * cover) / alpha;
        pixels[at + 1] = (pixels[at + 1] * keep + (g * fill + paper[1] * (1 - fill)) * cover) / alpha;
        pixels[at + 2] = (pixels[at + 2] * keep + (b * fill + paper[2] * (1 - fill)) * cover) / alpha;
        pixels[at + 3] = alpha * 255;
      }
    }
  }
}

// -- The widget ----------------------------------------------------------------------------------

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

// The last part of a folder's path, or the last two where that is the name of others too.
function shortFolder(folder, folders) {
  const parts = folder.split("/"), last = parts.pop();
  const isShared = folders.some((other) => other !== folder && other.split("/").pop() === last);
  return isShared && parts.length ? parts.pop() + "/" + last : last || "Top folder";
}

const number = (value) => value.toLocaleString("en-US");
const plural = (value, one, many = one + "s") => number(value) + " " + (value === 1 ? one : many);

class GraphView {
  constructor(graph) {
    this.graph = graph;
    this.colors = readColors();
    this.choice = "community";
    this.numbers = colorNumbers(graph, this.choice);
    this.selected = this.hovered = -1;
    this.group = -1;  // the number of the colour that the legend shows alone
    this.matches = null;
    this.frameTimes = [];
    this.lastFrame = 0;
    this.widths = new Map();
    this.grid = this.buildGrid();
    this.build();
    this.resize();
    this.listen();
  }

  // The nodes in each square of the picture, to find the one below the pointer.
  buildGrid() {
    const {graph} = this, cells = new Map();
    for (const node of graph.order) {
      const key = this.cell(graph.x[node], graph.y[node]);
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(node);
    }
    return cells;
  }

  cell(x, y) { return (y >> 8) * 1000 + (x >> 8); }

  describe() {
    const {graph} = this, counts = {n: 0, a: 0, c: 0, d: 0};
    for (const kind of graph.kinds) counts[kind]++;
    const parts = [plural(counts.n, "note")];
    if (counts.a) parts.push(plural(counts.a, "attachment"));
    if (counts.c) parts.push(plural(counts.c, "canvas", "canvases"));
    if (counts.d) parts.push(plural(counts.d, "topic") + " without a note");
    return "Graph of " + parts.join(", ") + ", with " + plural(graph.lines.length, "connection") + ".";
  }

  build() {
    const title = this.describe();
    this.canvas = element("canvas", {
      className: "graph-canvas", tabIndex: 0, role: "img",
      "aria-label": title + " Arrow keys move it, plus and minus zoom, slash searches, Escape clears.",
    });
    this.context = this.canvas.getContext("2d");
    this.input = element("input", {
      type: "search", className: "graph-search", placeholder: "Find in graph", autocomplete: "off",
      spellcheck: false, "aria-label": "Find in graph", "aria-controls": "graph-results",
    });
    this.results = element("ul", {className: "graph-results", id: "graph-results", hidden: true});
    this.select = element("select", {className: "graph-choice", "aria-label": "Colour by"},
      element("option", {value: "community", textContent: "Colour by group"}),
      element("option", {value: "folder", textContent: "Colour by folder"}));
    const button = (text, label, action) => {
      const made = element("button", {type: "button", textContent: text, "aria-label": label, title: label});
      made.addEventListener("click", action);
      return made;
    };
    const zoom = element("div", {className: "graph-zoom"},
      button("+", "Zoom in", () => this.zoomBy(1.6)),
      button("−", "Zoom out", () => this.zoomBy(1 / 1.6)),
      button("⤢", "Show all", () => this.fit()));
    this.legend = element("ul", {className: "graph-legend", "aria-label": "Legend"});
    this.panel = element("div", {className: "graph-panel", hidden: true, role: "region", "aria-label": "Selected node"});
    this.tip = element("div", {className: "graph-tip", hidden: true, "aria-hidden": "true"});
    this.hint = element("div", {className: "graph-hint", "aria-hidden": "true", textContent: "Click the graph to zoom with the wheel"});
    this.status = element("p", {className: "graph-status", role: "status"});
    host.replaceChildren(this.canvas,
      element("div", {className: "graph-tools"}, this.input, this.select, this.results), zoom,
      this.legend, this.panel, this.tip, this.hint, this.status);
    this.fillLegend();
  }

  fillLegend() {
    const {graph} = this, isFolder = this.choice === "folder";
    const all = isFolder ? graph.folders : graph.communities, used = new Set(this.numbers);
    const names = all.slice(0, COLORS).map((name) => isFolder ? shortFolder(name, all) : name);
    const items = names.map((name, place) => [place, clean(name, 60)]).filter(([place]) => used.has(place));
    if (used.has(REST)) items.push([REST, plural(all.length - COLORS, isFolder ? "other folder" : "smaller group")]);
    if (used.has(ORPHAN)) items.push([ORPHAN, "Note without links"]);
    if (used.has(DANGLING)) items.push([DANGLING, "Topic without a note"]);
    this.legend.replaceChildren(...items.map(([place, name], at) => {
      const dot = element("span", {className: "graph-dot" + (place === ORPHAN ? " graph-ring" : "")});
      dot.style.color = this.colors.fills[place];
      const label = element("bdi", {textContent: name});
      if (isFolder && place < COLORS) label.title = clean(graph.folders[place]);
      const made = element("button", {type: "button", "aria-pressed": String(this.group === place)}, dot, label);
      made.addEventListener("click", () => {
        this.group = this.group === place ? -1 : place;
        this.fillLegend();
        this.legend.querySelectorAll("button")[at].focus({preventScroll: true});  // it is a new button
        this.draw();
      });
      return element("li", {}, made);
    }));
    for (const note of graph.omitted ? [graph.omitted] : []) this.legend.append(element("li", {className: "graph-note", textContent: note}));
  }

  // -- View --

  resize() {
    const box = host.getBoundingClientRect();
    this.ratio = Math.min(devicePixelRatio || 1, Math.sqrt(4e6 / Math.max(1, box.width * box.height)));
    const width = Math.max(1, Math.round(box.width * this.ratio)), height = Math.max(1, Math.round(box.height * this.ratio));
    if (width === this.canvas.width && height === this.canvas.height && this.view) return;
    this.canvas.width = width;
    this.canvas.height = height;
    const isFitted = !this.view || this.isFitted;
    this.base = null;
    if (isFitted) this.view = this.fittedView();
    this.isFitted = isFitted;
    this.draw();
  }

  fittedView() {
    const {left, right, top, bottom} = this.graph.bounds, {width, height} = this.canvas;
    const margin = 24 * this.ratio, tools = 32 * this.ratio, isWide = host.clientWidth > 900;
    // On wide windows, the picture is beside the legend, on narrow ones above it. Labels of small graphs need room too.
    const below = this.isNarrow() ? this.legend.offsetHeight * this.ratio : 0;
    const aside = isWide ? this.legend.offsetWidth * this.ratio : 0;
    const labels = isWide && this.graph.count <= 1000 ? 50 * this.ratio : 0;
    const scale = Math.max(1e-3, Math.min((width - aside - 2 * (margin + labels)) / (right - left), (height - tools - below - 2 * margin) / (bottom - top)));
    const spare = Math.max(0, Math.min(aside / 2, aside + labels + margin - (width - (right - left) * scale) / 2));
    return {x: (left + right) / 2 - spare / scale, y: (top + bottom) / 2 - (tools - below) / 2 / scale, scale};
  }

  fit() {
    this.moveTo(this.fittedView());
    this.isFitted = true;
  }

  setView(view) {
    const {left, right, top, bottom} = this.graph.bounds;
    const smallest = this.fittedView().scale / 3, largest = Math.max(2 * this.ratio, smallest * 6);
    this.view = {
      x: Math.min(right, Math.max(left, view.x)), y: Math.min(bottom, Math.max(top, view.y)),
      scale: Math.min(largest, Math.max(smallest, view.scale)),
    };
    this.isFitted = false;
    this.isMoving = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => { this.isMoving = false; this.draw(); }, 140);
    this.draw();
  }

  panBy(dx, dy) {
    this.setView({...this.view, x: this.view.x - dx * this.ratio / this.view.scale, y: this.view.y - dy * this.ratio / this.view.scale});
  }

  // Zoom around a point of the window in CSS pixels, or around its middle.
  zoomBy(factor, x = this.canvas.width / 2 / this.ratio, y = this.canvas.height / 2 / this.ratio) {
    const before = this.toPicture(x, y), old = this.view.scale;
    this.setView({...this.view, scale: old * factor});
    const after = this.toPicture(x, y);
    this.setView({...this.view, x: this.view.x + before.x - after.x, y: this.view.y + before.y - after.y});
  }

  moveTo(goal) {
    const start = this.view, from = performance.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    cancelAnimationFrame(this.flight);
    const step = () => {
      const time = isStill ? 1 : Math.min(1, (performance.now() - from) / 350), ease = 1 - (1 - time) ** 3;
      this.setView({
        x: start.x + (goal.x - start.x) * ease, y: start.y + (goal.y - start.y) * ease,
        scale: start.scale * (goal.scale / start.scale) ** ease,
      });
      if (time < 1) this.flight = requestAnimationFrame(step);
    };
    step();
  }

  toPicture(x, y) {
    return {
      x: this.view.x + (x * this.ratio - this.canvas.width / 2) / this.view.scale,
      y: this.view.y + (y * this.ratio - this.canvas.height / 2) / this.view.scale,
    };
  }

  toCanvas(node) {
    return [
      (this.graph.x[node] - this.view.x) * this.view.scale + this.canvas.width / 2,
      (this.graph.y[node] - this.view.y) * this.view.scale + this.canvas.height / 2,
    ];
  }

  // -- Drawing --

  startJob() {
    const view = {...this.view}, {width, height} = this.canvas;
    const canvas = this.spare || document.createElement("canvas");
    this.spare = null;
    const isFirst = !this.detail;
    const steps = paint(canvas, this.graph, this.colors, this.numbers, view, width, height, isFirst);
    this.job = {canvas, steps, isFirst, view, width, height, colors: this.colors, numbers: this.numbers};
  }

  // True if the bitmap should be replaced although the view moves: it is too coarse or too small.
  isWorn() {
    if (!this.detail || this.detail.isFirst) return true;
    const {view} = this.detail, grow = this.view.scale / view.scale;
    const x = Math.abs(this.view.x - view.x) * this.view.scale / this.canvas.width;
    const y = Math.abs(this.view.y - view.y) * this.view.scale / this.canvas.height;
    return grow > 1.8 || grow < 0.6 || x > 0.35 || y > 0.35;
  }

  // Work on the bitmap for some milliseconds. Returns true when there is nothing left to do.
  work(milliseconds) {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      const {job} = this;
      const isStale = job && (job.width !== this.canvas.width || job.height !== this.canvas.height
        || job.colors !== this.colors || job.numbers !== this.numbers
        || (!this.isMoving && this.detail && !isSame(job.view, this.view)));
      if (isStale) {
        this.spare = job.canvas;
        this.job = null;
      } else if (job) {
        if (job.steps.next().done) {
          const old = this.detail;
          this.detail = {canvas: job.canvas, view: job.view, colors: job.colors, numbers: job.numbers, isFirst: job.isFirst};
          if (!job.isFirst) this.base ||= this.detail;
          if (old && old !== this.base) this.spare = old.canvas;
          this.job = null;
          if (job.isFirst) return false;  // show it
        }
      } else if (this.isSharp() || (this.isMoving && !this.isWorn())) return true;
      else this.startJob();
    }
    return false;
  }

  isSharp() {
    const {detail} = this;
    return detail && !detail.isFirst && isSame(detail.view, this.view) && detail.colors === this.colors && detail.numbers === this.numbers
      && detail.canvas.width === this.canvas.width && detail.canvas.height === this.canvas.height;
  }

  draw() {
    if (!this.frame) this.frame = requestAnimationFrame((time) => this.drawFrame(time));
  }

  drawFrame(time) {
    this.frame = 0;
    if (this.isMoving && this.lastFrame) this.frameTimes.push(time - this.lastFrame);
    if (this.frameTimes.length > 2000) this.frameTimes.splice(0, 1000);
    this.lastFrame = this.isMoving ? time : 0;
    const isFirst = !this.detail;
    const isDone = this.work(isFirst || this.detail.isFirst ? 50 : this.isMoving ? 5 : 14);
    const {context, canvas} = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const isDimmed = this.selected >= 0 || this.group >= 0 || this.matches;
    context.globalAlpha = isDimmed ? 0.22 : 1;
    if (this.detail && isSame(this.detail.view, this.view)) context.drawImage(this.detail.canvas, 0, 0);
    else {
      context.imageSmoothingQuality = "low";
      if (this.base && this.base !== this.detail && !this.covers(this.detail)) this.blit(this.base);
      if (this.detail) this.blit(this.detail);
    }
    context.globalAlpha = 1;
    this.drawHighlights();
    if (this.detail) this.drawLabels();
    if (this.detail && !this.isPainted) {
      this.isPainted = true;
      performance.mark("vault-graph-first-paint");
      this.onFirstPaint();
    }
    if (!isDone || this.isMoving || !this.isPainted) this.draw();
  }

  // True if a bitmap fills the window.
  covers(bitmap) {
    if (!bitmap) return false;
    const grow = this.view.scale / bitmap.view.scale, {width, height} = this.canvas;
    return Math.abs(bitmap.view.x - this.view.x) * this.view.scale <= width / 2 * (grow - 1)
      && Math.abs(bitmap.view.y - this.view.y) * this.view.scale <= height / 2 * (grow - 1);
  }

  blit({canvas, view}) {
    const grow = this.view.scale / view.scale, {width, height} = this.canvas;
    const x = Math.round((view.x - this.view.x) * this.view.scale + width / 2 - canvas.width / 2 * grow);
    const y = Math.round((view.y - this.view.y) * this.view.scale + height / 2 - canvas.height / 2 * grow);
    // Only the visible part is scaled; large scales would otherwise take long.
    const x0 = Math.max(0, x), y0 = Math.max(0, y);
    const x1 = Math.min(width, x + canvas.width * grow), y1 = Math.min(height, y + canvas.height * grow);
    if (x1 <= x0 || y1 <= y0) return;
    this.context.clearRect(x0, y0, x1 - x0, y1 - y0);
    this.context.drawImage(canvas, (x0 - x) / grow, (y0 - y) / grow, (x1 - x0) / grow, (y1 - y0) / grow, x0, y0, x1 - x0, y1 - y0);
  }

  neighbours(node) {
    return new Set([...this.graph.out(node), ...this.graph.in(node)]);
  }

  drawHighlights() {
    const {graph, context, ratio, colors} = this;
    const scene = {graph, colors, numbers: this.numbers};
    const disc = (node, extra = 0) => {
      const [x, y] = this.toCanvas(node);
      drawDisc(context, scene, node, x, y, Math.max(2.2 * ratio, graph.radius[node] * this.view.scale) + extra);
    };
    if (this.group >= 0) {
      for (const node of graph.order) if (this.numbers[node] === this.group) this.dot(node);
    }
    if (this.matches) for (const node of this.matches) disc(node, ratio);
    for (const node of new Set([this.selected, this.hovered])) {
      if (node < 0) continue;
      const near = this.neighbours(node);
      const [x, y] = this.toCanvas(node);
      context.lineWidth = Math.max(1, 1.2 * ratio);
      context.strokeStyle = colors.fills[this.numbers[node]];
      context.globalAlpha = Math.min(0.75, Math.max(0.12, 40 / (near.size + 1)));
      context.beginPath();
      for (const other of near) {
        const [ox, oy] = this.toCanvas(other);
        context.moveTo(x, y);
        if (near.size < 400) context.quadraticCurveTo(...bend(x, y, ox, oy), ox, oy);
        else context.lineTo(ox, oy);
      }
      context.stroke();
      context.globalAlpha = 1;
      if (near.size < 1500) for (const other of near) disc(other);
      else for (const other of near) this.dot(other);
      disc(node, ratio);
      context.strokeStyle = colors.label;
      context.lineWidth = 1.5 * ratio;
      context.beginPath();
      context.arc(x, y, Math.max(2.2 * ratio, graph.radius[node] * this.view.scale) + 3.5 * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // A small square instead of a disc, where there are thousands.
  dot(node) {
    const [x, y] = this.toCanvas(node), r = Math.max(this.ratio, this.graph.radius[node] * this.view.scale);
    if (x < -r || y < -r || x > this.canvas.width + r || y > this.canvas.height + r) return;
    this.context.fillStyle = this.colors.fills[this.numbers[node]];
    if (r > 2.5 * this.ratio) {
      this.context.beginPath();
      this.context.arc(x, y, r, 0, 2 * Math.PI);
      this.context.fill();
    } else this.context.fillRect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);
  }

  drawLabels() {
    const {graph, context, ratio, canvas} = this;
    const near = this.selected >= 0 ? this.neighbours(this.selected) : null;
    const isAllowed = (node) => {
      if (near) return near.has(node);
      if (this.matches) return this.matches.has(node);
      return this.group < 0 || this.numbers[node] === this.group;
    };
    const first = [...new Set([this.selected, this.hovered])].filter((node) => node >= 0);
    const most = this.isMoving ? 40 : 70, spots = new Spots(), discs = new Spots(), done = new Set();
    // Labels appear as their nodes get larger on the window. Small graphs show all that fit.
    const least = graph.count <= 150 || near || this.matches ? 0 : 2.6 * ratio;
    // Labels do not cover large discs, in small graphs none.
    const {scale} = this.view, left = this.view.x - canvas.width / 2 / scale, top = this.view.y - canvas.height / 2 / scale;
    const last = this.isMoving ? Math.max(0, graph.count - 600) : 0;
    for (let at = graph.count - 1; at >= last; at--) {
      const node = graph.order[at], r = graph.radius[node] * scale;
      if (graph.count > 1000 && r < 4 * ratio) break;
      const x = (graph.x[node] - left) * scale, y = (graph.y[node] - top) * scale;
      if (x > -r && y > -r && x < canvas.width + r && y < canvas.height + r) discs.add([x - r, y - r, x + r, y + r]);
    }
    for (const box of this.coveredBoxes()) spots.add(box);
    let shown = 0, tried = 0;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    // Names of the legend are shown in any case: where there is no room, over discs, else a bit farther away.
    const place = (node, {isFirst = false, isBold = isFirst, isNeeded = false} = {}) => {
      if (done.has(node)) return;
      const [x, y] = this.toCanvas(node), r = Math.max(1.4 * ratio, graph.radius[node] * this.view.scale);
      done.add(node);
      if (x < 0 || y < 0 || x > canvas.width || y > canvas.height) return;
      const big = graph.count > 1000 && !this.isNarrow() ? Math.min(1.35, 1 + Math.max(0, r / ratio - 6) / 40) : 1;
      const text = this.labelText(node), height = 12 * big * ratio, width = this.textWidth(text, isBold) * big * ratio;
      const makeBox = (right, down, far = 0) => {
        const cx = x + right * (width / 2 + r + 5 * ratio + far), cy = y + down * (height / 2 + r + 4 * ratio + far);
        const inside = isNeeded ? Math.min(canvas.width - width / 2 - 4 * ratio, Math.max(width / 2 + 4 * ratio, cx)) : cx;
        return [inside - width / 2 - 3 * ratio, cy - height / 2 - 2 * ratio, inside + width / 2 + 3 * ratio, cy + height / 2 + 2 * ratio];
      };
      const isInWindow = (box) => box[0] > 0 && box[2] < canvas.width && box[1] > 0 && box[3] < canvas.height;
      const sides = [[0, 1], [0, -1], [1, 0], [-1, 0]];
      const boxes = sides.map(([right, down]) => makeBox(right, down));
      let box = boxes.find((box) => box[0] > 0 && box[2] < canvas.width && !spots.hits(box) && !discs.hits(box));
      for (let far = 0; !box && isNeeded && far <= 90 * ratio; far += 9 * ratio) {
        box = [[0, 1], [0, -1]].map(([right, down]) => makeBox(right, down, far)).find((box) => isInWindow(box) && !spots.hits(box));
      }
      if (!box && isFirst) box = boxes[0];
      if (!box) return;
      spots.add(box);
      shown++;
      const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      context.font = fontOf(height, isBold);
      context.lineWidth = (isNeeded ? 4 : 3) * ratio;
      context.strokeStyle = this.colors.paper;
      context.globalAlpha = 0.85;
      context.strokeText(text, ...middle);
      context.globalAlpha = 1;
      context.fillStyle = graph.kinds[node] === "d" ? this.colors.fills[DANGLING] : this.colors.label;
      context.fillText(text, ...middle);
      this.labelled.push({node, box: box.map((value) => value / ratio)});
    };
    this.labelled = [];
    for (const node of first) place(node, {isFirst: true});
    if (!near && !this.matches) {
      const isNamed = ({group}) => this.choice === "community" && group < COLORS;
      for (const leader of graph.leaders) {
        if (isNamed(leader) && isAllowed(leader.node)) place(leader.node, {isBold: true, isNeeded: true});
      }
      for (const leader of graph.leaders) {
        if (shown < most && leader.radius * this.view.scale > 24 * ratio && isAllowed(leader.node)) place(leader.node, {isBold: true});
      }
    }
    for (let at = graph.order.length - 1; at >= 0 && shown < most && tried < 3000; at--) {
      const node = graph.order[at];
      if (graph.radius[node] * this.view.scale < least) break;
      if (!isAllowed(node)) continue;
      tried++;
      place(node);
    }
  }

  // The places of the controls over the canvas, in its pixels: labels below them could not be read.
  coveredBoxes() {
    const outer = host.getBoundingClientRect();
    return [this.legend, this.panel, ...host.querySelectorAll(".graph-zoom, .graph-tools > :not([hidden])")]
      .map((item) => item.getBoundingClientRect())
      .filter((box) => box.width && box.height)
      .map((box) => [box.left - outer.left, box.top - outer.top, box.right - outer.left, box.bottom - outer.top])
      .map((box) => box.map((value) => value * this.ratio));
  }

  isNarrow() { return host.clientWidth < 640; }

  labelText(node) {
    const isChosen = node === this.selected || node === this.hovered;
    const most = this.isNarrow() ? 24 : this.graph.count <= 150 ? 48 : 30;
    return clean(this.graph.labels[node], isChosen ? 80 : most);
  }

  textWidth(text, isBold) {
    const key = (isBold ? "b" : "n") + text;
    if (!this.widths.has(key)) {
      this.context.font = fontOf(12, isBold);
      this.widths.set(key, this.context.measureText(text).width);
    }
    return this.widths.get(key);
  }

  // -- Input --

  nodeAt(x, y) {
    const {graph} = this, point = this.toPicture(x, y), reach = 7 * this.ratio / this.view.scale;
    let best = -1, bestDistance = Infinity;
    const consider = (node) => {
      const distance = Math.hypot(graph.x[node] - point.x, graph.y[node] - point.y) - graph.radius[node];
      if (distance < reach && distance < bestDistance) { best = node; bestDistance = distance; }
    };
    const far = Math.min(2048, reach + 256);
    for (let row = point.y - far; row <= point.y + far; row += 256) {
      for (let column = point.x - far; column <= point.x + far; column += 256) {
        for (const node of this.grid.get(this.cell(column, row)) || []) consider(node);
      }
    }
    // The largest nodes may reach over several squares.
    for (let at = graph.order.length - 1; at >= Math.max(0, graph.order.length - 40); at--) consider(graph.order[at]);
    return best;
  }

  listen() {
    const {canvas} = this;
    new ResizeObserver(() => this.resize()).observe(host);
    darkQuery.addEventListener("change", () => this.recolor());
    let pressed = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" || event.button) return;
      pressed = {x: event.clientX, y: event.clientY, hasMoved: false};
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (pressed) {
        const dx = event.clientX - pressed.x, dy = event.clientY - pressed.y;
        if (!pressed.hasMoved && Math.hypot(dx, dy) < 4) return;
        pressed = {x: event.clientX, y: event.clientY, hasMoved: true};
        this.tip.hidden = true;
        canvas.classList.add("graph-moving");
        this.panBy(dx, dy);
      } else if (event.pointerType !== "touch") this.hover(event.offsetX, event.offsetY);
    });
    canvas.addEventListener("pointerup", (event) => {
      canvas.classList.remove("graph-moving");
      if (pressed && !pressed.hasMoved) this.choose(this.nodeAt(event.offsetX, event.offsetY));
      pressed = null;
    });
    canvas.addEventListener("pointercancel", () => { pressed = null; });
    canvas.addEventListener("pointerleave", () => this.hover(-1, -1));
    canvas.addEventListener("dblclick", (event) => this.zoomBy(2, event.offsetX, event.offsetY));
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey && !event.metaKey) {
        this.hint.classList.add("graph-shown");
        clearTimeout(this.hinting);
        this.hinting = setTimeout(() => this.hint.classList.remove("graph-shown"), 1200);
        return;
      }
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 300 : 1;
      this.zoomBy(Math.exp(Math.max(-240, Math.min(240, -event.deltaY * unit)) * (event.ctrlKey ? 0.01 : 0.0022)), event.offsetX, event.offsetY);
    }, {passive: false});
    this.listenToTouch();
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("input", () => this.search(this.input.value));
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.matches && this.matches.size) this.choose(this.best, true);
      else if (event.key === "Escape") { this.clear(); canvas.focus(); }
      else return;
      event.preventDefault();
    });
    this.select.addEventListener("change", () => {
      this.choice = this.select.value;
      this.group = -1;
      this.recolor();
    });
    for (const list of [this.panel, this.results]) {
      list.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { this.clear(); canvas.focus(); }
      });
    }
  }

  // One finger scrolls the page, two move and zoom the graph.
  listenToTouch() {
    let last = null;
    const read = (touches) => {
      const box = this.canvas.getBoundingClientRect(), [a, b] = touches;
      return {
        x: (a.clientX + b.clientX) / 2 - box.left, y: (a.clientY + b.clientY) / 2 - box.top,
        distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1,
      };
    };
    this.canvas.addEventListener("touchstart", (event) => {
      last = event.touches.length === 2 ? read(event.touches) : null;
      if (last) event.preventDefault();
    }, {passive: false});
    this.canvas.addEventListener("touchmove", (event) => {
      if (!last || event.touches.length !== 2) return;
      event.preventDefault();
      const now = read(event.touches);
      this.panBy(now.x - last.x, now.y - last.y);
      this.zoomBy(now.distance / last.distance, now.x, now.y);
      last = now;
    }, {passive: false});
    this.canvas.addEventListener("click", (event) => {
      if (event.pointerType === "touch") this.choose(this.nodeAt(event.offsetX, event.offsetY));
    });
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]};
    if (moves[event.key]) this.panBy(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.3);
    else if (event.key === "-" || event.key === "_") this.zoomBy(1 / 1.3);
    else if (event.key === "0" || event.key === "Home") this.fit();
    else if (event.key === "/") this.input.focus();
    else if (event.key === "Escape") this.clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  hover(x, y) {
    const node = x < 0 ? -1 : this.nodeAt(x, y);
    this.canvas.classList.toggle("graph-over", node >= 0);
    if (node >= 0) {
      const {graph} = this;
      this.tip.replaceChildren(
        element("bdi", {className: "graph-name", textContent: clean(graph.labels[node])}),
        element("span", {textContent: this.counts(node)}));
      this.tip.hidden = false;
      const width = this.tip.offsetWidth, height = this.tip.offsetHeight;
      this.tip.style.left = Math.max(4, Math.min(host.clientWidth - width - 4, x + 14)) + "px";
      this.tip.style.top = (y + 18 + height > host.clientHeight ? y - height - 10 : y + 18) + "px";
    } else this.tip.hidden = true;
    if (node !== this.hovered) { this.hovered = node; this.draw(); }
  }

  counts(node) {
    const {graph} = this, kind = graph.kinds[node];
    const incoming = plural(graph.incoming[node], "link") + " in";
    if (kind === "d") return "No note of this name, " + incoming;
    return kind === "a" ? "Attachment, " + incoming : incoming + ", " + number(graph.outgoing[node]) + " out";
  }

  // Show a node and its neighbours, or nothing for -1.
  choose(node, isCentred = false) {
    this.selected = node;
    this.matches = null;
    this.results.hidden = true;
    if (node >= 0) this.input.value = "";
    this.fillPanel();
    if (node >= 0) {
      this.status.textContent = clean(this.graph.labels[node]) + ": " + this.counts(node);
      if (isCentred) {
        const scale = Math.max(this.view.scale, Math.min(9 * this.ratio / this.graph.radius[node], this.fittedView().scale * 8));
        this.moveTo({x: this.graph.x[node], y: this.graph.y[node], scale});
      }
    }
    this.draw();
  }

  fillPanel() {
    const {graph, panel, selected: node} = this;
    panel.hidden = node < 0;
    if (node < 0) { panel.replaceChildren(); return; }
    const close = element("button", {type: "button", className: "graph-close", textContent: "×", "aria-label": "Close"});
    close.addEventListener("click", () => { this.choose(-1); this.canvas.focus(); });
    const parts = [close, element("h3", {}, element("bdi", {textContent: clean(graph.labels[node])}))];
    if (graph.kinds[node] !== "d") {
      const path = fullName(graph, node), address = this.address(path);
      const text = element("bdi", {textContent: clean(path)});
      parts.push(address ? element("a", {href: address, title: "Open in Obsidian"}, text) : element("p", {}, text));
    }
    parts.push(element("p", {textContent: this.counts(node)}));
    for (const [title, nodes] of [["Linked from", graph.in(node)], ["Links to", graph.out(node)]]) {
      if (!nodes.length) continue;
      const sorted = [...nodes].sort((a, b) => graph.incoming[b] - graph.incoming[a] || a - b);
      const list = element("ul", {}, ...sorted.slice(0, 60).map((other) => {
        const dot = element("span", {className: "graph-dot"});
        dot.style.color = this.colors.fills[this.numbers[other]];
        const made = element("button", {type: "button"}, dot, element("bdi", {textContent: clean(graph.labels[other], 90)}));
        made.addEventListener("click", () => { this.choose(other, true); this.panel.querySelector("button").focus(); });
        return element("li", {}, made);
      }));
      if (sorted.length > 60) list.append(element("li", {className: "graph-note", textContent: "and " + number(sorted.length - 60) + " more"}));
      parts.push(element("h4", {textContent: title + " " + number(nodes.length)}), list);
    }
    panel.replaceChildren(...parts);
    panel.scrollTop = 0;
  }

  address(path) {
    if (!host.dataset.vault) return "";
    try {
      return "obsidian://open?vault=" + encodeURIComponent(host.dataset.vault) + "&file=" + encodeURIComponent(path);
    } catch { return ""; }  // half a surrogate pair has no encoding
  }

  // Mark the nodes whose label or name contains a text. Returns their names, best first.
  search(text) {
    const {graph} = this, wanted = text.trim().toLowerCase();
    if (this.input.value !== text) this.input.value = text;
    this.selected = -1;
    this.fillPanel();
    if (!wanted) {
      this.matches = null;
      this.results.hidden = true;
      this.status.textContent = "";
      this.draw();
      return [];
    }
    const found = [];
    for (let at = graph.order.length - 1; at >= 0; at--) {
      const node = graph.order[at], label = graph.labels[node].toLowerCase();
      const place = label.indexOf(wanted);
      const rank = label === wanted ? 0 : place === 0 ? 1 : place > 0 ? 2 : graph.names[node].toLowerCase().includes(wanted) ? 3 : 4;
      if (rank < 4) found.push([rank, node]);
    }
    const nodes = found.sort((a, b) => a[0] - b[0]).map(([, node]) => node);
    this.matches = new Set(nodes);
    this.best = nodes[0];
    this.status.textContent = nodes.length ? plural(nodes.length, "match", "matches") : "No match";
    this.results.hidden = false;
    this.results.replaceChildren(...nodes.slice(0, 8).map((node) => {
      const dot = element("span", {className: "graph-dot"});
      dot.style.color = this.colors.fills[this.numbers[node]];
      const made = element("button", {type: "button"}, dot, element("bdi", {textContent: clean(graph.labels[node])}));
      made.addEventListener("click", () => { this.choose(node, true); this.panel.querySelector("button").focus(); });
      return element("li", {}, made);
    }), element("li", {className: "graph-note", textContent: nodes.length > 8 ? number(nodes.length - 8) + " more" : nodes.length ? "" : "No match"}));
    this.draw();
    return nodes.map((node) => fullName(graph, node));
  }

  clear() {
    this.input.value = "";
    this.group = -1;
    this.search("");
    this.fillLegend();
  }

  // True if there is a node of a path.
  has(path) {
    this.paths ??= new Set(Array.from(this.graph.order, (node) => fullName(this.graph, node)));
    return this.paths.has(path);
  }

  // Show the node of a path, a topic or a label. Returns false if there is none.
  focus(name) {
    const {graph} = this;
    for (const read of [(node) => fullName(graph, node), (node) => graph.labels[node]]) {
      for (let at = graph.order.length - 1; at >= 0; at--) {
        if (read(graph.order[at]) === name) { this.choose(graph.order[at], true); return true; }
      }
    }
    return false;
  }

  recolor() {
    this.colors = readColors();
    this.numbers = colorNumbers(this.graph, this.choice);
    this.base = null;
    this.fillLegend();
    this.fillPanel();
    this.draw();
  }
}

// Rectangles on the window, to keep labels apart from each other.
class Spots {
  constructor() { this.cells = new Map(); }

  *keys([left, top, right, bottom]) {
    for (let row = top >> 6; row <= bottom >> 6; row++) {
      for (let column = left >> 6; column <= right >> 6; column++) yield row * 4096 + column;
    }
  }

  add(box) {
    for (const key of this.keys(box)) {
      if (!this.cells.has(key)) this.cells.set(key, []);
      this.cells.get(key).push(box);
    }
  }

  hits(box) {
    for (const key of this.keys(box)) {
      for (const other of this.cells.get(key) || []) {
        if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return true;
      }
    }
    return false;
  }
}

function isSame(a, b) { return a.x === b.x && a.y === b.y && a.scale === b.scale; }

function fontOf(size, isBold) {
  return (isBold ? "600 " : "") + size.toFixed(1) + "px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif";
}

let resolve, reject;
const ready = new Promise((yes, no) => { resolve = yes; reject = no; });
window.vaultGraph = {ready, has: () => false, focus: () => false, search: () => [], frameTimes: []};
decode(source.textContent).then((graph) => {
  const view = new GraphView(graph);
  window.vaultGraph.view = view;
  window.vaultGraph.frameTimes = view.frameTimes;
  window.vaultGraph.has = (path) => view.has(path);
  window.vaultGraph.focus = (name) => view.focus(name);
  window.vaultGraph.search = (text) => view.search(text);
  view.onFirstPaint = () => resolve({nodes: graph.count, edges: graph.starts.length});
}).catch((error) => {
  host.replaceChildren(element("p", {className: "graph-hint graph-shown", textContent: "This browser cannot draw the graph."}));
  reject(error);
});
ready.catch((error) => console.warn(String(error)));
})();
