// The candlesticks: an SVG whose shapes are kept from one drawing to the next, so that only what changed is touched.

import { day, decimal, time } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

/** Pixels of a candle and the room beside it, by zoom. */
const SLOTS = [4, 6, 8, 11, 15, 20, 28];

/** Share of the height that volume has. */
const VOLUME = 0.2;

const TIME_AXIS = 26;
const TOP = 14;

/** Pixels between two labels of the time axis. */
const LABEL = 66;

/** Distances of labels on the time axis, in seconds. */
const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800,
  2_592_000,
];

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  parent?.append(made);
  return made;
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/** Returns round numbers from `low` to `high`, about `count` of them, and how many decimals they need. */
export function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const values = [];
  for (let index = Math.ceil(low / step); index * step <= high + step * 1e-9; index += 1) values.push(index * step);
  return { values, decimals };
}

/** Keeps one element per key in a group. */
class Shapes {
  constructor(parent, name) {
    this.group = element("g", { class: name }, parent);
    this.known = new Map();
  }

  show(items, key, make, update) {
    const wanted = new Set(items.map(key));
    for (const [old, node] of this.known) {
      if (wanted.has(old)) continue;
      node.remove();
      this.known.delete(old);
    }
    for (const item of items) {
      const name = key(item);
      let node = this.known.get(name);
      if (!node) {
        node = make();
        this.group.append(node);
        this.known.set(name, node);
      }
      update(node, item);
    }
  }
}

export class Chart {
  constructor(svg) {
    this.svg = svg;
    this.zoom = 3;
    /** Windows between the newest and the right edge. */
    this.back = 0;
    this.candles = [];
    this.seconds = 60;
    this.decimals = 0;
    /** Start of the chosen candle; `null` is the newest. */
    this.chosen = null;
    this.band = element("rect", { class: "band" }, svg);
    this.grid = new Shapes(svg, "grid");
    this.labels = new Shapes(svg, "labels");
    this.volumeLine = element("line", {}, this.grid.group);
    this.volumeText = element("text", {}, this.labels.group);
    this.volumes = new Shapes(svg, "volumes");
    this.bodies = new Shapes(svg, "candles");
    this.marks = new Shapes(svg, "marks");
    this.lastLine = element("line", { class: "last" }, svg);
    this.lastTag = element("rect", { class: "tag", rx: 3 }, svg);
    this.lastText = element("text", { class: "tag-text" }, svg);
  }

  get newest() {
    return this.candles.at(-1);
  }

  get step() {
    return this.seconds * 1e6;
  }

  /** Takes candles by start; the view stays where it is, unless it is at the newest. */
  set(candles, seconds, decimals) {
    const before = this.newest;
    const same = before && this.seconds === seconds;
    [this.candles, this.seconds, this.decimals] = [candles, seconds, decimals];
    if (same && this.back > 0 && this.newest) this.back += (this.newest.start_us - before.start_us) / this.step;
    this.back = this.bounded(this.back);
  }

  reset() {
    [this.candles, this.back, this.chosen] = [[], 0, null];
  }

  /** Windows that fit. */
  get room() {
    return Math.max(1, Math.floor(this.frame().width / SLOTS[this.zoom]));
  }

  bounded(back) {
    if (this.candles.length === 0) return 0;
    const all = (this.newest.start_us - this.candles[0].start_us) / this.step + 1;
    return Math.max(0, Math.min(Math.round(back), all - Math.min(all, this.room)));
  }

  pan(windows) {
    this.back = this.bounded(this.back + windows);
  }

  zoomBy(steps) {
    this.zoom = Math.max(0, Math.min(SLOTS.length - 1, this.zoom + steps));
    this.back = this.bounded(this.back);
  }

  /** Chooses the candle that is `by` candles from the chosen one, and brings it into view. */
  chooseBy(by) {
    const at = this.candles.findIndex((candle) => candle.start_us === this.chosen);
    this.chooseAt((at < 0 ? this.candles.length - 1 : at) + by);
  }

  chooseAt(index) {
    const candle = this.candles[Math.max(0, Math.min(this.candles.length - 1, index))];
    if (!candle) return;
    this.chosen = candle === this.newest ? null : candle.start_us;
    const behind = (this.newest.start_us - candle.start_us) / this.step;
    if (behind < this.back) this.back = this.bounded(behind);
    else if (behind >= this.back + this.room) this.back = this.bounded(behind - this.room + 1);
  }

