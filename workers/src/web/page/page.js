// The page: follows one market of the processor, and shows what it says.

import { Chart } from "./chart.js";
import { makePicker } from "./picker.js";
import { makeTable } from "./table.js";
import { day, decimal, decimalsOf, delay, length, nameOf, standing, time, whole } from "./texts.js";

/** Candles that are kept here; the processor keeps fewer. */
const MOST = 1_000;

/** Without a word for so long the processor is not there; it speaks every second. */
const SILENCE_MS = 5_000;

const RETRY_MS = 3_000;

const byId = (id) => document.getElementById(id);
const chartBox = byId("chart");
const chart = new Chart(byId("plot"));
const showTable = makeTable(byId("rows"));
const picker = makePicker({ input: byId("pair"), panel: byId("pairs-panel"), list: byId("pairs"), count: byId("pairs-count"), choose });
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const state = {
  market: "",
  interval: "",
  candles: new Map(),
  partition: null,
  progress: null,
  rate: null,
  lastHeard: 0,
  followed: 0,
  link: "waiting",
  isPaused: false,
  source: null,
  isFresh: true,
};

function seconds() {
  return Number.parseInt(state.interval, 10) || 60;
}

// --- what comes from the processor ---

async function begin() {
  const wanted = new URLSearchParams(location.search);
  try {
    const found = await (await fetch("markets")).json();
    byId("notice").hidden = found.notice === "";
    byId("notice").textContent = found.notice;
    if (state.interval === "") makeIntervals(found.intervals, wanted.get("interval"));
    const market = wanted.get("market") || found.markets[0];
    if (market) return choose(market);
    setLink("waiting");
  } catch {
    setLink("lost");
  }
  setTimeout(begin, 1_000);
}

function choose(market) {
  state.market = market;
  picker.set(market);
  follow();
}

function follow() {
  state.candles.clear();
  chart.reset();
  [state.partition, state.followed] = [null, performance.now()];
  connect();
  drawSoon();
}

function connect() {
  state.source?.close();
  state.isFresh = true;
  const query = new URLSearchParams({ market: state.market, interval: state.interval });
  history.replaceState(null, "", `?${query}`);
  const source = new EventSource(`events?${query}`);
  state.source = source;
  // The first message of a connection has everything.
  source.addEventListener("open", () => (state.isFresh = true));
  source.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    setLink("lost");
    // The browser gives up after an answer that is no stream: too many readers, a proxy's error.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => state.source === source && connect(), RETRY_MS);
  });
}

// A tab that nobody sees holds no connection: a browser has six for a server.
document.addEventListener("visibilitychange", () => {
  if (state.market === "") return;
  if (!document.hidden) return connect();
  state.source?.close();
  setLink("waiting");
});

function hear(message) {
  if (state.isFresh) state.candles.clear();
  state.isFresh = false;
  for (const candle of message.candles ?? []) state.candles.set(candle.start_us, candle);
  if ("partition" in message) state.partition = message.partition;
  if (message.progress) {
    state.rate = rateBetween(state.progress, message.progress) ?? state.rate;
    state.progress = message.progress;
  }
  state.lastHeard = performance.now();
  setLink("live");
  drawSoon();
}

function rateBetween(before, after) {
  const elapsed = before ? (after.now_us - before.now_us) / 1e6 : 0;
  return elapsed > 0 && after.trades >= before.trades ? (after.trades - before.trades) / elapsed : null;
}

function setLink(link) {
  state.link = link;
  const lag = state.progress?.partitions.reduce((sum, partition) => sum + partition.lag, 0) ?? 0;
  const isBehind = link === "live" && state.progress && (!state.progress.ready || lag > 10_000);
  const name = state.isPaused && link === "live" ? "paused" : isBehind ? "behind" : link;
  const texts = { waiting: "Waiting", live: "Live", behind: "Catching up", paused: "Paused", lost: "No connection" };
  const box = byId("connection");
  // Read out when it changes, not with every message.
  if (box.dataset.state === name && byId("connection-text").textContent === texts[name]) return;
  box.dataset.state = name;
  byId("connection-text").textContent = texts[name];
}

setInterval(() => {
  if (state.link === "live" && performance.now() - state.lastHeard > SILENCE_MS) setLink("lost");
}, 1_000);

// --- what is shown ---

let isDue = false;
let lastDrawn = 0;

function drawSoon() {
  if (isDue || state.isPaused) return;
  isDue = true;
  // Who wants little motion gets a picture a second.
  const wait = calm.matches ? Math.max(0, 1_000 - (performance.now() - lastDrawn)) : 0;
  setTimeout(() => requestAnimationFrame(draw), wait);
}

