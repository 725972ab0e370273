// What the page does when it opens: the tables, the histogram, and the plan of the chosen device.

/** The text of a decision's arithmetic: its lines, with their numbers put back. */
function arithmetic(coded, row) {
  const number = coded.of[row];
  if (number === undefined) return "left out: see optc explain";
  const [lines, fill] = coded.texts[number];
  const numbers = fill.split(" ");
  let next = 0;
  return lines.map((line) => coded.lines[line]).join("\n").replace(/\u0001/g, () => numbers[next++]);
}

function find(id) {
  return document.getElementById(id);
}

/** One of several; `run(n)` is called with the chosen one, and with the first at once. */
function chooser(host, legend, names, run) {
  run(0);
  if (names.length < 2) return;
  const inputs = names.map((name, at) =>
    make("label", {}, make("input", { type: "radio", name: legend, checked: at === 0, change: () => run(at) }), name));
  host.replaceChildren(make("fieldset", {}, make("legend", {}, legend), ...inputs));
}

function showPlan(plan) {
  find("plan-notes").replaceChildren(...plan.left_out.map((text) => make("p", { class: "note" }, text)));
  new SortedTable(find("decision-table"), plan.decisions, (row) => make("pre", {}, arithmetic(plan.arithmetic, row)));
  new SortedTable(find("op-table"), plan.ops);
  new SortedTable(find("step-table"), plan.steps);
  const [choice, picture] = [make("div"), make("div")];
  find("tracks").replaceChildren(choice, picture);
  chooser(choice, "Timeline of", plan.timelines.map((one) => one.name), (at) => new Timeline(picture, plan.timelines[at]));
}

/** The data of the page: JSON, deflated, in base64. */
async function pageData() {
  const inflated = new Blob([bytes(find("data").textContent)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(inflated).text());
}

async function fill() {
  const data = await pageData();
  const nameOf = (row) => cell(data.weights.columns[0], row);
  histogramSection(find("histogram"), nameOf, data.histograms);
  new SortedTable(find("weight-table"), data.weights, (row) => histogramFigure(nameOf(row), data.histograms[row]));
  if (data.plans.length) chooser(find("devices"), "Device", data.plans.map((plan) => plan.name), (at) => showPlan(data.plans[at]));
  document.documentElement.dataset.ready = "true";
}

if (typeof DecompressionStream === "function") fill();
else find("weight-table").replaceChildren(make("p", { class: "note" }, "Histograms, tables and the timeline need a browser of 2023 or later."));
