/*! <nutgraf-search src="https://…/api">: the search of a Nutgraf archive in any page. MIT licence.
    One file without dependencies; attributes, slots, parts, properties and events are listed in the README. */
(() => {
  "use strict";
  const NAME = "nutgraf-search";
  // On a server that renders pages there is nothing to declare; a second copy of the file leaves the first.
  if (typeof customElements === "undefined" || customElements.get(NAME)) return;

  const DEBOUNCE = 150; // milliseconds after the last key
  const MAX_QUERY = 4000; // what the API takes
  const SORTS = ["relevance", "newest", "oldest", "title"];
  // Attributes that are properties of the same name: the number that stands for none, the least, the most.
  const MIRRORED = {
    src: [], link: [], target: [], label: [], placeholder: [], theme: [], name: [], sort: [],
    limit: [10, 1, 100], suggestions: [5, 0, 20], heading: [3, 1, 6],
  };

  // The English texts, marked for extraction; forms of a sentence are named as Intl.PluralRules names them.
  const _ = (text) => text;
  const _n = (one, other) => ({ one, other });
  const ENGLISH = {
    label: _("Search the articles"), clear: _("Clear"), suggestions: _("Suggestions"),
    count: _n("{n} article", "{n} articles"), shown: _("{n} of them shown"),
    partial: _n("{n} more lacks some of the words", "{n} more lack some of the words"),
    none: _("Nothing was found."),
    meant: _("Did you mean {query}?"), more: _("More"), missing: _("Missing: {words}"),
    also: _n("{n} more says nearly the same", "{n} more say nearly the same"), untitled: _("Untitled article"),
    failed: _("The search did not work."), retry: _("Try again"),
  };
  // Written by `python -m webui.translations`: by language, what the catalogs have for the English texts.
  const TRANSLATIONS = {
    "de": {"Search the articles":"Die Artikel durchsuchen","Clear":"Leeren","Suggestions":"Vorschläge","{n} articles":{"other":"{n} Artikel","one":"{n} Artikel"},"{n} of them shown":"{n} davon gezeigt","{n} more lack some of the words":{"other":"in {n} weiteren fehlen Wörter","one":"in {n} weiteren fehlen Wörter"},"Nothing was found.":"Nichts gefunden.","Did you mean {query}?":"Meinten Sie {query}?","More":"Mehr","Missing: {words}":"Es fehlt: {words}","{n} more say nearly the same":{"other":"{n} weitere sagen fast dasselbe","one":"{n} weiterer sagt fast dasselbe"},"Untitled article":"Artikel ohne Titel","The search did not work.":"Die Suche ist nicht gelungen.","Try again":"Noch einmal"},
    "fr": {"Search the articles":"Rechercher dans les articles","Clear":"Effacer","Suggestions":"Suggestions","{n} articles":{"one":"{n} article","other":"{n} articles"},"{n} of them shown":"{n} affichés","{n} more lack some of the words":{"one":"il manque des mots à {n} autre","other":"il manque des mots à {n} autres"},"Nothing was found.":"Aucun résultat.","Did you mean {query}?":"Vouliez-vous dire {query} ?","More":"Suite","Missing: {words}":"Il manque : {words}","{n} more say nearly the same":{"one":"{n} autre dit presque la même chose","other":"{n} autres disent presque la même chose"},"Untitled article":"Article sans titre","The search did not work.":"La recherche n’a pas abouti.","Try again":"Réessayer"},
    "es": {"Search the articles":"Buscar en los artículos","Clear":"Borrar","Suggestions":"Sugerencias","{n} articles":{"other":"{n} artículos","one":"{n} artículo"},"{n} of them shown":"se muestran {n}","{n} more lack some of the words":{"other":"a {n} más les faltan palabras","one":"a {n} más le faltan palabras"},"Nothing was found.":"No se encontró nada.","Did you mean {query}?":"¿Quiso decir {query}?","More":"Más","Missing: {words}":"Falta: {words}","{n} more say nearly the same":{"other":"{n} más dicen casi lo mismo","one":"{n} más dice casi lo mismo"},"Untitled article":"Artículo sin título","The search did not work.":"La búsqueda no funcionó.","Try again":"Intentar de nuevo"},
    "ar": {"Search the articles":"البحث في المقالات","Clear":"امسح","Suggestions":"اقتراحات","{n} articles":{"zero":"{n} مقالة","one":"مقالة واحدة","two":"مقالتان","few":"{n} مقالات","many":"{n} مقالة","other":"{n} مقالة"},"{n} of them shown":"المعروض منها {n}","{n} more lack some of the words":{"zero":"تنقصها بعض الكلمات: {n}","one":"تنقصها بعض الكلمات: {n}","two":"تنقصها بعض الكلمات: {n}","few":"تنقصها بعض الكلمات: {n}","many":"تنقصها بعض الكلمات: {n}","other":"تنقصها بعض الكلمات: {n}"},"Nothing was found.":"لم يُعثر على شيء.","Did you mean {query}?":"هل تقصد {query}؟","More":"المزيد","Missing: {words}":"ينقص: {words}","{n} more say nearly the same":{"zero":"تقول الشيء نفسه تقريبًا: {n}","one":"تقول الشيء نفسه تقريبًا: {n}","two":"تقول الشيء نفسه تقريبًا: {n}","few":"تقول الشيء نفسه تقريبًا: {n}","many":"تقول الشيء نفسه تقريبًا: {n}","other":"تقول الشيء نفسه تقريبًا: {n}"},"Untitled article":"مقالة بلا عنوان","The search did not work.":"تعذّر البحث.","Try again":"أعد المحاولة"},
    "zh": {"Search the articles":"搜索文章","Clear":"清除","Suggestions":"建议","{n} articles":{"other":"{n} 篇文章"},"{n} of them shown":"已显示 {n} 篇","{n} more lack some of the words":{"other":"另有 {n} 篇缺少部分词语"},"Nothing was found.":"没有找到结果。","Did you mean {query}?":"您是不是要找 {query}？","More":"更多","Missing: {words}":"缺少:{words}","{n} more say nearly the same":{"other":"另有 {n} 篇内容几乎相同"},"Untitled article":"无标题文章","The search did not work.":"搜索没有成功。","Try again":"重试"}
  };
  const TEXTS = { en: ENGLISH };
  for (const [language, found] of Object.entries(TRANSLATIONS)) {
    const translated = ([name, text]) => [name, found[text.other ?? text] ?? text];
    TEXTS[language] = Object.fromEntries(Object.entries(ENGLISH).map(translated));
  }

  // The private names begin with --_, so that nothing of the host's, which slots inherit, is overwritten.
  const CSS = `
    :host { display: block; color-scheme: light dark; }
    :host([theme=light]) { color-scheme: light; }
    :host([theme=dark]) { color-scheme: dark; }
    :host([hidden]), [hidden] { display: none !important; }
    .root {
      --_paper: var(--nutgraf-paper, light-dark(#fff, #171614));
      --_ink: var(--nutgraf-ink, light-dark(#1b1917, #e9e4da));
      --_quiet: var(--nutgraf-quiet, light-dark(#5d564e, #a9a196));
      --_rule: var(--nutgraf-rule, light-dark(#d8d1c5, #3a3631));
      --_field: var(--nutgraf-field, light-dark(#fff, #211f1c));
      --_edge: var(--nutgraf-edge, light-dark(#8a8176, #7d756a));
      --_link: var(--nutgraf-link, light-dark(#7a1f1f, #eda59a));
      --_hover: var(--nutgraf-hover, light-dark(#f3ead6, #2f2a20));
      --_mark: var(--nutgraf-mark, light-dark(#ffe9a3, #57420a));
      --_mark-line: var(--nutgraf-mark-line, light-dark(#a86a00, #e5b23c));
      --_font: var(--nutgraf-font, system-ui, "Segoe UI", "Noto Sans", sans-serif);
      --_serif: var(--nutgraf-font-text, "Iowan Old Style", Charter, Palatino, "Noto Serif", Georgia, serif);
      --_radius: var(--nutgraf-radius, 4px);
      /* Letter spacing, capitals and the like are the host's own; what hides or stops the whole is for the whole. */
      all: initial; color-scheme: inherit; visibility: inherit; pointer-events: inherit; display: block;
      background: var(--_paper); color: var(--_ink); padding: .75rem;
      font: 1rem/1.55 var(--_serif); overflow-wrap: anywhere;
    }
    *, ::before { box-sizing: border-box; }
    p, ol, ul, .title { margin: 0; padding: 0; list-style: none; }
    a { color: var(--_link); text-underline-offset: .16em; }
    button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; }
    :focus-visible { outline: 3px solid var(--_link); outline-offset: 2px; border-radius: 2px; }
    input:focus-visible { outline-width: 2px; outline-offset: -1px; border-radius: var(--_radius); }
    label, .status, .meta, .notes, .note, .also { font: .875rem/1.5 var(--_font); color: var(--_quiet); }
    label { display: block; margin-block-end: .3rem; }
    .box { position: relative; display: flex; align-items: center; }
    .icon {
      position: absolute; inset-inline-start: .8rem; inline-size: 1.1rem; block-size: 1.1rem; pointer-events: none;
      fill: none; stroke: var(--_quiet); stroke-width: 1.8; stroke-linecap: round;
    }
    input {
      flex: 1; min-inline-size: 0; min-block-size: 2.875rem; margin: 0; padding: .45rem 2.75rem; font: 1.125rem/1.4 var(--_serif);
      color: inherit; background: var(--_field); border: 1px solid var(--_edge); border-radius: var(--_radius);
    }
    input::placeholder { color: var(--_quiet); opacity: 1; }
    input:disabled { opacity: .6; }
    .clear { position: absolute; inset-inline-end: .3rem; inline-size: 2.25rem; block-size: 2.25rem; font: 1.3rem/1 var(--_font); color: var(--_quiet); }
    .suggestions {
      position: absolute; z-index: 10; inset-inline: 0; inset-block-start: calc(100% + .25rem); max-block-size: 20rem; overflow-y: auto;
      background: var(--_field); border: 1px solid var(--_edge); border-radius: var(--_radius); padding-block: .25rem;
      box-shadow: 0 6px 20px #0003;
    }
    .suggestion { display: flex; justify-content: space-between; gap: 1rem; padding: .4rem .8rem; min-block-size: 2.25rem; cursor: pointer; }
    .suggestion:hover, .suggestion[aria-selected=true] { background: var(--_hover); }
    .suggestion[aria-selected=true] { box-shadow: inset 3px 0 var(--_link); }
    .suggestion:dir(rtl)[aria-selected=true] { box-shadow: inset -3px 0 var(--_link); }
    .suggestion b { font-weight: 700; }
    .count { font: .8125rem/1.7 var(--_font); color: var(--_quiet); }
    .title-suggestion { font-style: italic; }
    .status:not(:empty) { margin-block-start: .6rem; }
    .results[aria-busy=true] { opacity: .6; }
    .hit { padding-block: .9rem; border-block-end: 1px solid var(--_rule); }
    .hit:last-child { border-block-end: 0; }
    .title { font: 700 1.1875rem/1.3 var(--_serif); text-wrap: balance; }
    .title a:not(:hover, :focus-visible) { text-decoration-color: transparent; }
    .date { color: var(--_ink); }
    .missing { text-decoration: line-through; }
    .passage { color: inherit; text-decoration: none; display: block; margin-block-start: .35rem; }
    a.passage:hover, a.passage:focus-visible { background: var(--_hover); }
    mark {
      color: inherit; background: linear-gradient(var(--_mark), var(--_mark)) 0 58% / 100% 74% no-repeat;
      text-decoration: underline solid var(--_mark-line) 2px; text-underline-offset: .16em; text-decoration-skip-ink: none;
    }
    .note { border-inline-start: 3px solid var(--_rule); padding-inline-start: .7rem; margin-block-start: .6rem; }
    .also summary { cursor: pointer; inline-size: fit-content; margin-block-start: .3rem; }
    .nothing { margin-block-start: .5rem; }
    .meant, .relaxation { color: var(--_link); text-decoration: underline; text-underline-offset: .16em; text-align: start; min-block-size: 1.5rem; }
    .action {
      font: 600 1rem/1.4 var(--_font); min-block-size: 2.75rem; padding: .4rem 1.2rem; margin-block-start: .6rem;
      border: 1px solid var(--_edge); border-radius: var(--_radius); background: var(--_field);
    }
    .action:hover { background: var(--_hover); }
    @media (prefers-reduced-motion: no-preference) { .results { transition: opacity .15s .1s; } }
    @media (prefers-contrast: more) { .root { --_quiet: var(--_ink); --_rule: var(--_ink); --_edge: var(--_ink); } }
    @media (forced-colors: active) {
      mark { forced-color-adjust: none; background: Mark; color: MarkText; }
      .suggestion[aria-selected=true] { outline: 2px solid Highlight; outline-offset: -2px; }
    }
    @media print { search, .action { display: none; } }
  `;
  let sheet; // one for all elements of a page

  /** An element with attributes and children; strings become text nodes, what is false or empty is left out. */
  function make(tag, attributes = {}, ...children) {
    const node = tag === "svg" || tag === "path"
      ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value || value === 0) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(Boolean));
    return node;
  }

  /** The one place where marks are made: `text` cut at `spans`, which count code points as Python does. */
  function marked(text, spans, tag = "mark", part = "mark") {
    const letters = Array.from(String(text ?? ""));
    const found = document.createDocumentFragment();
    let place = 0;
    for (const [from, to] of [...(spans ?? [])].sort((a, b) => a[0] - b[0])) {
      const start = Math.max(from, place), end = Math.min(to, letters.length);
      if (!(start < end)) continue;
      found.append(letters.slice(place, start).join(""), make(tag, { part }, letters.slice(start, end).join("")));
      place = end;
    }
    found.append(letters.slice(place).join(""));
    return found;
  }

  /** An address that may be linked to or asked, as a URL: http or https; null for any other. */
  function web(address, base = document.baseURI) {
    try {
      const url = new URL(address, base);
      return url.protocol === "http:" || url.protocol === "https:" ? url : null;
    } catch {
      return null;
    }
  }

  /** A text as it stands in an address, the slashes of an id kept. */
  const encode = (text) => encodeURIComponent(String(text).toWellFormed()).replaceAll("%2F", "/");

  /** A language tag as the lang attribute takes it, or null. */
  const tag = (language) => {
    try {
      return Intl.getCanonicalLocales(language.replaceAll("_", "-"))[0];
    } catch {
      return null;
    }
  };

  class NutgrafSearch extends HTMLElement {
    static formAssociated = true;
    static observedAttributes = [...Object.keys(MIRRORED), "query", "lang"];

    #internals = this.attachInternals();
    #parts = {}; // the nodes that stay, by name
    #query = "";
    #without = []; // parameters of src that a relaxation leaves out
    #answers = []; // what is shown, page after page
    #options = []; // the suggestions that are shown
    #active = -1; // which of them the arrows have reached
    #targets = new WeakMap(); // link -> what it leads to
    #timer = 0;
    #searching = null; // the AbortController of the request in progress
    #suggesting = null;
    #again = null; // what "try again" does
    #queued = false;
    #texts = {}; // the host's own words
    #words = ENGLISH;
    #language = "en";

    constructor() {
      super();
      if (!sheet) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
      }
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      this.#build(root);
    }

    // — properties

    /** What stands in the box. Setting it searches; typing does not change the attribute, as with <input>. */
    get query() { return this.#query; }
    set query(value) {
      const text = String(value ?? "").slice(0, MAX_QUERY);
      if (text === this.#query) return;
      this.#parts.input.value = text;
      this.#typed(text);
      this.#close();
      this.#later();
    }
    get value() { return this.query; }
    set value(value) { this.query = value; }
    /** The API's last answer, or null. */
    get results() { return this.#answers.at(-1) ?? null; }
    /** Words that replace the element's own, by name: { more: "Show more", count: { one: …, other: … } }. */
    get texts() { return this.#texts; }
    set texts(value) { this.#texts = value ?? {}; this.#reword(); }
    get form() { return this.#internals.form; }

    // Not delegatesFocus: with it a tap on any text of a result would open the keyboard of a phone.
    focus(options) { this.#parts.input.focus(options); }

    /** Searches at once for `query`, or again for what stands in the box. */
    search(query = this.#query) {
      const text = String(query ?? "").slice(0, MAX_QUERY);
      this.#parts.input.value = text;
      if (text !== this.#query) this.#typed(text);
      this.#close();
      return this.#search();
    }

    /** Empties the box and takes the results away. */
    clear() { return this.search(""); }

    // — life in the page

    connectedCallback() {
      // Properties that were set before the script was there hide the accessors of the class.
      for (const name of [...Object.keys(MIRRORED), "query", "value", "texts"]) {
        if (!Object.hasOwn(this, name)) continue;
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
      this.#reword();
      if (this.#query.trim() && !this.#answers.length) this.#later();
    }

    disconnectedCallback() {
      this.#stop();
      this.#close();
      this.#answers = []; // Whatever was on its way is asked for again where the element is put next.
    }

    attributeChangedCallback(name, before, now) {
      if (before === now) return;
      if (name === "query") this.query = now;
      else if (name === "src" || name === "limit" || name === "sort") this.#later();
      else this.#reword();
    }

    formDisabledCallback(disabled) { this.#parts.input.disabled = this.#parts.clear.disabled = disabled; }
    formResetCallback() { this.query = this.getAttribute("query"); }
    formStateRestoreCallback(state) { this.query = state; }

    // — the shadow tree

    #build(root) {
      const parts = this.#parts;
      const slot = (name, ...children) => make("slot", { name }, ...children);
      parts.words = new Text();
      parts.label = make("label", { id: "label", for: "input", part: "label" }, slot("label", parts.words));
      parts.input = make("input", {
        id: "input", part: "input", role: "combobox", type: "text", inputmode: "search", enterkeyhint: "search", dir: "auto",
        maxlength: MAX_QUERY, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "suggestions",
      });
      parts.clear = make("button", { class: "clear", part: "clear", type: "button", hidden: true }, "×");
      parts.list = make("ul", { id: "suggestions", class: "suggestions", part: "suggestions", role: "listbox", hidden: true });
      const icon = make("svg", { class: "icon", part: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" },
        make("path", { d: "M13 8a5 5 0 1 1-10 0a5 5 0 1 1 10 0M12 12l5 5" }));
      parts.status = make("p", { class: "status", part: "status", role: "status" });
      parts.before = slot("before");
      parts.notes = make("ul", { class: "notes", part: "notes", hidden: true });
      parts.hits = make("ol", { class: "results", part: "results" });
      parts.empty = slot("empty");
      parts.empty.hidden = true;
      parts.ways = make("div", { class: "ways" });
      parts.moreWords = new Text();
      parts.more = make("button", { class: "action", part: "more", type: "button", hidden: true }, slot("more", parts.moreWords));
      parts.retryWords = new Text();
      parts.detail = make("p", { class: "note", part: "error", dir: "auto", lang: "en" });
      parts.retry = make("button", { class: "action", part: "retry", type: "button" }, slot("retry", parts.retryWords));
      parts.error = make("div", { hidden: true }, parts.detail, parts.retry);
      parts.root = make("div", { class: "root", part: "root" },
        make("search", { role: "search", part: "search", "aria-labelledby": "label" }, parts.label,
          make("div", { class: "box", part: "box" }, parts.input, icon, parts.clear, parts.list)),
        parts.status, parts.before, parts.notes, parts.ways, parts.empty, parts.hits, parts.more, parts.error);
      root.append(parts.root);

      const { input, list } = parts;
      input.addEventListener("input", (event) => event.isComposing || this.#input());
      input.addEventListener("compositionend", () => this.#input());
      input.addEventListener("keydown", (event) => this.#key(event));
      input.addEventListener("blur", () => this.#close());
      // The focus stays in the box while a suggestion is clicked.
      list.addEventListener("mousedown", (event) => event.preventDefault());
      list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.#take([...list.children].indexOf(option));
      });
      parts.clear.addEventListener("click", () => { this.clear(); input.focus(); });
      parts.more.addEventListener("click", () => this.#search({ cursor: this.results?.cursor }));
      parts.retry.addEventListener("click", () => { input.focus(); this.#again?.(); });
      parts.root.addEventListener("click", (event) => {
        const target = this.#targets.get(event.target.closest?.("a"));
        if (target && !this.#tell("select", target, true)) event.preventDefault();
      });
    }

    /** Puts the words of the language, or the host's, wherever words stand. */
    #reword() {
      const wanted = this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language;
      const primary = wanted.toLowerCase().split(/[-_]/)[0];
      this.#language = primary in TEXTS ? (tag(wanted) ?? primary) : "en";
      const own = TEXTS[primary in TEXTS ? primary : "en"];
      this.#words = { ...own, ...this.#texts };
      const { root, input, clear, list, words, moreWords, retryWords } = this.#parts;
      root.lang = this.#language;
      // A host that says nothing of direction gets that of the language; any other is inherited.
      if (own === TEXTS.ar && !this.closest("[dir]")) root.dir = "rtl";
      else root.removeAttribute("dir");
      words.data = this.getAttribute("label") ?? this.#words.label;
      moreWords.data = this.#words.more;
      retryWords.data = this.#words.retry;
      clear.setAttribute("aria-label", this.#words.clear);
      list.setAttribute("aria-label", this.#words.suggestions);
      input.placeholder = this.getAttribute("placeholder") ?? "";
      if (this.#answers.length) this.#draw();
    }

    /** The text `name` with the form that the number `n` asks for, `{n}` in the digits of the language. */
    #text(name, n) {
      let text = this.#words[name];
      if (typeof text === "object") text = text[new Intl.PluralRules(this.#language).select(n)] ?? text.other;
      return n === undefined ? text : text.replace("{n}", this.#digits(n));
    }

    #digits(n) { return new Intl.NumberFormat(this.#language).format(n); }

    /** A text as nodes, with `node` in place of its placeholder. */
    #around(name, node) {
      const [before, after = ""] = this.#words[name].split(/\{\w+\}/);
      return [before, node, after];
    }

    /** Whether the event was let pass. */
    #tell(name, detail, cancelable) {
      return this.dispatchEvent(new CustomEvent(`nutgraf-${name}`, { detail, bubbles: true, composed: true, cancelable }));
    }

    // — typing

    #typed(text) {
      this.#query = text;
      this.#without = [];
      this.#internals.setFormValue(text);
      this.#parts.clear.hidden = !text;
      // Those that are seen stay until the next ones come; those that were put away are out of date.
      if (this.#parts.list.hidden) this.#options = [];
      this.#reach(-1);
    }

    #input() {
      const text = this.#parts.input.value;
      if (text === this.#query) return;
      this.#typed(text);
      this.#stop();
      if (!text.trim()) this.search(text);
      else this.#timer = setTimeout(() => { this.#suggest(); this.#search(); }, DEBOUNCE);
    }

    #key(event) {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const open = !this.#parts.list.hidden, last = this.#options.length - 1;
      switch (event.key) {
        case "ArrowDown":
          if (last < 0) return;
          if (!open) this.#open();
          if (!event.altKey) this.#reach(this.#active < last ? this.#active + 1 : -1);
          break;
        case "ArrowUp":
          if (last < 0) return;
          if (event.altKey) this.#close();
          else {
            if (!open) this.#open();
            this.#reach(this.#active < 0 ? last : this.#active - 1);
          }
          break;
        case "Enter":
          if (open && this.#active >= 0) this.#take(this.#active);
          else this.search();
          break;
        case "Escape":
          // What is left to neither is the host's: a dialog that closes.
          if (open) this.#close();
          else if (this.#query) this.clear();
          else return;
          event.stopPropagation();
          break;
        default:
          if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) this.#reach(-1);
          return;
      }
      event.preventDefault();
    }

    // — suggestions

    async #suggest() {
      this.#suggesting?.abort();
      const limit = this.suggestions, { input, list } = this.#parts;
      if (!limit) return;
      const asked = (this.#suggesting = new AbortController());
      let found;
      try {
        found = (await this.#ask("suggest", { q: this.#query, limit }, asked.signal)).suggestions;
      } catch {
        // Nothing is lost without them; an error is shown where results are.
      }
      if (asked.signal.aborted) return;
      this.#options = Array.isArray(found) ? found.slice(0, limit) : [];
      list.replaceChildren(...this.#options.map((option, n) => make("li",
        { role: "option", id: `option-${n}`, class: "suggestion", part: "suggestion", "aria-selected": "false" },
        make("span", { dir: "auto", class: option.kind === "title" && "title-suggestion" }, marked(option.text, option.spans, "b", "added")),
        option.kind !== "title" && make("span", { class: "count", part: "count" }, this.#digits(option.count)))));
      if (this.shadowRoot.activeElement === input) this.#open();
    }

    #open() {
      const shown = this.#options.length > 0;
      this.#parts.list.hidden = !shown;
      this.#parts.input.setAttribute("aria-expanded", String(shown));
      this.#reach(-1);
    }

    #close() {
      const { input, list } = this.#parts;
      this.#suggesting?.abort();
      this.#reach(-1);
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
    }

    /** Makes the suggestion `place` the active one; -1 goes back to the text. */
    #reach(place) {
      const { input, list } = this.#parts;
      list.children[this.#active]?.setAttribute("aria-selected", "false");
      this.#active = place;
      const option = list.children[place];
      if (!option) return input.removeAttribute("aria-activedescendant");
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    }

    /** A word or phrase is searched for, a title opens its article. */
    #take(place) {
      const option = this.#options[place];
      if (option.kind === "title" && option.article) {
        const url = this.#link({ id: option.article }, "", "");
        this.#close();
        if (!this.#tell("select", { id: option.article, url, hit: null, passage: null }, true) || !url) return;
        make("a", { href: url, target: this.getAttribute("target"), rel: "noopener" }).click();
      } else this.search(option.text);
    }

    // — searching

    #stop() {
      clearTimeout(this.#timer);
      this.#searching?.abort();
      this.#searching = null;
      this.#suggesting?.abort();
      this.#parts.hits.removeAttribute("aria-busy");
    }

    /** Searches once, however many properties and attributes are set in one go. */
    #later() {
      if (this.#queued || !this.isConnected) return;
      this.#queued = true;
      queueMicrotask(() => {
        this.#queued = false;
        if (this.isConnected) this.#search();
      });
    }

    #api() { return web((this.getAttribute("src") || "x:").replace(/\/*(?=$|[?#])/, "/")); }

    async #ask(name, parameters, signal) {
      const api = this.#api();
      if (!api) throw { detail: "src: the http or https address of an API is wanted" };
      const url = new URL(name, api);
      // What stands in src narrows every search: src="…/api?source=wire&language=en". Suggestions know nothing of it.
      for (const [key, value] of name === "search" ? api.searchParams : []) {
        if (!this.#without.includes(key)) url.searchParams.append(key, value);
      }
      for (const [key, value] of Object.entries(parameters)) if (value) url.searchParams.set(key, value);
      const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
      const answer = await response.json().catch(() => null);
      if (response.ok && answer && typeof answer === "object") return answer;
      throw { status: response.status, detail: answer?.detail };
    }

    async #search({ cursor } = {}) {
      clearTimeout(this.#timer);
      this.#searching?.abort();
      const { hits, status } = this.#parts, query = this.#query;
      this.#again = () => this.#search({ cursor });
      if (!query.trim()) {
        this.#answers = [];
        return this.#draw();
      }
      if (!this.#tell("search", { query, sort: this.sort, cursor: cursor ?? null }, true)) return;
      const asked = (this.#searching = new AbortController());
      hits.setAttribute("aria-busy", "true");
      try {
        const sort = this.sort === "relevance" ? "" : this.sort;
        const page = await this.#ask("search", { q: query, limit: this.limit, sort, cursor }, asked.signal);
        if (asked.signal.aborted) return;
        if (!Array.isArray(page.hits)) throw {};
        const shown = cursor ? hits.children.length : 0;
        this.#answers = cursor ? [...this.#answers, page] : [page];
        // A host that prevents this draws the answer itself.
        if (!this.#tell("results", { query, page, more: Boolean(cursor) }, true)) this.#answers = [];
        this.#draw(shown);
        if (cursor) hits.children[shown]?.querySelector("a")?.focus();
      } catch (failure) {
        if (asked.signal.aborted) return;
        this.#fail(failure, Boolean(cursor));
      } finally {
        if (this.#searching === asked) {
          this.#searching = null;
          hits.removeAttribute("aria-busy");
        }
      }
    }

    #fail(failure, keep) {
      const { status, error, detail, more } = this.#parts;
      if (!keep) {
        this.#answers = [];
        this.#draw();
      }
      more.hidden = true;
      error.hidden = false;
      status.textContent = this.#words.failed;
      // What the API says helps, in English; what a browser says of a network does not.
      detail.textContent = failure.detail ?? "";
      detail.hidden = !failure.detail;
      this.#tell("error", { query: this.#query, status: failure.status ?? 0, message: String(failure.detail ?? failure.message ?? "") }, false);
    }

    // — results

    /** Shows what was answered; the first hits stay as they are, if so many are `kept`. */
    #draw(kept = 0) {
      const { hits, status, before, empty, ways, notes, more, error } = this.#parts;
      const [first] = this.#answers, page = this.results;
      error.hidden = true;
      before.hidden = Boolean(this.#query.trim());
      if (!kept) hits.replaceChildren();
      const fresh = kept ? this.#answers.slice(-1) : this.#answers;
      hits.append(...fresh.flatMap((answer) => answer.hits.map((hit) => this.#hit(hit, answer.query))));
      empty.hidden = !first || first.hits.length > 0;
      more.hidden = !page?.cursor;
      notes.replaceChildren(...(first?.notes ?? []).map((note) => make("li", { class: "note", part: "note", dir: "auto", lang: "en" }, note)));
      notes.hidden = !first?.notes?.length;
      ways.replaceChildren(...(first ? this.#ways(first) : []));
      status.textContent = "";
      if (!first) return;
      const said = [first.total || first.hits.length ? this.#text("count", first.total) : this.#words.none];
      if (first.partial) said.push(this.#text("partial", first.partial));
      if (page.cursor || this.#answers.length > 1) said.push(this.#text("shown", hits.children.length));
      status.textContent = said.join(" · ");
    }

    /** The other searches that may have been meant, and those that ask for less and find something. */
    #ways(page) {
      const other = (part, query, without, ...children) => {
        const button = make("button", { class: part, part, type: "button" }, ...children);
        button.addEventListener("click", () => {
          this.#parts.input.value = query;
          this.#typed(query);
          this.#without = without;
          this.#parts.input.focus();
          this.#search();
        });
        return button;
      };
      const ways = [];
      if (page.did_you_mean) {
        const button = other("meant", page.did_you_mean, [], make("bdi", {}, page.did_you_mean));
        ways.push(make("p", { class: "nothing" }, ...this.#around("meant", button)));
      }
      const end = page.dead_end;
      if (end?.reason) ways.push(make("p", { class: "nothing", part: "reason", lang: "en", dir: "auto" }, end.reason));
      if (end?.relaxations?.length) {
        ways.push(make("ul", { part: "relaxations" },
          ...end.relaxations.map((one) => make("li", {},
            other("relaxation", one.query, one.without ?? [], make("bdi", { lang: "en" }, one.change)),
            " ", make("span", { class: "count", part: "count" }, this.#digits(one.count))))));
      }
      return ways;
    }

    #hit(hit, query) {
      const lang = tag(hit.language), date = hit.published && this.#date(hit.published);
      const title = hit.title?.text ? marked(hit.title.text, hit.title.spans) : this.#words.untitled;
      const missing = hit.missing?.length && make("span", { class: "missing" }, hit.missing.join(", "));
      return make("li", { class: "hit", part: "hit", dir: "auto" },
        make(`h${this.heading}`, { class: "title", part: "title", lang }, this.#anchor("link", title, hit, query)),
        date && make("p", { class: "meta", part: "meta" }, date),
        missing ? make("p", { class: "meta", part: "missing" }, ...this.#around("missing", missing)) : null,
        make("ul", { part: "passages", lang },
          ...(hit.passages ?? []).slice(0, 3).map((passage) => make("li", { dir: "auto" },
            this.#anchor("passage", marked(passage.text, passage.spans), hit, query, passage)))),
        hit.also?.length ? make("details", { class: "also", part: "also" }, make("summary", {}, this.#text("also", hit.also.length)),
          make("ul", {}, ...hit.also.map((one) => make("li", { dir: "auto", lang: tag(one.language) },
            this.#anchor("link", one.title || this.#words.untitled, one, query))))) : null);
    }

    /** A date as exact as it is known, in the words of the language. */
    #date({ value, precision }) {
      // Both readings are UTC, so that nobody's time zone moves a day.
      const moment = new Date(precision === "minute" ? `${value}Z` : value);
      let text = value;
      if (!Number.isNaN(moment.getTime())) {
        const shown = { year: "numeric", timeZone: "UTC", calendar: "gregory" };
        if (precision !== "year") shown.month = "long";
        if (precision === "day" || precision === "minute") shown.day = "numeric";
        if (precision === "minute") shown.hour = shown.minute = "2-digit";
        text = new Intl.DateTimeFormat(this.#language, shown).format(moment);
      }
      return make("time", { class: "date", part: "date", datetime: value, dir: "auto" }, text);
    }

    /** A link to an article or a passage of it; its text alone where there is no address to link to. */
    #anchor(part, content, hit, query, passage = null) {
      const url = this.#link(hit, query, passage?.anchor ?? "");
      const node = make(url ? "a" : "span", { class: part, part, href: url, target: this.getAttribute("target"), rel: "noopener" }, content);
      if (url) this.#targets.set(node, { id: hit.id, url, hit, passage });
      return node;
    }

    /** The address of an article, by the template `link` or at the archive that src belongs to; null if none. */
    #link({ id, url }, query, anchor) {
      const template = this.getAttribute("link");
      if (template && (url || !template.includes("{url}"))) {
        const values = { id: encode(id), anchor: encode(anchor), query: encode(query), url };
        return web(template.replace(/\{(id|anchor|query|url)\}/g, (_, name) => values[name]))?.href ?? null;
      }
      const page = web("..", this.#api() ?? "x:");
      if (!page) return null;
      // An id that a browser would change when it stands in a path goes into a parameter, as on the page itself.
      const odd = String(id).split("/").some((step) => ["", ".", ".."].includes(step));
      const found = new URL(`a/${odd ? "" : encode(id)}`, page);
      if (odd) found.searchParams.set("id", id);
      if (query) found.searchParams.set("q", query);
      found.hash = anchor;
      return found.href;
    }
  }

  for (const [name, [otherwise, least, most]] of Object.entries(MIRRORED)) {
    Object.defineProperty(NutgrafSearch.prototype, name, {
      configurable: true,
      enumerable: true,
      get() {
        const text = this.getAttribute(name) ?? "";
        if (name === "sort") return SORTS.includes(text) ? text : SORTS[0];
        if (least === undefined) return text;
        const number = parseInt(text, 10);
        return Number.isNaN(number) ? otherwise : Math.min(Math.max(number, least), most);
      },
      set(value) {
        if (value === null || value === undefined) this.removeAttribute(name);
        else this.setAttribute(name, value);
      },
    });
  }

  customElements.define(NAME, NutgrafSearch);
})();
