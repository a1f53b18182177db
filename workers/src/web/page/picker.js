// The choice of a pair: a combobox whose list comes from the server, so that ten thousand pairs are as good as ten.

import { nameOf, whole } from "./texts.js";

const WAIT_MS = 120;

/** Makes a combobox of `input`; `choose` is called with the name of a market. */
export function makePicker({ input, panel, list, count, choose }) {
  let options = [];
  let active = -1;
  let current = "";
  let timer = 0;
  let request = null;

  function open() {
    panel.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function close() {
    clearTimeout(timer);
    request?.abort();
    panel.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    input.value = nameOf(current).pair;
    active = -1;
  }

  function pick(market) {
    current = market;
    close();
    choose(market);
  }

  function highlight(index) {
    active = Math.max(0, Math.min(options.length - 1, index));
    for (const [place, option] of [...list.children].entries()) {
      option.setAttribute("aria-selected", String(place === active));
    }
    const option = list.children[active];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }
  }

  function show(found) {
    options = found.markets;
    list.replaceChildren(
      ...options.map((market, index) => {
        const { pair, exchange } = nameOf(market);
        const option = document.createElement("li");
        option.id = `pair-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.append(pair);
        if (exchange) {
          const small = document.createElement("small");
          small.textContent = exchange;
          option.append(" ", small);
        }
        option.addEventListener("click", () => pick(market));
        return option;
      }),
    );
    const more = found.matches > options.length;
    count.textContent = more
      ? `${options.length} of ${whole(found.matches)} shown: type to narrow`
      : `${whole(found.matches)} of ${whole(found.total)} pairs`;
    open();
    const place = options.indexOf(current);
    highlight(place < 0 ? 0 : place);
  }

  async function search(text) {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const response = await fetch(`markets?search=${encodeURIComponent(text)}`, { signal });
      if (!response.ok) throw new Error(`${response.status}`);
      show(await response.json());
    } catch {
      if (signal.aborted) return;
      list.replaceChildren();
      count.textContent = "No answer from the processor";
      open();
    }
  }

  // The input keeps the focus while somebody scrolls or chooses.
  panel.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => panel.hidden && search(""));
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => search(input.value), WAIT_MS);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      if (panel.hidden) search("");
      else highlight(active + step);
    } else if (event.key === "Enter" && !panel.hidden && options[active] !== undefined) {
      event.preventDefault();
      pick(options[active]);
    } else if (event.key === "Escape") {
      close();
      input.select();
    }
  });

  return {
    /** Shows which market is chosen. */
    set(market) {
      current = market;
      if (document.activeElement !== input) input.value = nameOf(market).pair;
    },
  };
}
