// node page.mjs URL PLACE page|pairs: looks at the live page at URL as a person would, in the Chromium that install.sh has put into
// PLACE, and leaves pictures there. `page` wants a pair BTC/USD with a candle a second, `pairs` ten thousand pairs. Ends with 1 at the
// first thing that is not as it should be.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [url, place, subject] = process.argv.slice(2);
const { resolve } = createRequire(join(place, "package.json"));
// Where the browser is unpacked.
const unpacked = join(place, "browser");
mkdirSync(unpacked, { recursive: true });
process.env.TMPDIR = unpacked;
// The package unpacks its own NSS and expat where it believes to be in this environment, and its fonts everywhere: no machine lacks
// them, and pictures are the same on all. Its fonts.conf names other places.
process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs20.x";
process.env.FONTCONFIG_FILE = join(unpacked, "fonts.conf");
writeFileSync(
  process.env.FONTCONFIG_FILE,
  `<fontconfig><dir>${unpacked}/fonts</dir><cachedir>${unpacked}/fontconfig</cachedir></fontconfig>`,
);
const load = async (name) => (await import(pathToFileURL(resolve(name)))).default;
const [chromium, puppeteer] = [await load("@sparticuz/chromium"), await load("puppeteer-core")];
const axe = readFileSync(resolve("axe-core/axe.min.js"), "utf8");

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  headless: "shell",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const complaints = [];

/** Opens the page with a market; what the stream says is kept in `heard`. */
async function open(viewport, theme, query = "", motion = "no-preference", from = url) {
  const page = await browser.newPage();
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("response", (response) => response.status() >= 400 && complaints.push(`${response.status()} ${response.url()}`));
  await page.setViewport(viewport);
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: motion },
  ]);
  await page.evaluateOnNewDocument(() => {
    globalThis.heard = new Map();
    globalThis.streams = [];
    globalThis.EventSource = class extends EventSource {
      constructor(...where) {
        super(...where);
        globalThis.heard.clear();
        globalThis.streams.push(this);
        this.addEventListener("message", (event) => {
          for (const candle of JSON.parse(event.data).candles ?? []) globalThis.heard.set(candle.start_us, candle);
        });
      }
    };
  });
  await page.goto(from + query, { waitUntil: "domcontentloaded" });
  return page;
}

const drawn = (page) => page.$$eval("#plot .candles .candle", (nodes) => nodes.map((node) => node.dataset.start));
const text = (page, selector) => page.$eval(selector, (node) => node.textContent);
const within = (page, condition, ...values) => page.waitForFunction(condition, { timeout: 30_000, polling: 100 }, ...values);
const BTC = "?market=synthetic%7CBTC%2FUSD&interval=1s";

