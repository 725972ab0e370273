// The simulated timeline: a track for each resource of each unit, to be zoomed, moved and stepped through.

const ROW = 22; // pixels of a track
const LABEL = 128; // pixels for the names of the resources
const NARROWEST = 200; // ticks that can fill the picture

/** A track with the starts and ends of its events, in order. */
function track(coded) {
  let now = 0;
  const starts = coded.gaps.map((gap) => (now += gap));
  return { ...coded, starts, ends: starts.map((start, at) => start + coded.ticks[at]) };
}

/** The first place at which a sorted array is at least `value`. */
function lowerBound(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Timeline {
  constructor(host, data) {
    this.data = data;
    this.tracks = data.tracks.map(track);
    this.whole = Math.max(1, ...this.tracks.flatMap((one) => one.ends.slice(-1)));
    this.from = 0;
    this.to = this.whole;
    this.picked = null;
    this.picture = make("svg", {
      class: "tracks", tabindex: "0", role: "application", "aria-roledescription": "timeline",
      "aria-label": `Timeline of ${data.name}: ${said(data.total_ms, "ms")} ms`,
      keydown: (event) => this.key(event), pointermove: (event) => this.point(event), click: (event) => this.point(event),
    });
    this.event = make("p", { class: "event", role: "status" });
    const button = (label, run) => make("button", { type: "button", click: run }, label);
    const controls = make("div", { class: "controls" },
      button("Zoom in", () => this.zoom(0.5)), button("Zoom out", () => this.zoom(2)),
      button("Left", () => this.move(-0.25)), button("Right", () => this.move(0.25)), button("Whole", () => this.show(0, this.whole)),
      button("Previous event", () => this.step(-1)), button("Next event", () => this.step(1)));
    const note = data.left_out ? [make("p", { class: "note" }, data.left_out)] : [];
    host.replaceChildren(controls, this.picture, this.event, ...note);
    new ResizeObserver(() => this.draw()).observe(this.picture);
    this.draw();
  }

  get wide() {
    return Math.max(50, this.picture.clientWidth - LABEL - 8);
  }

  x(tick) {
    return LABEL + ((tick - this.from) / (this.to - this.from)) * this.wide;
  }

  draw() {
    const rows = this.tracks.map((one, at) => this.row(one, at));
    const bottom = (this.tracks.length + 1) * ROW;
    this.picture.setAttribute("height", bottom + 8);
    const ends = (this.wide > 300 ? [0, 0.5, 1] : [0, 1]).map((part) => {
      const anchor = ["start", "middle", "end"][2 * part];
      const ms = (this.from + part * (this.to - this.from)) * this.data.tick_ms;
      return make("text", { x: LABEL + part * this.wide, y: bottom, "text-anchor": anchor }, `${said(ms, "ms")} ms`);
    });
    this.picture.replaceChildren(...rows, ...ends);
    this.mark();
  }

  row(one, at) {
    const y = at * ROW + 4;
    const label = make("text", { x: 4, y: y + 13 }, one.resource);
    if (at === 0 || this.tracks[at - 1].unit !== one.unit) {
      label.textContent = `${one.unit} ${one.resource}`;
      label.setAttribute("class", "unit");
    }
    return make("g", {}, label, make("path", { class: `c-${one.resource}`, d: this.path(one, y) }));
  }

  /** The events of a track that are in sight; those that touch at this zoom are drawn as one. */
  path(one, y) {
    const parts = [];
    let [left, right] = [null, 0];
    const close = () => left !== null && parts.push(`M${left.toFixed(1)} ${y}H${Math.max(right, left + 0.5).toFixed(1)}v${ROW - 6}H${left.toFixed(1)}z`);
    for (let at = lowerBound(one.ends, this.from); at < one.starts.length && one.starts[at] <= this.to; at += 1) {
      const start = Math.max(LABEL, this.x(one.starts[at]));
      const end = Math.min(LABEL + this.wide, this.x(one.ends[at]));
      const apart = end - start > 3 ? 0.6 : 0; // a seam between events that are wide enough to be told apart
      if (left !== null && start - right < 0.4 && !apart) right = Math.max(right, end);
      else {
        close();
        [left, right] = [start, end - apart];
      }
    }
    close();
    return parts.join("");
  }

  show(from, to) {
    const width = Math.min(this.whole, Math.max(NARROWEST, to - from));
    this.from = Math.max(0, Math.min(this.whole - width, from));
    this.to = this.from + width;
    this.draw();
  }

  zoom(by) {
    const middle = this.picked ? (this.picked.start + this.picked.end) / 2 : (this.from + this.to) / 2;
    const half = ((this.to - this.from) / 2) * by;
    this.show(middle - half, middle + half);
  }

  move(by) {
    const width = this.to - this.from;
    this.show(this.from + by * width, this.to + by * width);
  }

  key(event) {
    const runs = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), Home: () => this.show(0, this.whole),
      ArrowLeft: () => this.move(-0.25), ArrowRight: () => this.move(0.25), ArrowUp: () => this.step(-1), ArrowDown: () => this.step(1),
    }[event.key];
    if (!runs || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    runs();
  }

  point(event) {
    const box = this.picture.getBoundingClientRect();
    const at = Math.floor((event.clientY - box.top) / ROW);
    const one = this.tracks[at];
    if (!one) return;
    const perPixel = (this.to - this.from) / this.wide;
    const tick = this.from + (event.clientX - box.left - LABEL) * perPixel;
    const found = lowerBound(one.ends, tick - perPixel);
    if (found < one.starts.length && one.starts[found] <= tick + perPixel) this.pick(at, found);
  }

  /** The event before or after the picked one, over all tracks, by its start. */
  step(by) {
    const now = this.picked ? this.picked.start : by > 0 ? -1 : this.whole + 1;
    const here = this.picked ? this.picked.track : by > 0 ? -1 : this.tracks.length;
    let best = null;
    this.tracks.forEach((one, track) => {
      const next = lowerBound(one.starts, now + (by > 0 ? (track > here ? 0 : 1) : (track < here ? 1 : 0))) - (by > 0 ? 0 : 1);
      if (next < 0 || next >= one.starts.length) return;
      const better = !best || by * (one.starts[next] - best.start) < 0 || (one.starts[next] === best.start && by < 0);
      if (better) best = { track, at: next, start: one.starts[next] };
    });
    if (!best) return;
    this.pick(best.track, best.at);
    const { start, end } = this.picked;
    const width = this.to - this.from;
    if (end < this.from || start > this.to) this.show(start - width / 2, start + width / 2);
  }

  pick(track, at) {
    const one = this.tracks[track];
    this.picked = { track, start: one.starts[at], end: one.ends[at] };
    const ms = (ticks) => said(ticks * this.data.tick_ms, "ms");
    this.event.textContent =
      `${this.data.names[one.names[at]] || "(no name)"}: ${one.resource} of ${one.unit}, ${ms(one.ticks[at])} ms from ${ms(one.starts[at])} ms on`;
    this.mark();
  }

  /** Draw a frame round the picked event. */
  mark() {
    this.picture.querySelector(".picked")?.remove();
    if (!this.picked || this.picked.end < this.from || this.picked.start > this.to) return;
    const [left, right] = [Math.max(LABEL, this.x(this.picked.start)), Math.min(LABEL + this.wide, this.x(this.picked.end))];
    this.picture.append(make("rect", { class: "picked", x: left - 1, y: this.picked.track * ROW + 3, width: Math.max(2, right - left + 2), height: ROW - 4 }));
  }
}
