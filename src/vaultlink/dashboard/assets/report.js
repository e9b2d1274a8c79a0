// Sorts, filters and searches the tables of the page. Without it, all rows are shown as they are.
(() => {
  "use strict";

  const FOLDED_ROWS = matchMedia("(max-width: 44rem)").matches ? 5 : 12; // shown of a folded table, as in report.css
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const count = (number) => number.toLocaleString("en");
  const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
  const make = (name, properties) => Object.assign(document.createElement(name), properties);

  // Marks words in the texts of rows, and opens the lists that they are in.
  const MAX_MARKED = 400; // rows; marking more would make typing slow
  const unmark = (body) => {
    for (const mark of body.querySelectorAll("mark")) {
      const parent = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      parent.normalize();
    }
    for (const list of body.querySelectorAll("details[data-found]")) {
      list.open = false;
      delete list.dataset.found;
    }
  };
  const findWords = (text, words) => {
    const places = []; // of each folded character: one character may be folded into several
    let folded = "";
    let at = 0;
    for (const character of text) {
      const part = fold(character);
      for (let number = 0; number < part.length; number++) places.push(at);
      folded += part;
      at += character.length;
    }
    places.push(at);
    const isFound = new Uint8Array(text.length);
    for (const word of words) {
      for (let start = folded.indexOf(word); start >= 0; start = folded.indexOf(word, start + 1)) {
        isFound.fill(1, places[start], Math.max(places[start] + 1, places[start + word.length]));
      }
    }
    return isFound;
  };
  const markText = (node, words) => {
    const list = node.parentNode.closest("details:not([open])");
    if (list && !node.parentNode.closest("summary")) {
      list.open = true;
      list.dataset.found = "";
    }
    const text = node.data;
    const isFound = findWords(text, words);
    const parts = document.createDocumentFragment();
    for (let at = 0, end = 0; at < text.length; at = end) {
      while (end < text.length && isFound[end] === isFound[at]) end++;
      const part = text.slice(at, end);
      parts.append(isFound[at] ? make("mark", { textContent: part }) : part);
    }
    node.replaceWith(parts);
  };
  const mark = (row, words) => {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const text = fold(walker.currentNode.data);
      if (words.some((word) => text.includes(word))) found.push(walker.currentNode);
    }
    for (const node of found) markText(node, words);
  };

  // A table of the sections: its rows, their text, and what is filtered.
  class Table {
    constructor(box) {
      this.section = box.closest("section");
      this.table = box.querySelector("table");
      this.body = this.table.tBodies[0];
      this.rows = [...this.body.rows];
      this.texts = null;
      this.own = "";
      this.common = "";
      this.open = false;
      this.title = this.table.caption.textContent;
      this.addFilter(box);
      this.addSorting();
      if (this.body.classList.contains("folded")) this.addButton(box);
    }

    addFilter(box) {
      if (this.rows.length < 2) return;
      const tools = make("div", { className: "tools" });
      const input = make("input", { type: "search", placeholder: "Filter", autocomplete: "off", spellcheck: false });
      input.setAttribute("aria-label", `Filter: ${this.title}`);
      this.status = make("output", {});
      tools.append(input, this.status);
      box.before(tools);
      input.addEventListener("input", () => {
        this.own = fold(input.value);
        this.filter();
      });
    }

    addSorting() {
      if (this.rows.length < 2) return;
      [...this.table.tHead.rows[0].cells].forEach((cell, column) => {
        const button = make("button", { type: "button" });
        button.append(...cell.childNodes);
        cell.append(button);
        button.addEventListener("click", () => this.sort(cell, column));
      });
    }

    addButton(box) {
      this.button = make("button", { type: "button", className: "all" });
      this.button.addEventListener("click", () => {
        this.open = !this.open;
        this.showRows();
        if (!this.open) this.section.scrollIntoView();
      });
      box.after(this.button);
      this.showRows();
    }

    sort(cell, column) {
      const isNumber = cell.classList.contains("number");
      const before = cell.getAttribute("aria-sort");
      const order = before ? (before === "ascending" ? "descending" : "ascending") : isNumber ? "descending" : "ascending";
      for (const other of cell.parentNode.cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const read = (row) => {
        const text = row.cells[column].textContent;
        return isNumber ? Number(text.replaceAll(",", "")) : text;
      };
      const compare = isNumber ? (one, other) => one - other : collator.compare;
      const keyed = this.rows.map((row) => [read(row), row]);
      keyed.sort((one, other) => sign * compare(one[0], other[0]));
      this.body.append(...keyed.map(([, row]) => row));
    }

    // Shows the rows that contain all words of both inputs. Returns their number.
    filter() {
      const words = `${this.own} ${this.common}`.split(/\s+/).filter(Boolean);
      this.texts ??= this.rows.map((row) => fold(row.textContent));
      if (this.isFiltered) unmark(this.body);
      let shown = 0;
      this.rows.forEach((row, at) => {
        const matches = words.every((word) => this.texts[at].includes(word));
        row.hidden = !matches;
        shown += matches;
        if (matches && words.length && shown <= MAX_MARKED) mark(row, words);
      });
      this.isFiltered = words.length > 0;
      if (this.status) this.status.textContent = this.isFiltered ? `${count(shown)} of ${plural(this.rows.length, "row")}` : "";
      this.showRows();
      return shown;
    }

    showRows() {
      if (!this.button) return;
      this.body.classList.toggle("folded", !this.open && !this.isFiltered);
      this.button.hidden = this.isFiltered;
      this.button.textContent = this.open ? `Show the first ${FOLDED_ROWS}` : `Show all ${count(this.rows.length)} rows`;
      this.button.setAttribute("aria-expanded", String(this.open));
      this.button.setAttribute("aria-label", `${this.button.textContent}: ${this.title}`);
    }
  }

  const tables = [...document.querySelectorAll("[data-table]")].map((box) => new Table(box));

  // The search in all tables hides sections without a match.
  const search = document.getElementById("search");
  const status = document.getElementById("search-status");
  search.parentNode.hidden = tables.length === 0;
  const runSearch = () => {
    const text = fold(search.value.trim());
    let rows = 0;
    let sections = 0;
    for (const table of tables) {
      table.common = text;
      const shown = table.filter();
      rows += shown;
      sections += shown > 0;
    }
    for (const section of document.querySelectorAll(".sections > section")) {
      const table = tables.find((item) => item.section === section);
      section.hidden = text !== "" && !(table && table.rows.some((row) => !row.hidden));
    }
    status.textContent = text === "" ? "" : rows ? `${plural(rows, "row")} in ${plural(sections, "table")}` : "No row matches.";
  };
  search.addEventListener("input", runSearch);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return; // the graph has keys of its own
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      runSearch();
    }
  });

  // A button beside each name shows the note in the graph: its place, and the notes around it.
  const view = window.vaultGraph;
  const readPath = (link) => {
    try {
      return decodeURIComponent(link.href.slice(link.href.indexOf("&file=") + 6));
    } catch {
      return null; // a name that is not UTF-8
    }
  };
  const addButtons = () => {
    const paths = new Map();
    for (const link of document.querySelectorAll(".sections a[href^='obsidian:']")) {
      const path = readPath(link);
      if (!view.has(path)) continue;
      const button = make("button", { type: "button", className: "show", title: "Show in the graph" });
      button.setAttribute("aria-label", `Show ${link.textContent} in the graph`);
      paths.set(button, path);
      link.after(button);
    }
    document.querySelector(".sections").addEventListener("click", (event) => {
      const path = paths.get(event.target);
      if (path === undefined) return;
      document.getElementById("graph-section").scrollIntoView();
      view.focus(path);
    });
  };
  view?.ready.then(addButtons, () => {});

  // On paper, the still picture takes the place of the bitmap, which has the colours and size of the window.
  const graph = document.querySelector(".graph");
  const still = graph.querySelector("noscript");
  if (still) {
    addEventListener("beforeprint", () => {
      if (graph.classList.contains("printing")) return;
      graph.classList.add("printing");
      still.insertAdjacentHTML("beforebegin", still.textContent);
    });
    addEventListener("afterprint", () => {
      graph.classList.remove("printing");
      graph.querySelector(".still")?.remove();
    });
  }

  // The contents mark the section that is being read.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-10% 0px -80% 0px" },
  );
  for (const section of document.querySelectorAll(".sections > section")) observer.observe(section);
})();