const checks = subject === "page" ? {
  async "candles are drawn, and there are more of them as time goes on"() {
    const page = await open(DESK, "light", BTC);
    await within(page, () => document.querySelectorAll("#plot .candles .candle").length >= 5);
    const before = await drawn(page);
    // Where the room is full the oldest goes when a new one comes.
    await within(page, (known) => {
      const starts = [...document.querySelectorAll("#plot .candles .candle")].map((node) => node.dataset.start);
      return starts.length >= known.length && starts.filter((start) => !known.includes(start)).length >= 3;
    }, before);
    assert.equal(await text(page, "#connection"), "Live");
    assert.match(await text(page, "#health"), /Lag\d/);
    const directions = await page.evaluate(() => ["up", "down"].map((name) => {
      const style = getComputedStyle(document.querySelector(`#plot .candle.${name}:not(.open)`));
      const surface = getComputedStyle(document.querySelector("#chart")).backgroundColor;
      return style.fill === surface ? "hollow" : style.fill === style.stroke ? "filled" : style.fill;
    }));
    assert.deepEqual(directions, ["hollow", "filled"], "up and down differ in more than colour");
    await page.close();
  },

  async "the table has the figures of the stream, to the digit"() {
    const page = await open(DESK, "light", BTC);
    await page.click("summary");
    // At the moment at which everything that was heard is drawn.
    await within(page, () => {
      const rows = [...document.querySelectorAll("#rows tr")];
      const plain = (text) => {
        const number = text.replaceAll(",", "");
        return number.includes(".") ? number.replace(/\.?0+$/, "") : number;
      };
      const shown = rows.map((row) => [row.dataset.start, ...[...row.children].slice(1, 8).map((cell) => plain(cell.textContent))]);
      const wanted = [...globalThis.heard.values()].sort((a, b) => b.start_us - a.start_us).map((candle) => [
        String(candle.start_us),
        ...[candle.open, candle.high, candle.low, candle.close, candle.volume, candle.trade_count, candle.missing_trades].map((value) => plain(String(value))),
      ]);
      return rows.length >= 5 && JSON.stringify(shown) === JSON.stringify(wanted);
    });
    const ordered = await page.$$eval("#rows th", (heads) => heads.map((head) => head.textContent));
    assert.deepEqual(ordered, ordered.toSorted().reverse(), "newest first");
    await page.close();
  },

  async "everything can be done by keyboard, and a pair be chosen by mouse"() {
    const page = await open(DESK, "light", BTC);
    await within(page, () => document.querySelectorAll("#plot .candles .candle").length >= 5);
    await page.focus("#chart");
    const spoken = () => page.$eval("#chart", (node) => [node.ariaValueNow, node.ariaValueText]);
    await page.keyboard.press("ArrowLeft");
    const [first, words] = await spoken();
    assert.match(words, /^\d\d:\d\d:\d\d UTC, open [\d,.]+, high .*, volume .*, \w+/);
    await page.keyboard.press("ArrowLeft");
    assert.equal(Number((await spoken())[0]), Number(first) - 1);
    const width = () => page.$eval("#plot .candles .candle", (node) => node.getBBox().width);
    const narrow = await width();
    await page.keyboard.press("+");
    assert.ok((await width()) > narrow, "zoomed");
    await page.keyboard.press("Home");
    assert.equal((await spoken())[0], "0");
    await page.keyboard.press("End");
    await page.focus("#pair");
    await page.keyboard.type("ethusd");
    await within(page, () => document.querySelectorAll("#pairs [role=option]").length === 1);
    await page.keyboard.press("Enter");
    await within(page, () => document.querySelector("#market").textContent.startsWith("ETH/USD"));
    await within(page, () => document.querySelectorAll("#plot .candles .candle").length >= 5);
    assert.deepEqual(await page.evaluate(() => globalThis.streams.map((stream) => stream.readyState)), [2, 1], "one stream");
    assert.match(page.url(), /market=synthetic%7CETH%2FUSD/);
    await page.click("#pair");
    await within(page, () => document.querySelectorAll("#pairs [role=option]").length >= 8);
    await page.click("#pairs [role=option]:nth-child(2)");
    await within(page, () => document.querySelector("#market").textContent.startsWith("BTC/USD"));
    await page.close();
  },

  async "it can be paused, and reduced motion is a picture a second"() {
    const page = await open(DESK, "light", BTC, "reduce");
    await within(page, () => document.querySelectorAll("#plot .candles .candle").length >= 5);
    const changes = () => page.evaluate(() => new Promise((done) => {
      let count = 0;
      const watch = new MutationObserver(() => (count += 1));
      watch.observe(document.querySelector("#plot"), { subtree: true, childList: true, attributes: true });
      setTimeout(() => (watch.disconnect(), done(count)), 3_000);
    }));
    const calm = await changes();
    assert.ok(calm >= 1 && calm <= 4, `${calm} pictures in three seconds`);
    await page.click("#pause");
    await changes();
    assert.equal(await changes(), 0, "paused");
    assert.equal(await text(page, "#connection"), "Paused");
    await page.click("#pause");
    assert.ok((await changes()) >= 1, "goes on");
    await page.close();
  },

  async "a connection that is lost is told, and found again"() {
    const { port, hostname } = new URL(url);
    const sockets = new Set();
    const relay = createServer((socket) => {
      const onward = connect(Number(port), hostname);
      for (const [from, to] of [[socket, onward], [onward, socket]]) {
        sockets.add(from);
        from.on("error", () => to.destroy()).on("close", () => (sockets.delete(from), to.destroy())).pipe(to);
      }
    });
    const listen = (at) => new Promise((done) => relay.listen(at, "127.0.0.1", () => done(relay.address().port)));
    const at = await listen(0);
    const page = await open(DESK, "light", BTC, "no-preference", `http://127.0.0.1:${at}/`);
    const says = (words) => within(page, (text) => document.querySelector("#connection").textContent === text, words);
    await says("Live");
    relay.close();
    for (const socket of sockets) socket.destroy();
    await says("No connection");
    await listen(at);
    await says("Live");
    const before = await page.evaluate(() => Math.max(...globalThis.heard.keys()));
    await within(page, (start) => Math.max(...globalThis.heard.keys()) > start, before);
    await page.close();
    relay.close();
    // What the browser says of it belongs to it.
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes("net::ERR_")));
  },

  async "in both themes and sizes it is accessible, fits, and a picture is taken"() {
    for (const [size, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
      for (const theme of ["light", "dark"]) {
        const page = await open(viewport, theme, BTC);
        await within(page, () => document.querySelectorAll("#plot .candles .candle").length >= 5);
        await within(page, () => [1, 2].every((tile) => !document.querySelectorAll("#health strong")[tile]?.textContent.includes("–")));
        await page.screenshot({ path: join(place, `${size}-${theme}.png`), fullPage: true });
        for (const prepare of [async () => {}, () => page.click("summary"), () => page.click("#pair")]) {
          await prepare();
          await new Promise((done) => setTimeout(done, 700));
          const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(needed <= there, `${size}: ${needed} of ${there} pixels`);
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => globalThis.axe.run());
          const told = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(" ")}`);
          assert.deepEqual(told, [], `${size}, ${theme}`);
        }
        await page.screenshot({ path: join(place, `${size}-${theme}-open.png`) });
        await page.close();
      }
    }
  },

} : {
  async "ten thousand pairs are searched on the server, and one is streamed"() {
    const page = await open(PHONE, "light");
    await within(page, async () => (await (await fetch("markets")).json()).total > 9_000);
    await page.click("#pair");
    await within(page, () => document.querySelectorAll("#pairs [role=option]").length === 50);
    assert.match(await text(page, "#pairs-count"), /^50 of [\d,]+ shown/);
    await page.keyboard.type("x0042");
    await within(page, () => document.querySelector("#pairs").textContent.startsWith("X0042/USD"));
    await page.tap("#pairs [role=option]");
    await within(page, () => document.querySelector("#market").textContent.startsWith("X0042/USD"));
    await within(page, () => document.querySelectorAll("#plot .candles .candle").length >= 1);
    await page.close();
  },
};

try {
  for (const [name, check] of Object.entries(checks)) {
    await check();
    assert.deepEqual(complaints, [], `${name}: the console`);
    console.log(`ok  ${name}`);
  }
} catch (error) {
  console.error(error);
  // What the pages look like, and what their consoles say, is most of the answer.
  console.error(complaints);
  for (const page of await browser.pages()) {
    const seen = page.evaluate(() => document.body.innerText).catch((cause) => cause);
    const patience = new Promise((done) => setTimeout(done, 5_000, "no answer"));
    console.error(page.url(), await Promise.race([seen, patience]));
  }
  process.exitCode = 1;
} finally {
  await browser.close();
}
