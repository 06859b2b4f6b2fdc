// The search page: results while typing, suggestions, keyboard shortcuts, the dark switch, matches of an article,
// progress of a build, periods of the timeline, a picker for days. Every page works without it.
(() => {
  "use strict";
  const SUGGESTIONS = 6;
  const PAGES_KEPT = 20;
  const SCHEME = "nutgraf-scheme";
  const root = document.documentElement;

  // The only place that parses HTML: pages of this site, through a Trusted Types policy. If a host application
  // allows no policy, each search loads a page.
  let policy = null;
  try {
    policy = window.trustedTypes?.createPolicy("nutgraf", { createHTML: (text) => text });
  } catch {
    // Trusted Types may not be enforced.
  }
  const read = (text) => new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
  let canRead = true;
  try {
    read("");
  } catch {
    canRead = false;
  }

  // Before the first paint: the colour scheme that the reader chose.
  const setScheme = (scheme) => {
    if (scheme === "dark" || scheme === "light") root.dataset.nutgrafScheme = scheme;
    else delete root.dataset.nutgrafScheme;
  };
  try {
    setScheme(localStorage.getItem(SCHEME));
  } catch {
    // Storage may be blocked.
  }
  root.dataset.nutgrafScript = navigator.clipboard ? "clipboard" : "";

  const start = () => {
    const page = document.querySelector(".nutgraf");
    if (!page) return;
    // Templates may be overridden, so each part works without the others.
    const form = page.querySelector("search form");
    if (form) addCombobox(form, liveResults(page, form));
    keys(page, form?.elements.q);
    darkSwitch(page.querySelector("#dark"));
    page.addEventListener("click", copy);
    page.addEventListener("click", pickDay);
    page.addEventListener("keydown", pressSwitch);
    timelines(page);
    findParagraph();
    addEventListener("hashchange", findParagraph);
    walk();
    watchBuilding();
  };

  // Results

  const liveResults = (page, form) => {
    const main = page.querySelector("main");
    const status = page.querySelector("#status");
    const box = form.elements.q;
    const home = new URL(form.action);
    const cache = new Map(); // pages by URL, so that going back is immediate and keeps its scroll position
    let asking = null;
    // Whether the history entry was made by typing: further typing and the search that comes of it replace it.
    let isDraft = false;

    const isSearch = (url) => url.origin === home.origin && url.pathname === home.pathname;
    const here = () => canRead && isSearch(location);
    const plain = (url) => url.href.split("#")[0];
    let shown = plain(location);

    const address = () => {
      const url = new URL(home);
      for (const [name, value] of new FormData(form)) {
        if (value.trim()) url.searchParams.append(name, value);
      }
      return url;
    };

    const swap = (text) => {
      const found = read(text);
      const fresh = found.querySelector(".nutgraf main");
      if (!fresh) return false;
      const focused = main.contains(document.activeElement) && document.activeElement.id;
      main.replaceChildren(...fresh.childNodes);
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      for (const part of [".hidden-fields", ".colophon"]) {
        const [old, young] = [page.querySelector(part), found.querySelector(part)];
        if (old && young) old.replaceWith(young);
      }
      for (const old of document.head.querySelectorAll("link[data-page]")) old.remove();
      document.head.append(...found.head.querySelectorAll("link[data-page]"));
      for (const control of form.elements) {
        const young = control.id && found.getElementById(control.id);
        if (young && control !== document.activeElement && control.type !== "submit") control.value = young.value;
      }
      document.title = found.title;
      // Only if it changes, because a screen reader reads whatever is set here.
      const said = (main.querySelector(".found") ?? main.querySelector("h1"))?.textContent.replace(/\s+/g, " ").trim() ?? "";
      if (status.textContent !== said) status.textContent = said;
      return true;
    };

    const keep = (url, text) => {
      cache.delete(url);
      cache.set(url, text);
      if (cache.size > PAGES_KEPT) cache.delete(cache.keys().next().value);
    };

    // Fetches a page and shows its results.
    const show = async (url, { typing = false } = {}) => {
      asking?.abort();
      shown = plain(url);
      const mine = (asking = new AbortController());
      main.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
        const text = await answer.text();
        if (mine.signal.aborted) return false;
        if (!swap(text)) throw new Error("no page of results");
        keep(plain(url), text);
        return true;
      } catch (error) {
        if (mine.signal.aborted) return false;
        if (typing) status.textContent = status.dataset.failed;
        else location.assign(url);
        return false;
      } finally {
        if (mine === asking) main.removeAttribute("aria-busy");
      }
    };

    const record = (url, typing) => {
      if (url.href !== location.href) history[isDraft ? "replaceState" : "pushState"](null, "", url);
      isDraft = typing;
    };

    // Searches for what is in the box; with `prefix`, the last word may go on.
    const searchTyped = (prefix) => {
      const url = address();
      if (prefix) url.searchParams.set("prefix", "1");
      if (!here() || url.href === location.href) return;
      // Results that have the focus are not replaced.
      if (!prefix && main.contains(document.activeElement)) return;
      record(url, true);
      show(url, { typing: true });
    };

    const visit = (url) => {
      record(url, false);
      return show(url);
    };

    const submit = () => (here() ? visit(address()) : location.assign(address()));

    // The entry made by typing stays in the history once a link, a filter or another page follows.
    const settle = () => { isDraft = false; };
    addEventListener("pagehide", settle);

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    main.addEventListener("click", async (event) => {
      const link = event.target.closest("a[href]");
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      // The attribute, because the property is an object in SVG.
      const url = new URL(link.getAttribute("href"), location.href);
      if (!here() || link.getAttribute("href").startsWith("#")) return;
      if (!isSearch(url)) {
        // Going back from an article leads to its hit.
        const hit = link.closest(".hit");
        if (hit?.id && !link.hasAttribute("download")) history.replaceState(null, "", `${plain(location)}#${hit.id}`);
        return;
      }
      event.preventDefault();
      box.blur();
      box.value = url.searchParams.get("q") ?? "";
      settle();
      // A switch keeps the focus.
      if (await visit(url) && link.getAttribute("role") !== "switch") {
        main.focus({ preventScroll: true });
        if (main.getBoundingClientRect().top < 0) main.scrollIntoView();
      }
    });
    addEventListener("popstate", () => {
      // Only the fragment has changed.
      if (!here() || plain(location) === shown) return;
      settle();
      asking?.abort();
      main.removeAttribute("aria-busy");
      box.value = new URL(location).searchParams.get("q") ?? "";
      shown = plain(location);
      const text = cache.get(shown);
      if (!text || !swap(text)) show(new URL(location));
    });
    // When the page is loaded, the browser has gone to the fragment, which takes the focus away.
    addEventListener("load", () => {
      document.getElementById(location.hash.slice(1))?.closest(".hit")?.querySelector("h3 a")?.focus({ preventScroll: true });
    });
    if (here()) keep(plain(location), root.outerHTML);
    return { searchTyped, submit };
  };

  // Suggestions, with the combobox of the search element (nutgraf-search.js)

  const addCombobox = async (form, results) => {
    const { Combobox } = await customElements.whenDefined("nutgraf-search");
    const box = form.elements.q;
    const list = document.createElement("ul");
    list.id = "suggestions";
    list.setAttribute("aria-label", box.dataset.suggestions);
    box.parentElement.append(list);
    let place = location.href;
    const combobox = new Combobox(box, list, {
      edit: () => { place = location.href; },
      rest: (prefix) => {
        // A link was followed since.
        if (location.href !== place) return false;
        results.searchTyped(prefix);
        place = location.href;
        return true;
      },
      suggest: async (text, signal) => {
        const url = new URL("api/suggest", form.action);
        url.search = new URLSearchParams({ q: text, limit: SUGGESTIONS });
        return (await (await fetch(url, { signal })).json()).suggestions;
      },
      pick: ({ text }) => {
        box.value = text;
        results.submit();
      },
      clear: () => {
        box.value = "";
        results.searchTyped(false);
      },
    });
    form.addEventListener("submit", () => {
      combobox.cancel();
      // The keyboard of a phone would cover the results.
      if (matchMedia("(pointer: coarse)").matches) box.blur();
    });
  };

  // Keyboard shortcuts outside of text fields; each function returns whether it did something.

  const keys = (page, box) => {
    const help = page.querySelector("#keys");
    const showHelp = () => {
      help?.showModal();
      return true;
    };
    const toBox = () => {
      box?.focus();
      box?.select();
      return Boolean(box);
    };
    const toHit = (step) => (event) => {
      const hits = [...page.querySelectorAll(".hit h3 a")];
      const hit = event.target.closest(".hit");
      const place = hits.findIndex((link) => hit?.contains(link));
      const next = hits[place < 0 ? (step > 0 ? 0 : -1) : place + step];
      if (!next || event.shiftKey) return false;
      next.focus({ preventScroll: true });
      next.closest(".hit").scrollIntoView({ block: "nearest" });
      return true;
    };
    const shortcuts = {
      "/": toBox,
      "?": showHelp,
      j: toHit(1),
      ArrowDown: toHit(1),
      k: toHit(-1),
      ArrowUp: toHit(-1),
      n: () => toMatch(1),
      p: () => toMatch(-1),
    };
    page.addEventListener("click", (event) => {
      if (event.target.closest("[data-keys]")) showHelp();
    });
    addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help?.open) return;
      if (event.target.closest("input, select, textarea, summary, [contenteditable]:not([contenteditable=false])")) return;
      if (Object.hasOwn(shortcuts, event.key) && shortcuts[event.key](event)) event.preventDefault();
    });
  };

  // The timeline: the period of a bar is shown while it is pointed at or has the focus. Several bars are chosen by
  // dragging, or with Shift and the arrow keys and then Enter.

  const timelines = (page) => {
    let range = null; // of the drawing: its bars, and the numbers of the first and the last one chosen

    const chartOf = (event) => event.target.closest("[data-timeline]");
    const isMirrored = (chart) => getComputedStyle(chart.parentElement).direction === "rtl";
    const readout = (chart) => chart.closest(".timeline").querySelector(".readout");
    const show = (chart, text) => {
      const line = readout(chart);
      line.dataset.hint ??= line.textContent;
      line.textContent = text ?? line.dataset.hint;
    };
    const start = (chart, place, pointer = null) => {
      range = { chart, bars: [...chart.querySelectorAll("[data-since]")], from: place, to: place, pointer };
    };
    const placeAt = ({ chart, bars }, event) => {
      const { left, width } = chart.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      return Math.min(bars.length - 1, Math.max(0, Math.floor((isMirrored(chart) ? 1 - share : share) * bars.length)));
    };
    const edges = ({ bars, from, to }) => [bars[Math.min(from, to)], bars[Math.max(from, to)]];
    const label = (first, last) => {
      if (first === last) return first.dataset.label;
      const days = [first.dataset.since, last.dataset.until];
      if (days.some((day) => day.length < 10)) return `${first.dataset.label} – ${last.dataset.label}`;
      // Dates as the server writes them: 5 November 2021 in English.
      const format = new Intl.DateTimeFormat(root.lang === "en" ? "en-GB" : root.lang, { dateStyle: "medium", timeZone: "UTC" });
      return format.formatRange(...days.map((day) => new Date(day)));
    };
    const clear = () => {
      if (!range) return;
      range.drawn?.remove();
      show(range.chart);
      range = null;
    };
    const extend = (place) => {
      range.to = place;
      if (!range.drawn) {
        range.drawn = document.createElementNS(range.chart.namespaceURI, "rect");
        range.drawn.setAttribute("class", "drawn");
        range.drawn.setAttribute("height", "104");
        range.chart.append(range.drawn);
      }
      const slot = 100 / range.bars.length;
      range.drawn.setAttribute("x", `${slot * Math.min(range.from, place)}%`);
      range.drawn.setAttribute("width", `${slot * (Math.abs(range.from - place) + 1)}%`);
      const [first, last] = edges(range);
      show(range.chart, label(first, last));
    };
    const follow = () => {
      const [first, last] = edges(range);
      const link = document.createElement("a");
      const url = new URL(range.chart.querySelector("a").getAttribute("href"), location.href);
      url.searchParams.set("since", first.dataset.since);
      url.searchParams.set("until", last.dataset.until);
      link.href = url;
      range.chart.after(link);
      link.click();
      link.remove();
      clear();
    };

    for (const [entered, left] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      page.addEventListener(entered, (event) => {
        const bar = !range?.drawn && chartOf(event) && event.target.closest("a");
        if (bar) show(chartOf(event), bar.querySelector("title").textContent);
      });
      page.addEventListener(left, (event) => {
        if (!range?.drawn && chartOf(event)) show(chartOf(event));
      });
    }
    page.addEventListener("pointerdown", (event) => {
      clear();
      const chart = chartOf(event);
      if (!chart || event.button || !event.isPrimary) return;
      start(chart, 0, event.pointerId);
      range.from = range.to = placeAt(range, event);
    });
    page.addEventListener("pointermove", (event) => {
      if (range?.pointer !== event.pointerId) return;
      const place = placeAt(range, event);
      if (place === range.to) return;
      // From now on it is no click.
      range.chart.setPointerCapture(event.pointerId);
      extend(place);
    });
    page.addEventListener("pointerup", (event) => {
      if (range?.pointer === event.pointerId) range.drawn ? follow() : clear();
    });
    page.addEventListener("pointercancel", clear);
    page.addEventListener("dragstart", (event) => {
      if (chartOf(event)) event.preventDefault();
    });
    page.addEventListener("keydown", (event) => {
      const chart = chartOf(event);
      const bar = event.target.closest("a");
      if (!chart || !bar || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (isMirrored(chart) ? -1 : 1);
      if (event.key === "Enter" && range?.drawn) follow();
      else if (event.key === "Escape" && range?.drawn) clear();
      else if (step && event.shiftKey) {
        if (!range?.drawn) start(chart, [...chart.querySelectorAll("[data-since]")].indexOf(bar));
        if (range.bars[range.to + step]) extend(range.to + step);
      } else if (step) {
        clear();
        const links = [...chart.querySelectorAll("a")];
        const next = links[links.indexOf(bar) + step];
        if (!next) return;
        bar.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus({ preventScroll: true });
      } else return;
      event.preventDefault();
    });
  };

  // The browser's own picker beside a field for dates, which takes a year or a month as well.
  const pickDay = (event) => {
    const button = event.target.closest("button[data-day]");
    if (!button) return;
    const field = document.getElementById(button.dataset.day);
    const picker = document.createElement("input");
    picker.type = "date";
    picker.className = "picker";
    picker.tabIndex = -1;
    picker.setAttribute("aria-hidden", "true");
    picker.value = field.value; // empty unless it is a day
    picker.addEventListener("change", () => { field.value = picker.value; });
    button.parentElement.querySelector(".picker")?.remove();
    button.before(picker);
    picker.showPicker();
  };

  // The space bar turns a switch on and off, which is a link.
  const pressSwitch = (event) => {
    const link = event.target.closest("a[role=switch]");
    if (!link || event.key !== " " || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    link.click();
  };

  // An article: links to a missing paragraph, and walking through the matches

  const article = () => document.querySelector(".nutgraf article");

  // A fragment does not reach the server: if it names no paragraph, ask for the closest one.
  const findParagraph = () => {
    const name = location.hash.slice(1);
    if (!article() || !/^p-[0-9a-f]{8}(-\d+)?$/.test(name) || document.getElementById(name)) return;
    const closest = document.querySelector(".nutgraf .closest");
    if (closest) {
      location.replace(closest.hash);
      return;
    }
    const url = new URL(location);
    if (url.searchParams.get("p") === name) return; // there is no closest paragraph
    url.searchParams.set("p", name);
    location.replace(url);
  };

  // The paragraphs with matches, and which of them is the target of the address (-1 for none).
  const matches = () => {
    const found = [...(article()?.querySelectorAll(".paragraph") ?? [])].filter((one) => one.querySelector("mark"));
    return { found, target: found.findIndex((one) => `#${one.id}` === location.hash) };
  };

  // Goes to the next (1) or previous (-1) match from the target, or else from the visible part.
  const toMatch = (way) => {
    const { found, target } = matches();
    const isAhead = (one) => one.getBoundingClientRect().top >= 0;
    const next = target >= 0 ? found[target + way] : way > 0 ? found.find(isAhead) : found.findLast((one) => !isAhead(one));
    if (!next) return false;
    // Not an entry of the history for each match: going back leads to the results.
    location.replace(`#${next.id}`);
    next.querySelector(".anchor").focus({ preventScroll: true });
    return true;
  };

  // The buttons that lead from match to match, and the minimap of matches beside the text.
  const walk = () => {
    const bar = article()?.querySelector(".walk");
    if (!bar) return;
    const text = article().querySelector(".text");
    const map = text.querySelector(".minimap");
    const spots = [...map.querySelectorAll("a")];
    const status = document.querySelector(".nutgraf #status");
    const place = bar.querySelector(".here");
    const digits = new Intl.NumberFormat(root.lang);
    const tell = () => {
      const { found, target } = matches();
      for (const [number, spot] of spots.entries()) spot.classList.toggle("target", number === target);
      for (const button of bar.querySelectorAll("button")) {
        const isEnd = target >= 0 && !found[target + Number(button.dataset.step)];
        button.setAttribute("aria-disabled", String(isEnd));
      }
      if (target < 0) return;
      place.textContent = place.dataset.text.replace("{number}", digits.format(target + 1)).replace("{n}", digits.format(found.length));
      status.textContent = place.textContent;
    };
    bar.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button && toMatch(Number(button.dataset.step))) button.focus({ preventScroll: true });
    });
    // By the heights of paragraphs, which the server does not know.
    const measure = () => {
      const whole = text.getBoundingClientRect();
      const scale = (length) => (1000 * length) / whole.height;
      for (const [number, one] of matches().found.entries()) {
        const { top, height } = one.getBoundingClientRect();
        const [reach, spot] = spots[number].querySelectorAll("rect");
        reach.setAttribute("y", scale(top - whole.top));
        reach.setAttribute("height", scale(height));
        spot.setAttribute("y", scale(top - whole.top));
      }
    };
    const scroll = () => {
      const whole = text.getBoundingClientRect();
      const [top, end] = [Math.max(-whole.top, 0), Math.min(innerHeight - whole.top, whole.height)];
      const view = map.querySelector(".view");
      view.setAttribute("y", (1000 * top) / whole.height);
      view.setAttribute("height", Math.max((1000 * (end - top)) / whole.height, 0));
    };
    new ResizeObserver(() => { measure(); scroll(); }).observe(text);
    addEventListener("scroll", scroll, { passive: true });
    addEventListener("hashchange", tell);
    tell();
  };

  // An index that is being built: updates its progress, and reloads the page when it is ready.
  const watchBuilding = () => {
    const part = document.querySelector(".nutgraf [data-again]");
    if (!part) return;
    setTimeout(async () => {
      try {
        const answer = await fetch(location, { cache: "no-store" });
        const now = canRead && answer.status === 503 && read(await answer.text()).querySelector(".nutgraf [data-again]");
        if (!now) {
          location.reload();
          return;
        }
        part.replaceChildren(...now.childNodes);
      } catch {
        // The server may be restarting.
      }
      watchBuilding();
    }, 1000 * part.dataset.again);
  };

  // The dark switch and the copying of links

  const darkSwitch = (button) => {
    if (!button) return;
    const system = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.nutgrafScheme ?? (system.matches ? "dark" : "light")) === "dark";
    const tell = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      const wanted = isDark() ? "light" : "dark";
      setScheme(wanted);
      try {
        // The scheme of the system is not stored, because it may change.
        if (wanted === (system.matches ? "dark" : "light")) {
          localStorage.removeItem(SCHEME);
          setScheme(null);
        } else localStorage.setItem(SCHEME, wanted);
      } catch {
        // Without storage the choice holds for this page.
      }
      tell();
    });
    system.addEventListener("change", tell);
    tell();
  };

  const copy = async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(new URL(button.dataset.copy, location.href).href);
      button.textContent = button.dataset.done;
    } catch {
      // The reader can still copy the link by hand.
    }
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
