/* What is drawn besides areas: colours of the theme, patterns, glyphs of facilities, warning tiers, pills of clusters. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});

  const TIERS = ["none", "blue", "yellow", "orange", "red"];
  const SITE_PX = [14, 17, 21];
  const STAFF_STEPS = [2, 6]; // full-time equivalents: below 2 small, from 6 on large

  // What is drawn over the areas, lowest first: which lines, colour, width at zooms. A boundary has a halo of the opposite
  // tone, so that it is seen on the lightest and on the deepest class.
  const LINES = [
    ["river", "map-water", [8, 1, 13, 4, 16, 9]],
    ["shore", "map-water-line", [8, 0.7, 16, 1]],
    ["road", "map-road-casing", [9, 1.8, 12, 3, 16, 8]],
    ["road", "map-road", [9, 0.8, 12, 1.7, 16, 6]],
    ["village", "map-village-halo", [9, 1.4, 12, 2, 15, 3]],
    ["village", "map-village", [9, 0.5, 12, 0.8, 15, 1.2]],
    ["town", "map-town-halo", [8, 2.2, 11, 3.2, 15, 5]],
    ["town", "map-town", [8, 0.9, 11, 1.4, 15, 2.4]],
    ["county", "map-halo", [8, 3.6, 12, 6]],
    ["county", "map-county", [8, 1.4, 12, 2.4]],
  ];
  // Main roads always, others as there is room: from which zoom a rank is drawn, and how wide.
  const RANKS = { 1: [0, 1.25], 2: [10.8, 1], 3: [12.5, 0.7] };

  /** The lines that are there, in the order they are drawn: [{strokes, token, width(zoom)}]; width 0 leaves one out. */
  function strokesOf(lines) {
    return LINES.flatMap(([name, token, stops]) => {
      const given = lines[name];
      if (!given) return [];
      if (given.segments) return [{ strokes: given, token, width: (zoom) => widthAt(stops, zoom) }];
      return Object.entries(given).map(([rank, strokes]) => {
        const [from, by] = RANKS[rank] || RANKS[3];
        const hidden = (zoom) => name === "road" && zoom < from;
        return { strokes, token, width: (zoom) => (hidden(zoom) ? 0 : by * widthAt(stops, zoom)) };
      });
    });
  }

  /** Width between stops, growing as the map does. */
  function widthAt(stops, zoom) {
    for (let k = 0; k + 2 < stops.length; k += 2) {
      const [z, width, nextZ, nextWidth] = stops.slice(k, k + 4);
      if (zoom < z) return width;
      if (zoom < nextZ) return width + ((nextWidth - width) * (1.4 ** (zoom - z) - 1)) / (1.4 ** (nextZ - z) - 1);
    }
    return stops[stops.length - 1];
  }

  /** Colours of the stylesheet as they hold at an element. */
  class Theme {
    constructor(element) {
      this.style = getComputedStyle(element);
      this.known = new Map();
      this.font = this.css("font");
    }

    css(name) {
      let value = this.known.get(name);
      if (value === undefined) this.known.set(name, (value = this.style.getPropertyValue("--" + name).trim()));
      return value;
    }

    /** Red, green, blue, alpha in 0..1. */
    rgba(name) {
      return parseColour(this.css(name));
    }
  }

  function parseColour(text) {
    if (text.startsWith("#")) {
      const part = (i) => parseInt(text.slice(i, i + 2), 16) / 255;
      return [part(1), part(3), part(5), text.length > 7 ? part(7) : 1];
    }
    const numbers = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return [numbers[0] / 255, numbers[1] / 255, numbers[2] / 255, numbers[3] ?? 1];
  }

  /** Token names of the 16 class colours: classes 0..14, then the true zero. */
  function classTokens(meta) {
    if (meta.palette === "tier") {
      const first = meta.classes === 4 ? 1 : 0; // with or without a class for "no warning"
      const tokens = Array.from({ length: 15 }, (_, c) => "tier-" + TIERS[Math.min(4, c + first)]);
      return [...tokens, "tier-none"];
    }
    const steps = { access: 5, gap: 4, sequential: 5, diverging: 7, siting: 4 }[meta.palette] || 5;
    const tokens = Array.from({ length: 15 }, (_, c) => `${meta.palette}-${Math.min(c, steps - 1)}`);
    return [...tokens, "zero-ground"];
  }

  /** The four pattern fills as small tiles, for the renderer without WebGL; cells-gl.js draws the same in its shader. */
  function pattern(theme, name, ratio) {
    const side = name === "suppressed" ? 6 : 8;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side * ratio;
    const ink = canvas.getContext("2d");
    ink.scale(ratio, ratio);
    if (name === "suppressed") {
      ink.fillStyle = theme.css("suppressed-ground");
      ink.fillRect(0, 0, side, side);
      ink.fillStyle = theme.css("suppressed-dot");
      ink.beginPath();
      ink.arc(side / 2, side / 2, 1, 0, 7);
      ink.fill();
      return canvas;
    }
    if (name === "no-data" || name === "unreachable") {
      ink.fillStyle = theme.css(name + "-ground");
      ink.fillRect(0, 0, side, side);
    }
    ink.strokeStyle = theme.css(name + "-line");
    ink.lineWidth = name === "no-data" ? 1.2 : 1.8;
    ink.beginPath();
    if (name === "unreachable") {
      ink.moveTo(0, side / 2);
      ink.lineTo(side, side / 2);
      ink.stroke();
      return canvas;
    }
    for (const shift of [-side, 0, side]) {
      // No data rises, unreliable falls: told apart in grey as well.
      ink.moveTo(shift - 1, name === "no-data" ? side + 1 : -1);
      ink.lineTo(shift + side + 1, name === "no-data" ? -1 : side + 1);
    }
    ink.stroke();
    return canvas;
  }

  function roundBox(ink, x, y, w, h, r) {
    ink.beginPath();
    ink.roundRect(x, y, w, h, r);
  }

  /** Small pictures, drawn once and stamped as often as wanted. */
  class Stamps {
    constructor(theme, glyphs, ratio, scale) {
      this.theme = theme;
      this.ratio = ratio;
      this.scale = scale;
      this.glyphs = {};
      for (const kind of Object.keys(glyphs)) this.glyphs[kind] = new Path2D(glyphs[kind]);
      this.kept = new Map();
    }

    stamp(key, width, height, draw) {
      let canvas = this.kept.get(key);
      if (!canvas) {
        if (this.kept.size > 600) this.kept.clear();
        canvas = document.createElement("canvas");
        canvas.width = Math.ceil(width * this.scale * this.ratio);
        canvas.height = Math.ceil(height * this.scale * this.ratio);
        const ink = canvas.getContext("2d");
        ink.scale(this.ratio * this.scale, this.ratio * this.scale);
        draw(ink);
        canvas.w = width * this.scale;
        canvas.h = height * this.scale;
        this.kept.set(key, canvas);
      }
      return canvas;
    }

    glyph(ink, kind, x, y, px) {
      const path = this.glyphs[kind];
      if (!path) return;
      ink.save();
      ink.translate(x, y);
      ink.scale(px / 24, px / 24);
      ink.fill(path, "evenodd");
      ink.restore();
    }

    /** One facility: filled in service, outlined when planned or closed, ringed when its place is only approximate. */
    site(site) {
      const px = SITE_PX[site.size];
      const side = px + 10;
      const open = site.status === "open";
      const key = `site ${site.kind} ${site.status} ${site.size} ${site.approximate}`;
      return this.stamp(key, side, side, (ink) => {
        const at = 5;
        roundBox(ink, at - 1, at - 1, px + 2, px + 2, 5);
        ink.fillStyle = this.theme.css("map-halo");
        ink.fill();
        roundBox(ink, at, at, px, px, 4);
        ink.fillStyle = this.theme.css(open ? "map-site" : "map-site-glyph");
        ink.fill();
        if (!open) {
          roundBox(ink, at + 0.7, at + 0.7, px - 1.4, px - 1.4, 3.4);
          ink.strokeStyle = this.theme.css("map-site");
          ink.lineWidth = 1.4;
          ink.stroke();
        }
        ink.fillStyle = this.theme.css(open ? "map-site-glyph" : "map-site");
        this.glyph(ink, site.kind, at + 2.5, at + 2.5, px - 5);
        if (site.status === "closed") {
          ink.beginPath();
          ink.moveTo(at + 2, at + px - 2);
          ink.lineTo(at + px - 2, at + 2);
          ink.strokeStyle = this.theme.css("map-site");
          ink.lineWidth = 1.6;
          ink.stroke();
        }
        if (site.approximate) {
          ink.beginPath();
          ink.arc(side / 2, side / 2, side / 2 - 1, 0, 7);
          ink.setLineDash([3, 2.6]);
          ink.strokeStyle = this.theme.css("map-site");
          ink.lineWidth = 1.2;
          ink.stroke();
        }
      });
    }

    /** A place in a choice of sites: numbered when new, a glyph when it is there, a ring when it could be one. */
    point({ role, order, kind, chosen }) {
      if (role === "existing" || role === "closed") {
        return this.site({ kind, status: role === "closed" ? "closed" : "open", size: 1, approximate: false });
      }
      const r = { new: 11, locked: 8, forbidden: 7 }[role] || 4.5;
      const side = 2 * r + (chosen ? 14 : 6);
      return this.stamp(`point ${role} ${order ?? ""} ${Boolean(chosen)}`, side, side, (ink) => {
        ink.translate(side / 2, side / 2);
        const circle = (radius) => {
          ink.beginPath();
          ink.arc(0, 0, radius, 0, 7);
        };
        const filled = role === "new" || role === "locked";
        circle(r + 2);
        ink.fillStyle = this.theme.css("map-halo");
        ink.fill();
        circle(r);
        ink.fillStyle = this.theme.css(filled ? "accent" : "map-site-glyph");
        ink.fill();
        ink.lineWidth = 1.5;
        ink.strokeStyle = this.theme.css(filled ? "map-site-glyph" : "map-site");
        ink.stroke();
        this._pointSign(ink, role, order, r);
        if (!chosen) return;
        circle(r + 4.5);
        ink.setLineDash([4, 3]);
        ink.lineWidth = 2;
        ink.strokeStyle = this.theme.css("accent");
        ink.stroke();
      });
    }

    _pointSign(ink, role, order, r) {
      if (role === "new") {
        ink.fillStyle = this.theme.css("map-site-glyph");
        ink.font = `700 ${String(order).length > 2 ? 10 : 12}px ${this.theme.font}`;
        ink.textAlign = "center";
        ink.textBaseline = "middle";
        ink.fillText(order ?? "", 0, 0.5);
      } else if (role === "locked" || role === "forbidden") {
        const k = r * 0.42;
        ink.beginPath();
        if (role === "locked") {
          ink.moveTo(-k, 0);
          ink.lineTo(-k * 0.2, k * 0.8);
          ink.lineTo(k, -k * 0.8);
        } else {
          ink.moveTo(-k, -k);
          ink.lineTo(k, k);
          ink.moveTo(k, -k);
          ink.lineTo(-k, k);
        }
        ink.strokeStyle = this.theme.css(role === "locked" ? "map-site-glyph" : "map-site");
        ink.lineWidth = 2;
        ink.stroke();
      }
    }

    pillSize(parts) {
      const width = parts.reduce((sum, part) => sum + (part.kind ? 16 : 2) + 7 * String(part.text).length + 6, 8);
      return [width, 24];
    }

    /** Several facilities at one place: how many of what. */
    pill(parts) {
      const key = "pill " + parts.map((part) => `${part.kind}=${part.text}`).join(" ");
      const [w, h] = this.pillSize(parts);
      return this.stamp(key, w, h, (ink) => {
        roundBox(ink, 1, 1, w - 2, h - 2, (h - 2) / 2);
        ink.fillStyle = this.theme.css("map-site-glyph");
        ink.fill();
        ink.strokeStyle = this.theme.css("map-site");
        ink.lineWidth = 1.2;
        ink.stroke();
        ink.fillStyle = this.theme.css("map-site");
        ink.font = `600 12px ${this.theme.font}`;
        ink.textBaseline = "middle";
        let x = 7;
        for (const part of parts) {
          if (part.kind) {
            this.glyph(ink, part.kind, x, 5.5, 13);
            x += 15;
          }
          ink.fillText(part.text, x, h / 2 + 0.5);
          x += 7 * String(part.text).length + 7;
        }
      });
    }

    /** A warning: shape, word and colour say the same. */
    tier(tier, word) {
      const side = 30;
      const name = "tier-" + TIERS[tier];
      return this.stamp(`tier ${tier} ${word}`, side, side, (ink) => {
        ink.translate(side / 2, side / 2);
        tierPath(ink, tier, 12.5);
        ink.strokeStyle = this.theme.css("map-halo");
        ink.lineJoin = "round";
        ink.lineWidth = 4;
        ink.stroke();
        ink.fillStyle = this.theme.css(name);
        ink.fill();
        ink.strokeStyle = this.theme.css(name + "-edge");
        ink.lineWidth = 1.3;
        ink.stroke();
        ink.fillStyle = this.theme.css(name + "-ink");
        ink.font = `700 ${tier === 3 ? 10.5 : 12}px ${this.theme.font}`;
        ink.textAlign = "center";
        ink.textBaseline = "middle";
        ink.fillText(word, 0, tier === 3 ? 3.2 : 0.6);
      });
    }

    /** A warning that a higher one next to it left no room for. */
    tierDot(tier) {
      return this.stamp(`dot ${tier}`, 10, 10, (ink) => {
        ink.beginPath();
        ink.arc(5, 5, 3.4, 0, 7);
        ink.fillStyle = this.theme.css("tier-" + TIERS[tier]);
        ink.fill();
        ink.strokeStyle = this.theme.css(`tier-${TIERS[tier]}-edge`);
        ink.lineWidth = 1.2;
        ink.stroke();
      });
    }
  }

  /** Red octagon, orange triangle, yellow diamond, blue circle, around the origin. */
  function tierPath(ink, tier, r) {
    ink.beginPath();
    if (tier === 1) {
      ink.arc(0, 0, r * 0.88, 0, 2 * Math.PI);
      return;
    }
    const corners = { 2: 4, 3: 3, 4: 8 }[tier];
    const turn = tier === 4 ? Math.PI / 8 : -Math.PI / 2;
    const size = { 2: r * 1.08, 3: r * 1.16, 4: r }[tier];
    const down = tier === 3 ? r * 0.16 : 0;
    for (let k = 0; k < corners; k++) {
      const angle = turn + (2 * Math.PI * k) / corners;
      ink[k ? "lineTo" : "moveTo"](size * Math.cos(angle), size * Math.sin(angle) + down);
    }
    ink.closePath();
  }

  xintuMap.marks = {
    Theme,
    Stamps,
    TIERS,
    strokesOf,
    classTokens,
    pattern,
    sizeOf: (staff) => (staff >= STAFF_STEPS[1] ? 2 : staff >= STAFF_STEPS[0] ? 1 : 0),
  };
})();