function draw() {
  isDue = false;
  lastDrawn = performance.now();
  const candles = [...state.candles.values()].sort((a, b) => a.start_us - b.start_us);
  for (const old of candles.splice(0, Math.max(0, candles.length - MOST))) state.candles.delete(old.start_us);
  const prices = candles.flatMap((candle) => [candle.open, candle.high, candle.low, candle.close]);
  chart.set(candles, seconds(), Math.max(0, ...prices.map(decimalsOf)));
  byId("empty").hidden = candles.length > 0;
  byId("empty").textContent = emptyText();
  drawChart();
  drawHeadline(candles);
  drawHealth();
  if (byId("details").open) showTable(candles, seconds());
}

function emptyText() {
  // The processor takes a moment to find it.
  const isKnown = state.progress?.ready && performance.now() - state.followed > 1_500;
  if (isKnown && state.partition === null && state.market) return "This processor has no trades of this pair";
  return state.progress && !state.progress.ready ? "The processor is starting" : "Waiting for the first trade";
}

function drawChart() {
  chart.draw();
  // Whoever listens to the chart hears what they chose, not every trade.
  if (document.activeElement !== chartBox) speak();
  byId("latest").disabled = chart.back === 0 && chart.chosen === null;
  drawReadout(chart.current());
}

function speak() {
  const current = chart.current();
  const index = chart.candles.indexOf(current);
  const attributes = {
    "aria-valuemax": Math.max(0, chart.candles.length - 1),
    "aria-valuenow": Math.max(0, index),
    "aria-valuetext": current ? spoken(current) : "No candles yet",
  };
  for (const [name, value] of Object.entries(attributes)) chartBox.setAttribute(name, String(value));
}

function spoken(candle) {
  const price = (text) => decimal(text, chart.decimals);
  return `${time(candle.start_us, seconds())} UTC, open ${price(candle.open)}, high ${price(candle.high)}, low ${price(candle.low)}, ` +
    `close ${price(candle.close)}, volume ${decimal(candle.volume)}, ${standing(candle)}`;
}

function drawReadout(candle) {
  const price = (text) => decimal(text, chart.decimals);
  const parts = candle
    ? [
        ["Start (UTC)", `${isToday(candle) ? "" : `${day(candle.start_us)} `}${time(candle.start_us, seconds())}`],
        ["Open", price(candle.open)],
        ["High", price(candle.high)],
        ["Low", price(candle.low)],
        ["Close", price(candle.close)],
        ["Volume", decimal(candle.volume)],
        ["Trades", whole(candle.trade_count) + (candle.status !== "open" && candle.missing_trades > 0 ? `, ${whole(candle.missing_trades)} missing` : "")],
        ["Status", standing(candle)],
      ]
    : [];
  showTerms(byId("readout"), parts);
}

function isToday(candle) {
  return day(candle.start_us) === day(Date.now() * 1000);
}

function drawHeadline(candles) {
  const { pair, exchange } = nameOf(state.market);
  const title = byId("market");
  const text = pair || "No pair yet";
  if (title.dataset.market !== state.market) {
    title.dataset.market = state.market;
    title.textContent = text;
    const small = document.createElement("small");
    small.textContent = exchange;
    title.append(" ", small);
  }
  const newest = candles.at(-1);
  const price = newest ? decimal(newest.close, chart.decimals) : "–";
  byId("price").textContent = price;
  document.title = newest ? `${pair} ${price} – Candles` : "Candles";
  const shown = chart.visible();
  const [first, last] = [shown[0], shown.at(-1)];
  const change = byId("change");
  if (!first || Number(first.open) === 0) {
    change.textContent = "";
    return;
  }
  const percent = (Number(last.close) / Number(first.open) - 1) * 100;
  const span = (last.start_us - first.start_us) / 1e6 + seconds();
  const rounded = Number(percent.toFixed(2));
  const sign = rounded > 0 ? "+" : rounded < 0 ? "−" : "";
  change.dataset.direction = rounded > 0 ? "up" : rounded < 0 ? "down" : "none";
  change.textContent = `${sign}${Math.abs(rounded).toFixed(2)} % in ${length(span >= 120 ? Math.round(span / 60) * 60 : span)}`;
}

