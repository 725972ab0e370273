// The histogram of a weight, with what it was before and its palette.

const HIGH = 100;

function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Heights from 0 to 1: they come as square roots, so that small ones keep their size. */
function heights(text) {
  return Array.from(bytes(text), (root) => (root / 255) ** 2);
}

/** A path of columns in a box as wide as there are columns. */
function columns(values) {
  return values.map((value, at) => (value > 0 ? `M${at} ${HIGH}V${(HIGH * (1 - 0.94 * value)).toFixed(2)}h1V${HIGH}z` : "")).join("");
}

/** A line for each entry of a palette; short ones, at the top, where there are many. */
function ticks(palette, wide) {
  const found = [];
  bytes(palette).forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit += 1) if (byte & (128 >> bit)) found.push(8 * at + bit);
  });
  const places = 1023;
  const low = found.length > 32 ? 12 : HIGH; // many of them would hide the columns
  return found.map((place) => `M${((place / places) * wide).toFixed(3)} ${low}V0`).join("");
}

function short(value) {
  return said(value, "number");
}

/** A figure of one weight's histogram; a paragraph if it has none. */
function histogramFigure(name, found) {
  if (!found) return make("p", { class: "note" }, `${name}: there is no histogram`);
  const counts = heights(found.counts);
  const before = found.before ? heights(found.before) : null;
  const plot = make("svg", { class: "plot", viewBox: `0 0 ${counts.length} ${HIGH}`, preserveAspectRatio: "none", role: "img" });
  plot.setAttribute("aria-label", `Histogram of ${name} from ${short(found.low)} to ${short(found.high)}`);
  const keys = [["stored", "weight"]];
  if (before) {
    plot.append(make("path", { class: "c-before", d: columns(before) }));
    keys.unshift(["before", "before"]);
  }
  plot.append(make("path", { class: "c-stored", d: columns(counts), "fill-opacity": before ? 0.75 : 1 }));
  if (found.entries) {
    plot.append(make("path", { class: "c-palette", d: ticks(found.palette, counts.length) }));
    keys.push(["palette", "palette entries"]);
  }
  const legend = make("ul", { class: "legend" }, ...keys.map(([kind, text]) =>
    make("li", {}, make("svg", { class: "key", "aria-hidden": "true" }, make("rect", { class: `c-${kind}`, width: "100%", height: "100%" })), text)));
  const axis = make("div", { class: "axis", "aria-hidden": "true" }, ...[0, 0.25, 0.5, 0.75, 1].map((part) =>
    make("span", {}, short(found.low + part * (found.high - found.low)))));
  return make("figure", {}, legend, plot, axis, make("figcaption", {}, histogramCaption(name, found)));
}

function histogramCaption(name, found) {
  const parts = [`${name}: at most ${grouped.format(found.most)} elements in one of ${heights(found.counts).length} columns`];
  if (found.left_out) parts.push(`${grouped.format(found.left_out)} elements are no finite numbers`);
  if (found.tables > 1) parts.push(`${grouped.format(found.entries)} distinct entries in ${grouped.format(found.tables)} tables`);
  else if (found.listed.length) parts.push(`palette: ${found.listed.map(short).join(", ")}`);
  else if (found.entries) parts.push(`${grouped.format(found.entries)} palette entries`);
  return parts.join("; ");
}

/** The chooser of a weight, and its histogram. */
function histogramSection(host, names, histograms) {
  if (!histograms.length) {
    host.replaceChildren(make("p", {}, "The model has no weights."));
    return;
  }
  const select = make("select", { "aria-label": "Histogram of", change: () => show(select.selectedIndex) });
  select.append(...histograms.map((_, at) => make("option", {}, names(at) || "(no name)")));
  const figure = make("div", { "aria-live": "polite" });
  const step = (label, by) => make("button", { type: "button", click: () => show(select.selectedIndex + by) }, label);
  const show = (at) => {
    select.selectedIndex = Math.max(0, Math.min(histograms.length - 1, at));
    figure.replaceChildren(histogramFigure(names(select.selectedIndex), histograms[select.selectedIndex]));
  };
  const chooser = make("label", {}, "Histogram of", select);
  host.replaceChildren(make("div", { class: "controls" }, chooser, step("Previous", -1), step("Next", 1)), figure);
  const first = histograms.findIndex((found) => found && found.entries);
  show(Math.max(0, first));
}