  /** Chooses the candle nearest to a place in pixels from the left. */
  chooseNear(x) {
    const shown = this.visible();
    if (shown.length === 0) return;
    const distance = (candle) => Math.abs(this.place(candle.start_us) - x);
    const near = shown.reduce((best, candle) => (distance(candle) < distance(best) ? candle : best));
    this.chosen = near === this.newest ? null : near.start_us;
  }

  /** The chosen candle, or the newest. */
  current() {
    return this.candles.find((candle) => candle.start_us === this.chosen) ?? this.newest;
  }

  visible() {
    if (!this.newest) return [];
    const last = this.newest.start_us - this.back * this.step;
    const first = last - (this.room - 1) * this.step;
    return this.candles.filter((candle) => candle.start_us >= first && candle.start_us <= last);
  }

  frame() {
    const { width, height } = this.size ?? { width: 600, height: 360 };
    const digits = this.newest ? decimal(this.newest.high, this.decimals).length : 6;
    const axis = Math.max(52, digits * 7.4 + 14);
    const plot = height - TIME_AXIS - TOP;
    return { width: Math.max(40, width - axis), axis, height, prices: plot * (1 - VOLUME) - 10, plot };
  }

  /** Pixels from the left to the middle of a window. */
  place(startUs) {
    const slot = SLOTS[this.zoom];
    const windows = (this.newest.start_us - startUs) / this.step - this.back;
    return this.frame().width - slot / 2 - windows * slot;
  }

  draw() {
    this.size = { width: this.svg.clientWidth, height: this.svg.clientHeight };
    set(this.svg, { viewBox: `0 0 ${this.size.width} ${this.size.height}` });
    const shown = this.visible();
    const frame = this.frame();
    const number = (text) => Number(text);
    let low = Math.min(...shown.map((candle) => number(candle.low)));
    let high = Math.max(...shown.map((candle) => number(candle.high)));
    if (shown.length === 0) [low, high] = [0, 1];
    const margin = (high - low) * 0.06 || Math.max(high * 0.001, 1e-9);
    [low, high] = [low - margin, high + margin];
    const y = (price) => TOP + ((high - price) / (high - low)) * frame.prices;
    this.drawGrid(shown, frame, { low, high, y });
    this.drawVolumes(shown, frame);
    this.drawCandles(shown, y);
    this.drawMarks(shown, y);
    this.drawLast(frame, y);
    const current = this.current();
    const isChosen = this.chosen !== null && shown.includes(current);
    this.band.classList.toggle("on", isChosen);
    if (isChosen) {
      const slot = SLOTS[this.zoom];
      set(this.band, { x: this.place(current.start_us) - slot / 2, y: TOP, width: slot, height: frame.plot });
    }
  }

  drawGrid(shown, frame, { low, high, y }) {
    const scale = shown.length > 0 ? ticks(low, high, Math.max(2, Math.round(frame.prices / 56))) : { values: [] };
    const prices = scale.values.map((value) => {
      const text = decimal(value.toFixed(Math.min(scale.decimals, 12)));
      return { key: `p${text}`, text, x: frame.width + 8, y: y(value), line: [0, y(value), frame.width, y(value)] };
    });
    const times = shown.length > 0 ? this.times(frame) : [];
    this.grid.show([...prices, ...times], (item) => item.key, () => element("line", {}), (line, item) => {
      const [x1, y1, x2, y2] = item.line.map((value) => Math.round(value) + 0.5);
      set(line, { x1, y1, x2, y2 });
    });
    // Not where the last price and that of the volume stand.
    const [last, ruler] = [this.newest ? y(Number(this.newest.close)) : -100, TOP + frame.plot * (1 - VOLUME)];
    const labels = prices.filter(({ y: at }) => Math.abs(at - last) > 17 && at < ruler - 14);
    this.labels.show([...labels, ...times], (item) => item.key, () => element("text", {}), (node, item) => {
      set(node, { x: item.x, y: item.y, class: item.key.startsWith("p") ? "price-label" : "time-label" });
      if (node.textContent !== item.text) node.textContent = item.text;
    });
  }

