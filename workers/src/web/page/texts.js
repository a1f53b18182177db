// Numbers and times as people read them. Decimal numbers stay texts: they are exact, and floating point is for pixels alone.

/** Returns how many digits follow the point of a decimal text. */
export function decimalsOf(text) {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/** Returns a decimal text with groups of three, and zeros up to `decimals` digits after the point. */
export function decimal(text, decimals = 0) {
  const [whole, fraction = ""] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const padded = fraction.padEnd(decimals, "0");
  return padded === "" ? grouped : `${grouped}.${padded}`;
}

/** Returns a whole number with groups of three. */
export function whole(number) {
  return decimal(String(Math.round(number)));
}

const twoDigits = (number) => String(number).padStart(2, "0");

/** Returns a time of day in UTC; `startUs` is in microseconds since 1970. Seconds only where a window is shorter than a minute. */
export function time(startUs, seconds) {
  const date = new Date(startUs / 1000);
  const minutes = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
  return seconds % 60 === 0 ? minutes : `${minutes}:${twoDigits(date.getUTCSeconds())}`;
}

/** Returns a day in UTC, as 2026-01-31. */
export function day(startUs) {
  return new Date(startUs / 1000).toISOString().slice(0, 10);
}

/** Returns a length of time in its largest unit. */
export function length(seconds) {
  if (seconds >= 86_400 && seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  if (seconds >= 3_600 && seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

/** Returns a delay, to a tenth of a second while it is short. */
export function delay(milliseconds) {
  const seconds = milliseconds / 1000;
  if (Math.abs(seconds) < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${whole(seconds / 86_400)} d`;
}

/** Returns a market's pair and exchange; `kraken|BTC/USD` is their name on the topic. */
export function nameOf(market) {
  const bar = market.lastIndexOf("|");
  return bar < 0 ? { pair: market, exchange: "" } : { pair: market.slice(bar + 1), exchange: market.slice(0, bar) };
}

/** Returns what a candle says of itself beside its prices, in words. */
export function standing(candle) {
  const words = [candle.status === "corrected" ? `corrected ${candle.revision}×` : candle.status];
  if (!candle.complete) words.push("incomplete");
  if (candle.closed_by === "idle") words.push("closed when idle");
  return words.join(", ");
}
