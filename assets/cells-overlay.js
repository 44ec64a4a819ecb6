/* What lies above the areas, the same over both renderers: labels, facilities, warnings, outlines, scale bar, north,
   attribution, tooltip. Everything is placed in the pixels of the whole world at a zoom, so nothing jumps while panning. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});
  const { latOf } = xintuMap.data;
  const { Stamps, TIERS, sizeOf } = xintuMap.marks;

  const LABELS = {
    // px and weight of the label; how wide an area must be on average before its level is labelled at all
    county: { px: 17, weight: 700, from: 0, upTo: 420, colour: "map-label", spacing: 3 },
    town: { px: 14, weight: 600, from: 34, upTo: Infinity, colour: "map-label", spacing: 1 },
    village: { px: 12, weight: 400, from: 84, upTo: Infinity, colour: "map-label-2", spacing: 0 },
  };
  // Where a label may stand, in its own widths and heights from the middle of its area, best first.
  const near = [[0, 0], [0, 1], [0, -1], [0.5, 0.8], [-0.5, 0.8], [0.5, -0.8], [-0.5, -0.8]];
  const far = [[0, 2], [0, -2], [0.9, 0], [-0.9, 0], [0.9, 1.4], [-0.9, 1.4], [0.9, -1.4], [-0.9, -1.4], [0, 3.2], [0, -3.2], [1.5, 0], [-1.5, 0], [1.5, 2.4], [-1.5, 2.4], [1.5, -2.4], [-1.5, -2.4]];
  const LABEL_STEPS = { county: near, town: [...near, ...far], village: near };
  const COMPACT_PX = 640;
  const EARTH_M = 40075016.686;

  const ring = (r) => [[0, -r], [0, r], [r, 0], [-r, 0], [r, -r], [-r, -r], [r, r], [-r, r]];
  const STEPS = [[0, 0], ...ring(0.9), ...ring(1.7)]; // where a warning may stand, in widths from the middle of its area

  /** Boxes already taken, in buckets of 128 px. */
  class Taken {
    constructor() {
      this.buckets = new Map();
    }

    *_keys([w, n, e, s]) {
      for (let row = Math.floor(n / 128); row <= Math.floor(s / 128); row++) {
        for (let column = Math.floor(w / 128); column <= Math.floor(e / 128); column++) yield `${column},${row}`;
      }
    }

    hit([w, n, e, s]) {
      for (const key of this._keys([w, n, e, s])) {
        for (const box of this.buckets.get(key) || []) {
          if (w < box[2] && e > box[0] && n < box[3] && s > box[1]) return box;
        }
      }
      return null;
    }

    add(box, owner) {
      box.owner = owner;
      for (const key of this._keys(box)) {
        const list = this.buckets.get(key);
        if (list) list.push(box);
        else this.buckets.set(key, [box]);
      }
    }
  }

  const around = (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];

  const boxOf = (mark) => around(mark.x, mark.y, mark.stamp.w - 8, mark.stamp.h - 8);

  const isCandidate = (mark) => mark.owner?.point?.role === "candidate";

  /** A pill stands for several places, so it may step aside for a warning, if there is room. */
  function stepAside(mark, taken) {
    const [w, h] = [mark.stamp.w - 6, mark.stamp.h];
    const isFree = ([dx, dy]) => !taken.hit(boxOf({ ...mark, x: mark.x + dx, y: mark.y + dy }));
    const [dx, dy] = [[0, h], [0, -h], [w, 0], [-w, 0], [w, h], [-w, h]].find(isFree) || [0, 0];
    mark.x += dx;
    mark.y += dy;
  }

  class Overlay {
    constructor(box) {
      this.box = box;
      this.canvas = element("canvas", "xmap-canvas", box);
      this.canvas.setAttribute("aria-hidden", "true");
      this.ink = this.canvas.getContext("2d");
      this.furniture = element("div", "xmap-furniture", box);
      this.note = element("div", "xmap-note", this.furniture);
      this.bar = element("div", "xmap-scale", this.furniture);
      this.north = element("div", "xmap-north", box);
      this.tip = element("div", "xmap-tip", box);
      this.tip.setAttribute("role", "tooltip");
      this.tip.hidden = true;
      this.content = { labels: [], sites: [], points: [], warnings: [], outline: null, hover: null };
      this.placed = null;
      this.version = 0;
      this.drawn = null;
      this.clusters = new Map();
      this.cover = document.createElement("canvas").getContext("2d");
      this.widths = new Map();
    }

    dispose() {
      this.box.replaceChildren();
    }

    setTheme(theme, glyphs, view) {
      this.theme = theme;
      this.scale = view.scale || 1;
      this.ratio = Math.max(1, window.devicePixelRatio || 1);
      this.stamps = new Stamps(theme, glyphs, this.ratio, this.scale);
      this.words = view.words || {};
      this.note.textContent = view.attribution || "";
      this.north.textContent = this.words.north ?? "N";
      this.widths.clear();
      this.clusters.clear();
      this.placed = null;
      this.version += 1;
    }

    /** labels [{level, text, x, y, px}], sites [{...}], points [{id, role, ...}], warnings [{tier, x, y, idx, level}];
        x, y in the unit square. */
    setContent(content) {
      Object.assign(this.content, content);
      this.clusters.clear();
      this.placed = null;
      this.version += 1;
    }

    /** Outlines follow the mouse: nothing else is placed anew. */
    setOutline(name, areas, idx) {
      const now = this.content[name];
      const next = areas && idx >= 0 ? { areas, idx } : null;
      if (now?.areas !== next?.areas || now?.idx !== next?.idx) this.content[name] = next;
    }

    draw(view) {
      if (!this.theme || !view.width) return;
      const { hover, outline } = this.content;
      const now = [view.x, view.y, view.scale, view.width, view.height, this.version, hover, outline];
      if (this.drawn && now.every((value, k) => value === this.drawn[k])) return; // only the areas have changed
      this.drawn = now;
      const { canvas, ink, ratio } = this;
      const [w, h] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
      if (canvas.width !== w || canvas.height !== h) {
        canvas.width = w;
        canvas.height = h;
        canvas.style.width = view.width + "px";
        canvas.style.height = view.height + "px";
      }
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      ink.clearRect(0, 0, view.width, view.height);
      this._outline(view, this.content.hover, 1.6, "map-hover");
      this._outline(view, this.content.outline, 2.6, "accent");
      const placed = this._place(view);
      const offset = [view.width / 2 - view.x * view.scale, view.height / 2 - view.y * view.scale];
      const seen = (item) => {
        const x = item.x + offset[0];
        const y = item.y + offset[1];
        return x > -90 && y > -40 && x < view.width + 90 && y < view.height + 40 ? [x, y] : null;
      };
      const stamp = (mark) => {
        const at = seen(mark);
        if (at) ink.drawImage(mark.stamp, at[0] - mark.stamp.w / 2, at[1] - mark.stamp.h / 2, mark.stamp.w, mark.stamp.h);
      };
      // Candidates are many and claim no room: names are read over them.
      placed.marks.filter(isCandidate).forEach(stamp);
      for (const label of placed.labels) {
        const at = seen(label);
        if (at) this._label(label, at[0], at[1]);
      }
      placed.marks.filter((mark) => !isCandidate(mark)).forEach(stamp);
      this._scaleBar(view);
    }

    /** What lies at a pixel: a facility, a cluster of them, a point, a warning; null if only areas. */
    hit(view, px, py) {
      if (!this.placed) return null;
      const x = px - view.width / 2 + view.x * view.scale;
      const y = py - view.height / 2 + view.y * view.scale;
      const marks = this.placed.marks;
      for (let k = marks.length - 1; k >= 0; k--) {
        const { stamp, owner } = marks[k];
        const dx = Math.abs(x - marks[k].x);
        const dy = Math.abs(y - marks[k].y);
        if (owner && dx <= stamp.w / 2 && dy <= stamp.h / 2) return owner;
      }
      return null;
    }

    _outline(view, what, px, colour) {
      if (!what) return;
      const { ink } = this;
      const { areas, idx } = what;
      const ox = (areas.origin[0] - view.x) * view.scale + view.width / 2;
      const oy = (areas.origin[1] - view.y) * view.scale + view.height / 2;
      ink.beginPath();
      for (let r = areas.featureRing[idx]; r < areas.featureRing[idx + 1]; r++) {
        const [first, end] = areas.ring(r);
        for (let k = first; k < end; k++) {
          ink[k === first ? "moveTo" : "lineTo"](areas.xy[2 * k] * view.scale + ox, areas.xy[2 * k + 1] * view.scale + oy);
        }
        ink.closePath();
      }
      ink.lineJoin = "round";
      ink.strokeStyle = this.theme.css("map-halo");
      ink.lineWidth = (px + 2.4) * this.scale;
      ink.stroke();
      ink.strokeStyle = this.theme.css(colour);
      ink.lineWidth = px * this.scale;
      ink.stroke();
    }

    // ---------------------------------------------------------------- placing

    _place(view) {
      if (this.placed && this.placed.scale === view.scale) return this.placed;
      const sites = this._sites(view);
      const glyphs = new Taken();
      const claim = (mark, into) => into.add(boxOf(mark), "mark");
      for (const site of sites) if (site.owner.site) claim(site, glyphs);
      const taken = new Taken();
      const warnings = this._warnings(view, taken, glyphs);
      const crowded = sites.filter((site) => site.owner.cluster && taken.hit(boxOf(site)));
      for (const site of sites) if (!crowded.includes(site)) claim(site, taken);
      for (const site of crowded) {
        stepAside(site, taken);
        claim(site, taken);
      }
      const points = this._points(view);
      for (const point of points) if (!isCandidate(point)) claim(point, taken);
      const labels = this._labels(view, taken);
      this.placed = { scale: view.scale, labels, marks: [...points, ...sites, ...warnings.reverse()] };
      return this.placed;
    }

    /** Highest tier first. A warning moves inside its area to leave facilities to be seen; one that finds its place taken
        by a higher one becomes a dot, so that none disappears. */
    _warnings(view, taken, glyphs) {
      const sorted = [...this.content.warnings].sort((a, b) => b.tier - a.tier);
      return sorted.map((warning) => {
        const stamp = this.stamps.tier(warning.tier, this.words.tier_marks?.[warning.tier] || "");
        const side = stamp.w * 0.82;
        const owner = { warning };
        const at = (dx, dy) => [warning.x * view.scale + dx * side, warning.y * view.scale + dy * side];
        const isFree = ([x, y]) => {
          const box = around(x, y, side, side);
          return !taken.hit(box) && !glyphs.hit(box);
        };
        const isInside = ([x, y]) => warning.holds(x / view.scale, y / view.scale);
        const found = STEPS.map(([dx, dy]) => at(dx, dy)).find((place) => isFree(place) && isInside(place));
        const [x, y] = found || at(0, 0);
        const box = around(x, y, side, side);
        if (!found && taken.hit(box)) return { x, y, stamp: this.stamps.tierDot(warning.tier), owner };
        taken.add(box, "mark");
        return { x, y, stamp, owner };
      });
    }

    _labels(view, taken) {
      const placed = [];
      const rank = { county: 0, town: 1, village: 2 };
      const wanted = this.content.labels
        .filter(({ level, px }) => px * view.scale >= LABELS[level].from && px * view.scale < LABELS[level].upTo)
        .sort((a, b) => rank[a.level] - rank[b.level] || b.weight - a.weight);
      for (const label of wanted) {
        const [w, h] = this._measure(label);
        const x = label.x * view.scale;
        const y = label.y * view.scale;
        const room = LABEL_STEPS[label.level];
        for (const [dx, dy] of room) {
          const [cx, cy] = [x + dx * (w + 8), y + dy * (h + 6)];
          const box = around(cx, cy, w + 6, h + 4);
          if (taken.hit(box) || ((dx || dy) && !label.holds(cx / view.scale, cy / view.scale))) continue;
          taken.add(box, "label");
          placed.push({ ...label, x: cx, y: cy });
          break;
        }
      }
      return placed.reverse();
    }

    _measure(label) {
      const key = label.level + label.text;
      let size = this.widths.get(key);
      if (!size) {
        this.cover.font = this._font(label.level);
        const spacing = LABELS[label.level].spacing * (label.text.length - 1);
        size = [this.cover.measureText(label.text).width + spacing * this.scale, LABELS[label.level].px * 1.15 * this.scale];
        this.widths.set(key, size);
      }
      return size;
    }

    _font(level) {
      return `${LABELS[level].weight} ${LABELS[level].px * this.scale}px ${this.theme.font}`;
    }

    _label(label, x, y) {
      const { ink } = this;
      const style = LABELS[label.level];
      ink.font = this._font(label.level);
      ink.letterSpacing = style.spacing * this.scale + "px";
      ink.textAlign = "center";
      ink.textBaseline = "middle";
      ink.lineJoin = "round";
      ink.strokeStyle = this.theme.css("map-halo");
      ink.lineWidth = (label.level === "village" ? 3 : 3.6) * this.scale;
      ink.strokeText(label.text, x, y);
      ink.fillStyle = this.theme.css(style.colour);
      ink.fillText(label.text, x, y);
      ink.letterSpacing = "0px";
    }

    // ---------------------------------------------------------------- facilities

    /** Facilities of a zoom: those that would cover each other stand together in a pill. Half a zoom apart, reckoned anew. */
    _sites(view) {
      const compact = view.width < COMPACT_PX;
      if (compact !== this.compact) this.clusters.clear();
      this.compact = compact;
      const step = Math.min(36, Math.round(view.zoom * 2));
      const scale = 512 * 2 ** (step / 2);
      let groups = this.clusters.get(step);
      if (!groups) {
        groups = cluster(this.content.sites, scale, (group) => this._stampOf(group));
        if (this.clusters.size > 24) this.clusters.clear();
        this.clusters.set(step, groups);
      }
      return groups.map((group) => ({
        x: group.x * view.scale,
        y: group.y * view.scale,
        stamp: group.stamp,
        owner: group.sites.length > 1 ? { cluster: group } : { site: group.sites[0] },
      }));
    }

    /** Points stand where they are, each for itself; those that matter more lie above. */
    _points(view) {
      const order = ["candidate", "forbidden", "closed", "existing", "locked", "new"];
      const sorted = [...this.content.points].sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
      return sorted.map((point) => ({
        x: point.x * view.scale,
        y: point.y * view.scale,
        stamp: this.stamps.point(point),
        owner: { point },
      }));
    }

    _stampOf(group) {
      if (group.sites.length === 1) return this.stamps.site(group.sites[0]);
      return this.stamps.pill(pillParts(group.sites, this.compact ? 1 : 3));
    }

    // ---------------------------------------------------------------- furniture

    _scaleBar(view) {
      const key = `${view.scale} ${Math.round(view.y * 4096)}`;
      if (this.barKey === key) return;
      this.barKey = key;
      const lat = latOf(view.y);
      const metresAPixel = (EARTH_M * Math.cos((lat * Math.PI) / 180)) / view.scale;
      const most = metresAPixel * 120 * this.scale;
      const power = 10 ** Math.floor(Math.log10(most));
      const length = [5, 2, 1].map((k) => k * power).find((m) => m <= most) || power;
      const far = length >= 1000;
      const words = far ? this.words.kilometres : this.words.metres;
      this.bar.textContent = (words || "{length}").replace("{length}", far ? length / 1000 : length);
      this.bar.style.width = length / metresAPixel + "px";
    }

    /** Lines of text beside the mouse; the first is the place. Text only: names come from files. */
    showTip(lines, x, y, view) {
      this.tip.replaceChildren(
        ...lines.map(({ text, kind, tier }) => {
          const line = document.createElement("div");
          line.className = "xmap-tip-" + (kind || "line");
          if (tier) line.dataset.tier = TIERS[tier];
          line.textContent = text;
          return line;
        })
      );
      this.tip.hidden = false;
      const [w, h] = [this.tip.offsetWidth, this.tip.offsetHeight];
      const left = x + 16 + w > view.width ? x - 14 - w : x + 16;
      const top = y + 16 + h > view.height ? y - 12 - h : y + 16;
      this.tip.style.transform = `translate(${Math.round(Math.max(4, left))}px, ${Math.round(Math.max(4, top))}px)`;
    }

    hideTip() {
      this.tip.hidden = true;
    }
  }

  /** Kinds by how many, the commonest few; the rest in one number. With room for one, a mixture is only counted. */
  function pillParts(sites, room) {
    const counts = new Map();
    for (const site of sites) counts.set(site.kind, (counts.get(site.kind) || 0) + 1);
    const ranked = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (room === 1) return [{ kind: ranked.length > 1 ? "" : ranked[0][0], text: String(sites.length) }];
    const shown = ranked.length > room ? ranked.slice(0, room - 1) : ranked;
    const parts = shown.map(([kind, n]) => ({ kind, text: String(n) }));
    const rest = ranked.slice(shown.length).reduce((sum, [, n]) => sum + n, 0);
    return rest ? [...parts, { kind: "", text: "+" + rest }] : parts;
  }

  /** Joins what overlaps, largest first, until nothing does; at most eight rounds. */
  function cluster(sites, scale, stampOf) {
    let groups = sites.map((site) => ({ x: site.x, y: site.y, sites: [site] }));
    for (const group of groups) group.stamp = stampOf(group);
    for (let round = 0; round < 8; round++) {
      const taken = new Taken();
      const kept = [];
      let joined = false;
      for (const group of groups.sort((a, b) => b.sites.length - a.sites.length)) {
        const slack = group.sites.length > 1 ? 2 : 14; // single glyphs may touch, pills may not
        const box = around(group.x * scale, group.y * scale, group.stamp.w - slack, group.stamp.h - Math.min(slack, 10));
        const other = taken.hit(box)?.owner;
        if (!other) {
          taken.add(box, group);
          kept.push(group);
          continue;
        }
        const [a, b] = [other.sites.length, group.sites.length];
        other.x = (other.x * a + group.x * b) / (a + b);
        other.y = (other.y * a + group.y * b) / (a + b);
        other.sites = other.sites.concat(group.sites);
        joined = true;
      }
      for (const group of kept) group.stamp = stampOf(group);
      groups = kept;
      if (!joined) break;
    }
    return groups;
  }

  function element(tag, className, parent) {
    const made = document.createElement(tag);
    made.className = className;
    parent.append(made);
    return made;
  }

  xintuMap.overlay = { Overlay, pillParts, sizeOf };
})();
