// The same candles as a table: newest first, exact numbers.

import { day, decimal, decimalsOf, standing, time, whole } from "./texts.js";

/** Returns a function that shows candles in the rows of `body`; only rows that changed are touched. */
export function makeTable(body) {
  const rows = new Map();

  return function show(candles, seconds) {
    const most = (name) => Math.max(0, ...candles.map((candle) => decimalsOf(candle[name])));
    const decimals = [most("close"), most("volume")];
    const wanted = new Set(candles.map((candle) => candle.start_us));
    for (const [start, { row }] of rows) {
      if (wanted.has(start)) continue;
      row.remove();
      rows.delete(start);
    }
    let before = null;
    for (const candle of candles.toReversed()) {
      let known = rows.get(candle.start_us);
      if (!known) {
        known = { row: makeRow(), candle: null, decimals: "" };
        rows.set(candle.start_us, known);
      }
      if (known.candle !== candle || known.decimals !== decimals.join()) {
        fill(known.row, candle, seconds, decimals);
        [known.candle, known.decimals] = [candle, decimals.join()];
      }
      const place = before ? before.nextSibling : body.firstChild;
      if (place !== known.row) body.insertBefore(known.row, place);
      before = known.row;
    }
  };
}

function makeRow() {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  row.append(head, ...Array.from({ length: 8 }, () => document.createElement("td")));
  return row;
}

function fill(row, candle, seconds, [ofPrice, ofVolume]) {
  const texts = [
    `${day(candle.start_us)} ${time(candle.start_us, seconds)}`,
    ...[candle.open, candle.high, candle.low, candle.close].map((price) => decimal(price, ofPrice)),
    decimal(candle.volume, ofVolume),
    whole(candle.trade_count),
    whole(candle.missing_trades),
    standing(candle),
  ];
  row.dataset.start = candle.start_us;
  for (const [index, text] of texts.entries()) row.children[index].textContent = text;
}
