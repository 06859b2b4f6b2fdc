/*! <nutgraf-search src="https://…/api">: the search of a Nutgraf archive in any page. MIT licence.
    One file without dependencies; attributes, slots, parts, properties and events are listed in the guide. */
(() => {
  "use strict";
  const NAME = "nutgraf-search";
  // Nothing to do on a server that renders pages, nor in a second copy of the file.
  if (typeof customElements === "undefined" || customElements.get(NAME)) return;

  const DEBOUNCE = 150; // milliseconds after the last key
  const PAUSE = 1000; // after so many, the last word is taken to be whole
  const MAX_QUERY = 4000; // what the API takes
  const SORTS = ["relevance", "newest", "oldest", "title"];
  // Attributes that are also properties; numbers have a default, a minimum and a maximum.
  const MIRRORED = {
    src: [], link: [], target: [], label: [], placeholder: [], theme: [], name: [], sort: [], meaning: [],
    limit: [10, 1, 100], suggestions: [5, 0, 20], heading: [3, 1, 6],
  };

  // The English texts, marked for extraction; plural forms are named as in Intl.PluralRules.
  const _ = (text) => text;
  const _n = (one, other) => ({ one, other });
  const ENGLISH = {
    label: _("Search the articles"), clear: _("Clear"), suggestions: _("Suggestions"),
    count: _n("{n} article", "{n} articles"), shown: _("{n} of them shown"),
    partial: _n("{n} more has only some of the words", "{n} more have only some of the words"),
    lacking: _("No article has all the words"), some: _n("{n} has some", "{n} have some"),
    nearest: _n("{n} found by its meaning", "{n} found by their meaning"), wordless: _("No article has these words"),
    none: _("No results"),
    meant: _("Did you mean {query}?"), more: _("More"), missing: _("Missing: {words}"), nearby: _("Found by its meaning"),
    also: _n("{n} near-duplicate", "{n} near-duplicates"), untitled: _("Untitled article"),
    failed: _("The search failed."), retry: _("Try again"),
    page: _("page {number}"),
  };
  // Written by `python -m webui.translations`: translations in the order of ENGLISH.
  const TRANSLATIONS = {
    "de": ["Die Artikel durchsuchen","Leeren","Vorschläge",{"other":"{n} Artikel"},"{n} davon gezeigt",{"one":"{n} weiterer enthält nur einige der Wörter","other":"{n} weitere enthalten nur einige der Wörter"},"Kein Artikel enthält alle Wörter",{"one":"{n} enthält einige","other":"{n} enthalten einige"},{"other":"{n} nach der Bedeutung gefunden"},"Kein Artikel enthält diese Wörter","Keine Treffer","Meinten Sie {query}?","Mehr","Es fehlt: {words}","Nach der Bedeutung gefunden",{"one":"{n} Beinahe-Duplikat","other":"{n} Beinahe-Duplikate"},"Artikel ohne Titel","Die Suche ist fehlgeschlagen.","Noch einmal","Seite {number}"],
    "fr": ["Rechercher dans les articles","Effacer","Suggestions",{"one":"{n} article","other":"{n} articles"},"{n} affichés",{"one":"{n} autre ne contient que certains des mots","other":"{n} autres ne contiennent que certains des mots"},"Aucun article ne contient tous les mots",{"one":"{n} en contient certains","other":"{n} en contiennent certains"},{"one":"{n} trouvé par son sens","other":"{n} trouvés par leur sens"},"Aucun article ne contient ces mots","Aucun résultat","Vouliez-vous dire {query} ?","Suite","Absent : {words}","Trouvé par son sens",{"one":"{n} quasi-doublon","other":"{n} quasi-doublons"},"Article sans titre","La recherche a échoué.","Réessayer","page {number}"],
    "es": ["Buscar en los artículos","Borrar","Sugerencias",{"one":"{n} artículo","other":"{n} artículos"},"se muestran {n}",{"one":"{n} más solo tiene algunas de las palabras","other":"{n} más solo tienen algunas de las palabras"},"Ningún artículo tiene todas las palabras",{"one":"{n} tiene algunas","other":"{n} tienen algunas"},{"one":"{n} encontrado por su significado","other":"{n} encontrados por su significado"},"Ningún artículo tiene estas palabras","Sin resultados","¿Quiso decir {query}?","Más","Falta: {words}","Encontrado por su significado",{"one":"{n} casi duplicado","other":"{n} casi duplicados"},"Artículo sin título","La búsqueda ha fallado.","Intentar de nuevo","página {number}"],
    "ar": ["البحث في المقالات","امسح","اقتراحات",{"one":"مقالة واحدة","two":"مقالتان","few":"{n} مقالات","other":"{n} مقالة"},"المعروض منها {n}",{"one":"واحدة أخرى فيها بعض الكلمات فقط","two":"اثنتان أخريان فيهما بعض الكلمات فقط","other":"{n} أخرى فيها بعض الكلمات فقط"},"لا توجد مقالة فيها كل الكلمات",{"one":"واحدة فيها بعضها","two":"اثنتان فيهما بعضها","other":"{n} فيها بعضها"},{"one":"واحدة وُجدت بمعناها","two":"اثنتان وُجدتا بمعناهما","other":"{n} وُجدت بمعناها"},"لا توجد مقالة فيها هذه الكلمات","لا توجد نتائج","هل تقصد {query}؟","المزيد","غير موجود: {words}","وُجدت بمعناها",{"one":"نسخة شبه مكررة واحدة","two":"نسختان شبه مكررتين","few":"{n} نسخ شبه مكررة","other":"{n} نسخة شبه مكررة"},"مقالة بلا عنوان","فشل البحث.","أعد المحاولة","صفحة {number}"],
    "zh": ["搜索文章","清除","建议",{"other":"{n} 篇文章"},"已显示 {n} 篇",{"other":"另有 {n} 篇仅包含部分词语"},"没有文章包含所有词语",{"other":"{n} 篇包含部分词语"},{"other":"{n} 篇按含义找到"},"没有文章包含这些词语","没有结果","您是不是要找 {query}？","更多","缺少：{words}","按含义找到",{"other":"{n} 篇近似重复的文章"},"无标题文章","搜索失败。","重试","第 {number} 页"]
  };
  const TEXTS = { en: ENGLISH };
  for (const [language, texts] of Object.entries(TRANSLATIONS)) {
    TEXTS[language] = Object.fromEntries(Object.keys(ENGLISH).map((name, place) => [name, texts[place]]));
  }

  // Slots inherit custom properties: those of the element begin with --_, so that none of the host's is overwritten.
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
      --_hover: var(--nutgraf-hover, light-dark(#f3ead6, #262219));
      --_mark: var(--nutgraf-mark, light-dark(#ffe9a3, #57420a));
      --_mark-line: var(--nutgraf-mark-line, light-dark(#a86a00, #e5b23c));
      --_font: var(--nutgraf-font, system-ui, "Segoe UI", "Noto Sans", sans-serif);
      --_serif: var(--nutgraf-font-text, "Iowan Old Style", Charter, Palatino, "Noto Serif", Georgia, serif);
      --_radius: var(--nutgraf-radius, 4px);
      /* Nothing is inherited from the host, except what hides or disables the element. */
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
    .field { display: block; }
    label, .status, .meta, .byline, .page, .field, .notes, .note, .also { font: .875rem/1.5 var(--_font); color: var(--_quiet); }
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
    .suggestion[aria-selected=true] { outline: 2px solid var(--_link); outline-offset: -2px; }
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
    .meant, .alternative { color: var(--_link); text-decoration: underline; text-underline-offset: .16em; text-align: start; min-block-size: 1.5rem; }
    .action {
      font: 600 1rem/1.4 var(--_font); min-block-size: 2.75rem; padding: .4rem 1.2rem; margin-block-start: .6rem;
      border: 1px solid var(--_edge); border-radius: var(--_radius); background: var(--_field);
    }
    .action:hover { background: var(--_hover); }
    @media (prefers-reduced-motion: no-preference) { .results { transition: opacity .15s .1s; } }
    @media (prefers-contrast: more) { .root { --_quiet: var(--_ink); --_rule: var(--_ink); --_edge: var(--_ink); } }
    @media (forced-colors: active) { mark { forced-color-adjust: none; background: Mark; color: MarkText; } }
    @media print { search, .action { display: none; } }
  `;
  let sheet; // one for all elements of a page

  /** An element with attributes and children; those that are false or empty are left out. A part is a class as well. */
  function make(tag, attributes = {}, ...children) {
    const node = tag === "svg" || tag === "path"
      ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries({ class: attributes.part, ...attributes })) {
      if (value || value === 0) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(Boolean));
    return node;
  }

  /** `text` with the parts at `spans` highlighted. Spans count code points, as in Python. */
  function marked(text, spans, tag = "mark", part = "mark") {
    const letters = Array.from(String(text ?? ""));
    const found = document.createDocumentFragment();
    let place = 0;
    for (const [start, end] of spans ?? []) {
      found.append(letters.slice(place, start).join(""), make(tag, { part }, letters.slice(start, end).join("")));
      place = end;
    }
    found.append(letters.slice(place).join(""));
    return found;
  }

  /** A URL if `address` is http or https, else null. */
  function web(address, base = document.baseURI) {
    try {
      const url = new URL(address, base);
      return url.protocol === "http:" || url.protocol === "https:" ? url : null;
    } catch {
      return null;
    }
  }

  /** Percent-encoded, except slashes. */
  const encode = (text) => encodeURIComponent(String(text).toWellFormed()).replaceAll("%2F", "/");

  /** A valid language tag, or null. */
  const tag = (language) => {
    try {
      return Intl.getCanonicalLocales(language.replaceAll("_", "-"))[0];
    } catch {
      return null;
    }
  };

  /** A text box with a list of suggestions, none of them active until the reader moves there (WAI-ARIA APG).
      `on` has the functions edit(text), called on each change; rest(prefix), when typing pauses, and again without
      `prefix` once the last word is whole; suggest(text, signal), a promise of suggestions; pick(suggestion); clear();
      perhaps enter() and show(suggestion), the nodes of an option. If edit or rest return false, nothing follows. The
      search page uses this class, too. */
  class Combobox {
    #input;
    #list;
    #on;
    #suggestions = [];
    #active = -1; // the suggestion that the arrows have reached
    #timer = 0;
    #pause = 0; // the timer after which the last word is whole
    #request = null; // the AbortController of the suggestions on their way

    constructor(input, list, on) {
      this.#input = input;
      this.#list = list;
      this.#on = on;
      const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
      for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
      list.setAttribute("role", "listbox");
      list.hidden = true;
      // While a syllable is being composed, the text is not yet a query.
      input.addEventListener("input", (event) => event.isComposing || this.#edit());
      input.addEventListener("compositionend", () => this.#edit());
      input.addEventListener("keydown", (event) => this.#key(event));
      input.addEventListener("blur", () => this.close());
      // The focus stays in the box while a suggestion is clicked.
      list.addEventListener("mousedown", (event) => event.preventDefault());
      list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.#pick([...list.children].indexOf(option));
      });
    }

    get isOpen() { return !this.#list.hidden; }

    close() {
      this.#request?.abort();
      this.#setOpen(false);
    }

    /** Closes the list, and forgets the last keys. */
    cancel() {
      this.#stopTimers();
      this.close();
    }

    #stopTimers() {
      clearTimeout(this.#timer);
      clearTimeout(this.#pause);
      this.#timer = 0;
    }

    /** For a new text: suggestions in sight stay until the next ones come, hidden ones are dropped. */
    reset() {
      if (!this.isOpen) this.#fill([]);
      this.#reach(-1);
    }

    #fill(suggestions) {
      this.#suggestions = suggestions;
      this.#list.replaceChildren(...suggestions.map((suggestion, place) => make("li",
        { role: "option", id: `suggestion-${place}`, part: "suggestion", dir: "auto", "aria-selected": "false" },
        ...(this.#on.show?.(suggestion) ?? [marked(suggestion.text, suggestion.spans, "b", "added")]))));
    }

    #setOpen(isOpen) {
      this.#reach(-1);
      this.#list.hidden = !isOpen;
      this.#input.setAttribute("aria-expanded", String(isOpen));
    }

    /** Makes the suggestion at `place` the active one; -1 goes back to the text. */
    #reach(place) {
      this.#list.children[this.#active]?.setAttribute("aria-selected", "false");
      this.#active = place;
      const option = this.#list.children[place];
      if (!option) return this.#input.removeAttribute("aria-activedescendant");
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.#input.setAttribute("aria-activedescendant", option.id);
    }

    #pick(place) {
      const suggestion = this.#suggestions[place];
      this.cancel();
      this.reset();
      this.#on.pick(suggestion);
    }

    #edit() {
      this.#stopTimers();
      this.#request?.abort();
      this.reset();
      if (this.#on.edit(this.#input.value) === false) return;
      const prefix = /\S$/.test(this.#input.value);
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        if (this.#on.rest(prefix) !== false) this.#suggest();
      }, DEBOUNCE);
      if (prefix) this.#pause = setTimeout(() => this.#on.rest(false), PAUSE);
    }

    async #suggest() {
      this.#request?.abort();
      const request = (this.#request = new AbortController()), text = this.#input.value;
      let found;
      try {
        if (text.trim()) found = await this.#on.suggest(text, request.signal);
      } catch {
        // Without suggestions nothing is lost: the search itself reports the error.
      }
      if (request.signal.aborted) return;
      this.#fill(Array.isArray(found) ? found : []);
      this.#setOpen(this.#suggestions.length > 0 && this.#input.getRootNode().activeElement === this.#input);
    }

    #key(event) {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const last = this.#suggestions.length - 1;
      switch (event.key) {
        case "ArrowDown":
        case "ArrowUp": {
          if (last < 0) return;
          const isDown = event.key === "ArrowDown";
          if (event.altKey || !this.isOpen) this.#setOpen(isDown || !event.altKey);
          // The text itself is one stop on the way round.
          if (!event.altKey) this.#reach(((this.#active + (isDown ? 2 : last + 2)) % (last + 2)) - 1);
          break;
        }
        case "Enter":
          if (this.isOpen && this.#active >= 0) this.#pick(this.#active);
          else if (this.#on.enter) this.#on.enter();
          else return;
          break;
        case "Escape":
          if (this.isOpen) {
            this.close();
            // The reader puts away the suggestions, not the results.
            if (this.#timer) this.#on.rest(true);
            clearTimeout(this.#timer);
            this.#timer = 0;
          } else if (this.#input.value) {
            this.cancel();
            this.#on.clear();
          } else return; // left to the host: a dialog that closes
          event.stopPropagation();
          break;
        default:
          if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) this.#reach(-1);
          return;
      }
      event.preventDefault();
    }
  }

  class NutgrafSearch extends HTMLElement {
    static Combobox = Combobox;
    static formAssociated = true;
    static observedAttributes = [...Object.keys(MIRRORED), "query", "lang"];

    #internals = this.attachInternals();
    #parts = {}; // the nodes that stay, by name
    #query = "";
    #without = []; // parameters of src that an alternative search leaves out
    #answers = []; // what is shown, page after page
    #results = null; // the last answer, shown or not
    #prefix = false; // whether the last word was still being typed
    #combobox;
    #targets = new WeakMap(); // link -> what it leads to
    #searching = null; // the AbortController of the request in progress
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

    /** The text of the box. Setting it searches; typing does not change the attribute, as with <input>. */
    get query() { return this.#query; }
    set query(value) {
      const text = String(value ?? "").slice(0, MAX_QUERY);
      if (text === this.#query) return;
      this.#parts.input.value = text;
      this.#setQuery(text);
      this.#combobox.cancel();
      this.#later();
    }
    get value() { return this.query; }
    set value(value) { this.query = value; }
    /** The last answer of the API, or null. */
    get results() { return this.#results; }
    /** Words that replace the element's own, by name: { more: "Show more", count: { one: …, other: … } }. */
    get texts() { return this.#texts; }
    set texts(value) { this.#texts = value ?? {}; this.#reword(); }
    /** Whether the box is disabled by the attribute; a disabled fieldset disables it, too. */
    get disabled() { return this.hasAttribute("disabled"); }
    set disabled(value) { this.toggleAttribute("disabled", Boolean(value)); }
    get form() { return this.#internals.form; }

    // Not delegatesFocus: a tap on the text of a result would open the keyboard of a phone.
    focus(options) { this.#parts.input.focus(options); }

    /** Searches at once. */
    search(query = this.#query) {
      const text = String(query ?? "").slice(0, MAX_QUERY);
      this.#parts.input.value = text;
      if (text !== this.#query) this.#setQuery(text);
      this.#combobox.cancel();
      return this.#search();
    }

    /** Empties the box and removes the results. */
    clear() { return this.search(""); }

    connectedCallback() {
      // Properties that were set before the script was loaded hide the accessors of the class.
      for (const name of [...Object.keys(MIRRORED), "query", "value", "texts", "disabled"]) {
        if (!Object.hasOwn(this, name)) continue;
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
      this.#reword();
      if (this.#query.trim() && !this.#results) this.#later();
    }

    disconnectedCallback() {
      this.#stop();
      this.#combobox.cancel();
      this.#empty(); // Searched for again when the element is put back.
    }

    attributeChangedCallback(name, before, now) {
      if (before === now) return;
      if (name === "query") this.query = now;
      else if (name === "src" || name === "limit" || name === "sort" || name === "meaning") this.#later();
      else this.#reword();
    }

    formDisabledCallback(disabled) { this.#parts.input.disabled = this.#parts.clear.disabled = disabled; }
    formResetCallback() { this.query = this.getAttribute("query"); }
    formStateRestoreCallback(state) { this.query = state; }

    #build(root) {
      const parts = this.#parts;
      const slot = (name, ...children) => make("slot", { name }, ...children);
      parts.words = new Text();
      parts.label = make("label", { id: "label", for: "input", part: "label" }, slot("label", parts.words));
      parts.input = make("input", {
        id: "input", part: "input", type: "text", inputmode: "search", enterkeyhint: "search", dir: "auto",
        maxlength: MAX_QUERY, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      });
      parts.clear = make("button", { part: "clear", type: "button", hidden: true }, "×");
      parts.list = make("ul", { id: "suggestions", part: "suggestions" });
      const icon = make("svg", { part: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" },
        make("path", { d: "M13 8a5 5 0 1 1-10 0a5 5 0 1 1 10 0M12 12l5 5" }));
      parts.status = make("p", { part: "status", role: "status" });
      parts.before = slot("before");
      parts.notes = make("ul", { part: "notes", hidden: true });
      parts.hits = make("ol", { part: "results" });
      parts.empty = slot("empty");
      parts.empty.hidden = true;
      parts.ways = make("div");
      parts.moreWords = new Text();
      parts.more = make("button", { class: "action", part: "more", type: "button", hidden: true }, slot("more", parts.moreWords));
      parts.retryWords = new Text();
      parts.detail = make("p", { class: "note", part: "error", dir: "auto", lang: "en" });
      parts.retry = make("button", { class: "action", part: "retry", type: "button" }, slot("retry", parts.retryWords));
      parts.error = make("div", { hidden: true }, parts.detail, parts.retry);
      parts.root = make("div", { part: "root" },
        make("search", { role: "search", part: "search", "aria-labelledby": "label" }, parts.label,
          make("div", { part: "box" }, parts.input, icon, parts.clear, parts.list)),
        parts.status, parts.before, parts.notes, parts.ways, parts.empty, parts.hits, parts.more, parts.error);
      root.append(parts.root);

      const { input } = parts;
      this.#combobox = new Combobox(input, parts.list, {
        edit: (text) => {
          this.#setQuery(text);
          this.#stop();
          if (text.trim()) return true;
          this.search(text);
          return false;
        },
        rest: (prefix) => {
          // Results that have the focus are not replaced.
          if (prefix || !parts.hits.contains(root.activeElement)) this.#search({ prefix });
        },
        suggest: async (text, signal) => this.suggestions
          && (await this.#ask("suggest", { q: text, limit: this.suggestions }, signal)).suggestions?.slice(0, this.suggestions),
        show: ({ text, kind, spans, count }) => [
          make("span", { dir: "auto", class: kind === "title" && "title-suggestion" }, marked(text, spans, "b", "added")),
          kind !== "title" && make("span", { part: "count" }, this.#digits(count)),
        ],
        pick: (suggestion) => this.#pick(suggestion),
        enter: () => this.search(),
        clear: () => this.clear(),
      });
      parts.clear.addEventListener("click", () => { this.clear(); input.focus(); });
      parts.more.addEventListener("click", () => this.#search({ cursor: this.results?.cursor, prefix: this.#prefix }));
      parts.retry.addEventListener("click", () => { input.focus(); this.#again?.(); });
      parts.root.addEventListener("click", (event) => {
        const target = this.#targets.get(event.target.closest?.("a"));
        if (target && !this.#tell("select", target, true)) event.preventDefault();
      });
    }

    /** Sets all words, in the language of the element or as given by the host. */
    #reword() {
      const wanted = this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language;
      const primary = wanted.toLowerCase().split(/[-_]/)[0];
      this.#language = primary in TEXTS ? (tag(wanted) ?? primary) : "en";
      const own = TEXTS[primary in TEXTS ? primary : "en"];
      this.#words = { ...own, ...this.#texts };
      const { root, input, clear, list, words, moreWords, retryWords } = this.#parts;
      root.lang = this.#language;
      // The direction of the language, unless the host states one.
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

    /** The text `name`, in its plural form for `n`. */
    #text(name, n) {
      let text = this.#words[name];
      if (typeof text === "object") text = text[new Intl.PluralRules(this.#language).select(n)] ?? text.other;
      return n === undefined ? text : text.replace("{n}", this.#digits(n));
    }

    #digits(n) { return new Intl.NumberFormat(this.#language).format(n); }

    /** The text `name` as nodes, with `node` as its placeholder. */
    #around(name, node) {
      const [before, after = ""] = this.#words[name].split(/\{\w+\}/);
      return [before, node, after];
    }

    /** Dispatches an event; false if the host prevented it. */
    #tell(name, detail, cancelable) {
      return this.dispatchEvent(new CustomEvent(`nutgraf-${name}`, { detail, bubbles: true, composed: true, cancelable }));
    }

    #setQuery(text) {
      this.#query = text;
      this.#without = [];
      this.#internals.setFormValue(text);
      this.#parts.clear.hidden = !text;
      this.#combobox.reset();
    }

    /** Searches for a word or phrase that was suggested, opens the article whose title was suggested. */
    #pick({ kind, text, article }) {
      if (kind !== "title" || !article) return this.search(text);
      const url = this.#link({ id: article }, "", "");
      if (!this.#tell("select", { id: article, url, hit: null, passage: null }, true) || !url) return;
      make("a", { href: url, target: this.getAttribute("target"), rel: "noopener" }).click();
    }

    #empty() {
      this.#answers = [];
      this.#results = null;
    }

    #stop() {
      this.#searching?.abort();
      this.#searching = null;
      this.#parts.hits.removeAttribute("aria-busy");
    }

    /** Searches once, however many properties and attributes are set together. */
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
      // Parameters of src filter every search, but not suggestions: src="…/api?source=wire&language=en".
      for (const [key, value] of name === "search" ? api.searchParams : []) {
        if (!this.#without.includes(key)) url.searchParams.append(key, value);
      }
      for (const [key, value] of Object.entries(parameters)) if (value) url.searchParams.set(key, value);
      const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
      const answer = await response.json().catch(() => null);
      if (response.ok && answer && typeof answer === "object") return answer;
      throw { status: response.status, detail: answer?.detail };
    }

    async #search({ cursor, prefix = false } = {}) {
      this.#searching?.abort();
      const { hits } = this.#parts, query = this.#query;
      this.#again = () => this.#search({ cursor, prefix });
      if (!query.trim()) {
        this.#empty();
        return this.#draw();
      }
      if (!this.#tell("search", { query, sort: this.sort, cursor: cursor ?? null, prefix }, true)) return;
      const asked = (this.#searching = new AbortController());
      hits.setAttribute("aria-busy", "true");
      try {
        const { limit, sort, meaning } = this;
        const parameters = { q: query, limit, sort, meaning, cursor, prefix: prefix && 1 };
        const page = await this.#ask("search", parameters, asked.signal);
        if (asked.signal.aborted) return;
        if (!Array.isArray(page.hits)) throw {};
        const shown = cursor ? hits.children.length : 0;
        this.#results = page;
        this.#prefix = prefix;
        this.#answers = cursor ? [...this.#answers, page] : [page];
        // A host that prevents this event shows the results itself.
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
        this.#empty();
        this.#draw();
      }
      more.hidden = true;
      error.hidden = false;
      status.textContent = this.#words.failed;
      // Messages of the API help the reader, those of the browser do not.
      detail.textContent = failure.detail ?? "";
      detail.hidden = !failure.detail;
      this.#tell("error", { query: this.#query, status: failure.status ?? 0, message: String(failure.detail ?? failure.message ?? "") }, false);
    }

    /** Shows the answers; the first `kept` hits stay as they are. */
    #draw(kept = 0) {
      const { hits, status, before, empty, ways, notes, more, error } = this.#parts;
      const [first] = this.#answers, page = this.#answers.at(-1);
      error.hidden = true;
      before.hidden = Boolean(this.#query.trim());
      if (!kept) hits.replaceChildren();
      const fresh = kept ? this.#answers.slice(-1) : this.#answers;
      hits.append(...fresh.flatMap((answer) => answer.hits.map((hit) => this.#hit(hit, answer.query))));
      empty.hidden = !first || first.hits.length > 0;
      more.hidden = !page?.cursor;
      notes.replaceChildren(...(first?.notes ?? []).map((note) => make("li", { part: "note", dir: "auto", lang: "en" }, note.message)));
      notes.hidden = !first?.notes?.length;
      ways.replaceChildren(...(first ? this.#ways(first) : []));
      status.textContent = "";
      if (!first) return;
      const { total, partial, by_meaning } = first;
      const none = partial ? "lacking" : by_meaning ? "wordless" : "none";
      const said = [total ? this.#text("count", total) : this.#words[none]];
      if (partial) said.push(this.#text(total ? "partial" : "some", partial));
      if (by_meaning) said.push(this.#text("nearest", by_meaning));
      if (page.cursor || this.#answers.length > 1) said.push(this.#text("shown", hits.children.length));
      status.textContent = said.join(" · ");
    }

    /** Links to the corrected query, and to similar searches that have results. */
    #ways(page) {
      const other = (part, query, without, ...children) => {
        const button = make("button", { part, type: "button" }, ...children);
        button.addEventListener("click", () => {
          this.#parts.input.value = query;
          this.#setQuery(query);
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
      const end = page.no_results;
      if (end) ways.push(make("p", { class: "nothing", part: "reason", lang: "en", dir: "auto" }, end.reason.message));
      if (end?.suggestions.length) {
        ways.push(make("ul", { part: "alternatives" },
          ...end.suggestions.map((one) => make("li", {},
            other("alternative", one.query, one.without, make("bdi", { lang: "en" }, one.change.message)),
            " ", make("span", { part: "count" }, this.#digits(one.count))))));
      }
      return ways;
    }

    #hit(hit, query) {
      const { article } = hit, lang = tag(article.language), date = article.published && this.#date(article.published);
      const title = article.title ? marked(article.title, hit.title_spans) : this.#words.untitled;
      const { authors = [], section } = article, names = authors.slice(0, 3).join(", ") + (authors[3] ? " …" : "");
      const byline = [names, section].filter(Boolean).join(" · ");
      const missing = hit.missing?.length && make("span", { class: "missing" }, hit.missing.join(", "));
      return make("li", { part: "hit", dir: "auto" },
        make(`h${this.heading}`, { part: "title", lang }, this.#anchor("link", title, article, hit, query)),
        date && make("p", { part: "meta" }, date),
        byline && make("p", { part: "byline" }, byline),
        missing ? make("p", { class: "meta", part: "missing" }, ...this.#around("missing", missing)) : null,
        hit.by_meaning && make("p", { class: "meta", part: "meaning" }, this.#words.nearby),
        make("ul", { part: "passages", lang },
          ...(hit.passages ?? []).slice(0, 3).map((passage) => make("li", { dir: "auto" },
            passage.field && make("span", { part: "field", dir: "auto" }, passage.field.replaceAll("_", " ")),
            this.#anchor("passage", marked(passage.text, passage.spans), article, hit, query, passage),
            passage.page_number && make("span", { part: "page" },
              ...this.#around("page", this.#digits(passage.page_number)))))),
        hit.also?.length ? make("details", { part: "also" }, make("summary", {}, this.#text("also", hit.also.length)),
          make("ul", {}, ...hit.also.map((one) => make("li", { dir: "auto", lang: tag(one.language) },
            this.#anchor("link", one.title || this.#words.untitled, one, hit, query))))) : null);
    }

    /** A date, as exact as it is known. */
    #date({ value, precision }) {
      // UTC, so that the time zone of the reader does not move the day.
      const moment = new Date(precision === "minute" ? `${value}Z` : value);
      let text = value;
      if (!Number.isNaN(moment.getTime())) {
        const shown = { year: "numeric", timeZone: "UTC", calendar: "gregory" };
        if (precision !== "year") shown.month = "long";
        if (precision === "day" || precision === "minute") shown.day = "numeric";
        if (precision === "minute") shown.hour = shown.minute = "2-digit";
        text = new Intl.DateTimeFormat(this.#language, shown).format(moment);
      }
      return make("time", { part: "date", datetime: value, dir: "auto" }, text);
    }

    /** A link; without an address, its text. */
    #anchor(part, content, article, hit, query, passage = null) {
      const url = this.#link(article, query, passage?.anchor ?? "");
      const node = make(url ? "a" : "span", { part, href: url, target: this.getAttribute("target"), rel: "noopener" }, content);
      if (url) this.#targets.set(node, { id: article.id, url, hit, passage });
      return node;
    }

    /** The address of an article: by the template `link`, or at the archive of src; null if there is none. */
    #link({ id, url }, query, anchor) {
      const template = this.getAttribute("link");
      if (template && (url || !template.includes("{url}"))) {
        const values = { id: encode(id), anchor: encode(anchor), query: encode(query), url };
        return web(template.replace(/\{(id|anchor|query|url)\}/g, (_, name) => values[name]))?.href ?? null;
      }
      const page = web("..", this.#api() ?? "x:");
      if (!page) return null;
      // A browser would normalize dot segments and empty segments of a path.
      const odd = String(id).split("/").some((step) => ["", ".", ".."].includes(step));
      const found = new URL(`a/${odd ? "" : encode(id)}`, page);
      if (odd) found.searchParams.set("id", id);
      if (query) found.searchParams.set("q", query);
      if (query && this.#prefix) found.searchParams.set("prefix", "1");
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
        if (name === "meaning") return text.trim() && text >= 0 && text <= 1 ? String(Number(text)) : "";
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
