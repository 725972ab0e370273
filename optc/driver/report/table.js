"use strict";
// Tables that sort and filter. All that comes from the model is written as text, never as markup.

const EXACT = 1e300; // what stands for infinity
const STEP = 25; // rows that are shown at first, and more at a time

/** An element with attributes, properties and children. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "rect", "text", "title", "g"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const grouped = new Intl.NumberFormat("en");

/** A number for people. */
function said(value, kind) {
  if (value === null) return "";
  if (kind === "db") return value >= EXACT ? "exact" : value <= -EXACT ? "-∞" : value.toFixed(1);
  if (kind === "bytes" || kind === "count") return grouped.format(value);
  if (kind === "ms") return value === 0 ? "0" : value >= 1 ? value.toFixed(3) : value >= 1e-6 ? value.toFixed(6) : value.toExponential(2);
  return Math.abs(value) >= EXACT ? "∞" : String(Number(value.toPrecision(4)));
}

function cell(column, row) {
  return column.texts ? column.texts[column.at[row]] : column.numbers[row];
}

/** The rows in the order of a column; what has no value comes last either way. */
function sorted(rows, column, descending) {
  const sign = descending ? -1 : 1;
  const order = new Intl.Collator("en", { numeric: true });
  const rank = column.texts ? new Map([...column.texts].sort(order.compare).map((text, at) => [text, at])) : null;
  const key = (row) => (rank ? rank.get(cell(column, row)) : cell(column, row));
  return [...rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === y) return a - b;
    if (x === null) return 1;
    if (y === null) return -1;
    return sign * (x - y);
  });
}

/** A table in `host`; `unfold(row)` gives what a row's name unfolds, if it unfolds anything. */
class SortedTable {
  constructor(host, data, unfold = null) {
    this.data = data;
    this.unfold = unfold;
    this.all = Array.from({ length: data.rows }, (_, row) => row);
    this.sort = { column: -1, descending: false };
    this.wanted = "";
    this.choices = new Map();
    this.limit = STEP;
    this.body = make("tbody");
    this.status = make("p", { class: "status", role: "status" });
    this.more = make("div", { class: "more" });
    this.heads = data.columns.map((column, at) => this.head(column, at));
    const table = make("table", {}, make("caption", {}, data.caption), make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": data.caption }, table);
    host.replaceChildren(this.controls(), this.status, scroll, this.more);
    this.draw();
  }

  head(column, at) {
    const button = make("button", { type: "button", click: () => this.sortBy(at) }, column.label);
    return make("th", { scope: "col", class: this.look(column), "aria-sort": "none" }, button);
  }

  look(column) {
    return `${column.texts ? "" : "number"} ${column.minor ? "minor" : ""}`.trim();
  }

  controls() {
    const search = make("input", { type: "search", input: () => this.filter(search.value) });
    const made = make("div", { class: "controls" }, make("label", {}, `Filter ${this.data.caption.toLowerCase()}`, search));
    this.data.columns.forEach((column, at) => {
      if (!column.choice || column.texts.length < 2 || column.texts.length > 60) return;
      const select = make("select", { "aria-label": column.label, change: () => this.choose(at, select.value) }, make("option", { value: "" }, "all"));
      [...column.texts].sort().forEach((text) => select.append(make("option", { value: `=${text}` }, text || "(none)")));
      made.append(make("label", {}, column.label, select));
    });
    return made;
  }

  sortBy(at) {
    const again = this.sort.column === at;
    const first = !this.data.columns[at].texts; // the largest number first, but texts from a
    this.sort = { column: at, descending: again ? !this.sort.descending : first };
    this.heads.forEach((head, n) => {
      const order = this.sort.descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", n === at ? order : "none");
    });
    this.draw();
  }

  filter(text) {
    this.wanted = text.toLowerCase();
    this.limit = STEP;
    this.draw();
  }

  choose(at, value) {
    if (value) this.choices.set(at, value.slice(1));
    else this.choices.delete(at);
    this.limit = STEP;
    this.draw();
  }

  /** The rows that pass the filters, in order. */
  rows() {
    const columns = this.data.columns;
    const texts = columns.filter((column) => column.texts);
    const hits = new Map(texts.map((column) => [column, column.texts.map((text) => text.toLowerCase().includes(this.wanted))]));
    const found = this.all.filter((row) =>
      (!this.wanted || texts.some((column) => hits.get(column)[column.at[row]])) &&
      [...this.choices].every(([at, text]) => cell(columns[at], row) === text));
    return this.sort.column < 0 ? found : sorted(found, columns[this.sort.column], this.sort.descending);
  }

  draw() {
    const rows = this.rows();
    const drawn = rows.slice(0, this.limit);
    this.body.replaceChildren(...drawn.map((row) => this.row(row)));
    const some = drawn.length < rows.length ? `, the first ${grouped.format(drawn.length)} shown` : "";
    this.status.textContent = `${grouped.format(rows.length)} of ${grouped.format(this.data.rows)} rows${some}`;
    this.more.replaceChildren();
    if (!some) return;
    const further = (label, limit) => make("button", { type: "button", click: () => { this.limit = limit; this.draw(); } }, label);
    this.more.append(further(`Show ${STEP} more`, this.limit + STEP), further(`Show all ${grouped.format(rows.length)}`, rows.length));
  }

  row(row) {
    const cells = this.data.columns.map((column, at) => {
      const value = cell(column, row);
      const text = column.texts ? value : said(value, column.kind);
      if (at > 0) return make("td", { class: this.look(column) }, text);
      return make("th", { scope: "row" }, this.unfold ? this.toggle(row, text) : make("span", {}, text));
    });
    return make("tr", {}, ...cells);
  }

  toggle(row, text) {
    const button = make("button", { type: "button", "aria-expanded": "false", click: () => {
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      const here = button.closest("tr");
      if (open) here.nextSibling.remove();
      else here.after(make("tr", { class: "unfolded" }, make("td", { colspan: this.data.columns.length }, make("div", {}, this.unfold(row)))));
    } }, text || "(no name)");
    return button;
  }
}