  times(frame) {
    const slot = SLOTS[this.zoom];
    const apart = (this.seconds * LABEL) / slot;
    const round = TIME_STEPS.find((size) => size >= apart && size % this.seconds === 0);
    const step = (round ?? this.seconds * Math.ceil(LABEL / slot)) * 1e6;
    const last = this.newest.start_us - this.back * this.step;
    const first = last - (this.room - 1) * this.step;
    const found = [];
    for (let at = Math.ceil(first / step) * step; at <= last; at += step) {
      const x = this.place(at);
      if (x < 30 || x > frame.width - 20) continue;
      const text = at % 86_400e6 === 0 ? day(at) : time(at, step / 1e6);
      found.push({ key: `t${at}`, text, x, y: frame.height - 8, line: [x, TOP, x, frame.height - TIME_AXIS] });
    }
    return found;
  }

  drawVolumes(shown, frame) {
    const most = Math.max(...shown.map((candle) => Number(candle.volume)), 0) || 1;
    const width = Math.max(1, SLOTS[this.zoom] - 3);
    const bottom = TOP + frame.plot;
    const ruler = Math.round(bottom - frame.plot * VOLUME) + 0.5;
    set(this.volumeLine, { x1: 0, x2: frame.width, y1: ruler, y2: ruler });
    set(this.volumeText, { x: frame.width + 8, y: ruler + 4 });
    this.volumeText.textContent = shown.length > 0 ? `V ${most.toLocaleString("en", { maximumSignificantDigits: 3 })}` : "";
    this.volumes.show(shown, (candle) => candle.start_us, () => element("rect", {}), (rect, candle) => {
      const height = Math.max(1, (Number(candle.volume) / most) * frame.plot * VOLUME);
      set(rect, {
        class: `volume ${direction(candle)}`, x: this.place(candle.start_us) - width / 2, y: bottom - height, width, height,
      });
    });
  }

  drawCandles(shown, y) {
    const half = Math.max(1, Math.round((SLOTS[this.zoom] - 3) / 2));
    this.bodies.show(shown, (candle) => candle.start_us, () => element("path", {}), (path, candle) => {
      const x = Math.round(this.place(candle.start_us));
      const [open, close, top, bottom] = [candle.open, candle.close, candle.high, candle.low].map((price) => y(Number(price)));
      const [upper, lower] = [Math.min(open, close), Math.max(open, close, Math.min(open, close) + 1)];
      const at = (value) => value.toFixed(1);
      set(path, {
        class: `candle ${direction(candle)} ${candle.status}`,
        "data-start": candle.start_us,
        d: `M${x} ${at(top)}V${at(upper)}M${x - half} ${at(upper)}H${x + half}V${at(lower)}H${x - half}ZM${x} ${at(lower)}V${at(bottom)}`,
      });
    });
  }

  drawMarks(shown, y) {
    const marks = shown.flatMap((candle) => {
      const x = this.place(candle.start_us);
      const [above, below] = [y(Number(candle.high)) - 8, y(Number(candle.low)) + 8];
      const found = [];
      if (candle.status === "corrected") found.push({ key: `c${candle.start_us}`, name: "corrected", d: `M${x} ${below - 4}l4 4-4 4-4-4z` });
      // Of an open window they may be on their way.
      if (candle.status !== "open" && (candle.missing_trades > 0 || !candle.complete)) found.push({ key: `m${candle.start_us}`, name: "missing", d: `M${x - 4} ${above - 3}h8l-4 7z` });
      return found;
    });
    this.marks.show(marks, (mark) => mark.key, () => element("path", {}), (path, mark) => {
      set(path, { class: `mark ${mark.name}`, d: mark.d });
    });
  }

  drawLast(frame, y) {
    const newest = this.newest;
    for (const node of [this.lastLine, this.lastTag, this.lastText]) node.classList.toggle("on", Boolean(newest));
    if (!newest) return;
    const at = Math.max(TOP, Math.min(TOP + frame.prices, y(Number(newest.close))));
    const side = direction(newest);
    set(this.lastLine, { class: `last on ${side}`, x1: 0, x2: frame.width, y1: Math.round(at) + 0.5, y2: Math.round(at) + 0.5 });
    set(this.lastTag, { class: `tag on ${side}`, x: frame.width + 2, y: at - 10, width: frame.axis - 4, height: 20 });
    set(this.lastText, { class: "tag-text on", x: frame.width + 8, y: at + 4 });
    this.lastText.textContent = decimal(newest.close, this.decimals);
  }
}

function direction(candle) {
  return Number(candle.close) >= Number(candle.open) ? "up" : "down";
}