function drawHealth() {
  const progress = state.progress;
  if (!progress) return;
  const lag = progress.partitions.reduce((sum, partition) => sum + partition.lag, 0);
  const own = progress.partitions.find((partition) => partition.id === state.partition);
  const behind = own?.watermark_delay_ms;
  const here = progress.partitions.length;
  showTerms(byId("health"), [
    ["Lag", `${whole(lag)} records`, `in ${here} ${here === 1 ? "partition" : "partitions"}${own ? `, ${whole(own.lag)} in this pair's` : ""}`],
    ["Watermark delay", behind === undefined || behind === null ? "–" : delay(behind), own ? `of this pair's partition, ${state.partition}` : ""],
    ["Trades", state.rate === null ? "–" : `${whole(state.rate)} /s`, `${whole(progress.trades)} since the start`],
    ["Late trades", `${whole(progress.corrected + progress.too_late)}`, `${whole(progress.corrected)} corrected a candle, ${whole(progress.too_late)} too late`],
    ["Duplicates", whole(progress.duplicates), "counted once"],
    ["Dead letters", whole(progress.dead_letters), "records that are no trades"],
    ["Missing trades", whole(progress.missing), "when their windows closed, of all pairs"],
    ["Open candles", whole(progress.open), "of all pairs"],
  ]);
}

/** Shows terms with their values; the elements stay. */
function showTerms(list, parts) {
  while (list.children.length > parts.length) list.lastElementChild.remove();
  while (list.children.length < parts.length) {
    const group = document.createElement("div");
    group.append(document.createElement("dt"), document.createElement("dd"));
    list.append(group);
  }
  for (const [index, [term, value, more]] of parts.entries()) {
    const [name, shown] = list.children[index].children;
    setText(name, term);
    if (more === undefined) {
      setText(shown, value);
      continue;
    }
    if (shown.children.length === 0) shown.append(document.createElement("strong"), document.createElement("small"));
    setText(shown.children[0], value);
    setText(shown.children[1], more);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// --- what people do ---

function makeIntervals(intervals, wanted) {
  state.interval = intervals.includes(wanted) ? wanted : intervals[0];
  for (const interval of intervals) {
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "interval", value: interval });
    input.checked = interval === state.interval;
    input.addEventListener("change", () => {
      state.interval = interval;
      follow();
    });
    const label = document.createElement("label");
    const text = document.createElement("span");
    text.textContent = length(Number.parseInt(interval, 10));
    label.append(input, text);
    byId("intervals").append(label);
  }
}

byId("pause").addEventListener("click", (event) => {
  state.isPaused = !state.isPaused;
  event.currentTarget.setAttribute("aria-pressed", String(state.isPaused));
  setLink(state.link);
  drawSoon();
});

const acts = {
  ArrowLeft: () => chart.chooseBy(-1),
  ArrowRight: () => chart.chooseBy(1),
  PageUp: () => chart.chooseBy(-10),
  PageDown: () => chart.chooseBy(10),
  Home: () => chart.chooseAt(0),
  End: () => showLatest(),
  Escape: () => showLatest(),
  "+": () => chart.zoomBy(1),
  "=": () => chart.zoomBy(1),
  "-": () => chart.zoomBy(-1),
};

function showLatest() {
  [chart.chosen, chart.back] = [null, 0];
}

chartBox.addEventListener("keydown", (event) => {
  const act = acts[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
  drawChart();
  speak();
});

for (const [id, act] of [
  ["older", () => chart.pan(Math.ceil(chart.room / 2))],
  ["newer", () => chart.pan(-Math.ceil(chart.room / 2))],
  ["wider", () => chart.zoomBy(-1)],
  ["closer", () => chart.zoomBy(1)],
  ["latest", showLatest],
]) {
  byId(id).addEventListener("click", () => {
    act();
    draw();
  });
}

// A mouse chooses what it points at; a drag moves the view; a tap chooses.
let drag = null;
const placeOf = (event) => event.clientX - chartBox.getBoundingClientRect().left;

chartBox.addEventListener("pointerdown", (event) => {
  drag = { x: event.clientX, back: chart.back, hasMoved: false };
});
chartBox.addEventListener("pointermove", (event) => {
  if (drag && Math.abs(event.clientX - drag.x) > 6) {
    drag.hasMoved = true;
    chartBox.setPointerCapture(event.pointerId);
    chart.back = chart.bounded(drag.back + ((event.clientX - drag.x) / chart.frame().width) * chart.room);
    drawChart();
  } else if (!drag && event.pointerType === "mouse") {
    chart.chooseNear(placeOf(event));
    drawChart();
  }
});
chartBox.addEventListener("pointerup", (event) => {
  if (drag && !drag.hasMoved) {
    chart.chooseNear(placeOf(event));
    drawChart();
  }
  drag = null;
});
chartBox.addEventListener("pointercancel", () => (drag = null));
chartBox.addEventListener("pointerleave", (event) => {
  if (event.pointerType !== "mouse" || drag) return;
  chart.chosen = null;
  drawChart();
});

byId("details").addEventListener("toggle", drawSoon);
new ResizeObserver(() => drawChart()).observe(chartBox);
begin();
