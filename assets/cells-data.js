/* Map data: what the server publishes, fetched once, decoded into typed arrays and kept in small caches.
   Places are kept in the unit square of Web Mercator, relative to the middle of their level, as float32: 1 cm exact. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});

  const mercatorX = (lng) => (lng + 180) / 360;
  const mercatorY = (lat) =>
    (1 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / Math.PI) / 2;
  const lngOf = (x) => x * 360 - 180;
  const latOf = (y) => (360 / Math.PI) * Math.atan(Math.exp((1 - 2 * y) * Math.PI)) - 90;

  /** Least recently used first out; holds promises, so that a thing wanted twice is fetched once. */
  class Cache {
    constructor(size) {
      this.size = size;
      this.entries = new Map();
    }

    get(key, make) {
      let entry = this.entries.get(key);
      if (entry === undefined) {
        entry = make();
        entry.catch(() => this.entries.delete(key)); // a failure is tried again
      }
      this.entries.delete(key);
      this.entries.set(key, entry);
      if (this.entries.size > this.size) this.entries.delete(this.entries.keys().next().value);
      return entry;
    }
  }

  const geometries = new Cache(8);
  const arrays = new Cache(96);
  const tables = new Cache(24);

  async function ask(path) {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`${answer.status} ${path}`);
    return answer;
  }

  const segment = encodeURIComponent;
  const layerPath = (base, view, level, ending) =>
    [base + "published", view.snapshot, level, view.layer].map((part, i) => (i ? segment(part) : part)).join("/") +
    `/${view.week || "static"}.${ending}`;

  /** Areas of one level: every ring in one array, features by index, ready to be drawn, picked and outlined. */
  class Areas {
    constructor(hash, collection) {
      const features = collection.features;
      const n = features.length;
      this.hash = hash;
      this.n = n;
      this.codes = new Array(n);
      this.names = new Array(n);
      let points = 0;
      let rings = 0;
      for (const feature of features) {
        for (const polygon of polygonsOf(feature.geometry)) {
          for (const ring of polygon) {
            points += ring.length - 1;
            rings += 1;
          }
        }
      }
      this.xy = new Float32Array(2 * points);
      this.ringStart = new Uint32Array(rings + 1);
      this.ringIsHole = new Uint8Array(rings);
      this.featureRing = new Uint32Array(n + 1);
      this.box = new Float32Array(4 * n); // west, north, east, south: y grows southwards
      this.origin = originOf(features);
      this._fill(features);
      this._index = null;
      this._points = new Map();
    }

    _fill(features) {
      const [ox, oy] = this.origin;
      // idx is the position in every array of the level, wherever the file lists the area.
      const ordered = new Array(this.n);
      features.forEach((feature, i) => (ordered[feature.properties.idx ?? i] = feature));
      let point = 0;
      let ring = 0;
      const all = [Infinity, Infinity, -Infinity, -Infinity];
      for (let i = 0; i < this.n; i++) {
        const feature = ordered[i];
        this.codes[i] = feature.properties.code;
        this.names[i] = feature.properties.name || "";
        this.featureRing[i] = ring;
        const box = [Infinity, Infinity, -Infinity, -Infinity];
        for (const polygon of polygonsOf(feature.geometry)) {
          for (let r = 0; r < polygon.length; r++) {
            const coordinates = polygon[r];
            this.ringStart[ring] = point;
            this.ringIsHole[ring++] = r > 0 ? 1 : 0;
            for (let k = 0; k < coordinates.length - 1; k++) {
              const x = mercatorX(coordinates[k][0]) - ox;
              const y = mercatorY(coordinates[k][1]) - oy;
              this.xy[2 * point] = x;
              this.xy[2 * point++ + 1] = y;
              if (x < box[0]) box[0] = x;
              if (y < box[1]) box[1] = y;
              if (x > box[2]) box[2] = x;
              if (y > box[3]) box[3] = y;
            }
          }
        }
        if (box[0] > box[2]) continue; // nothing drawn: an empty box, and no ring
        this.box.set(box, 4 * i);
        for (let k = 0; k < 2; k++) {
          all[k] = Math.min(all[k], box[k]);
          all[k + 2] = Math.max(all[k + 2], box[k + 2]);
        }
      }
      this.featureRing[this.n] = ring;
      this.ringStart[ring] = point;
      this.extent = all;
    }

    /** Points of a ring, as [first, end) into `xy`. */
    ring(r) {
      return [this.ringStart[r], this.ringStart[r + 1]];
    }

    /** Its borders, each once. */
    get strokes() {
      this._strokes = this._strokes || xintuMap.strokes.Strokes.ofAreas(this);
      return this._strokes;
    }

    bounds(idx) {
      const [ox, oy] = this.origin;
      const [w, n, e, s] = idx === undefined ? this.extent : this.box.subarray(4 * idx, 4 * idx + 4);
      return [lngOf(w + ox), latOf(s + oy), lngOf(e + ox), latOf(n + oy)];
    }

    indexOf(code) {
      this._byCode = this._byCode || new Map(this.codes.map((c, i) => [c, i]));
      return this._byCode.get(code) ?? -1;
    }

    /** Area under a place of the unit square; -1 outside all. */
    pick(mx, my) {
      const x = mx - this.origin[0];
      const y = my - this.origin[1];
      const index = (this._index = this._index || new Buckets(this));
      for (const i of index.at(x, y)) if (this.holds(i, x, y)) return i;
      return -1;
    }

    /** Even-odd over all rings: right for holes and for areas of many parts. */
    holds(i, x, y) {
      if (x < this.box[4 * i] || x > this.box[4 * i + 2]) return false;
      if (y < this.box[4 * i + 1] || y > this.box[4 * i + 3]) return false;
      let inside = false;
      for (let r = this.featureRing[i]; r < this.featureRing[i + 1]; r++) {
        const [first, end] = this.ring(r);
        for (let k = first, j = end - 1; k < end; j = k++) {
          const yk = this.xy[2 * k + 1];
          const yj = this.xy[2 * j + 1];
          if (yk > y !== yj > y) {
            const xk = this.xy[2 * k];
            if (x < ((this.xy[2 * j] - xk) * (y - yk)) / (yj - yk) + xk) inside = !inside;
          }
        }
      }
      return inside;
    }

    /** A place inside the area, in its middle: where a label or a warning stands. Relative to `origin`. */
    labelPoint(i) {
      let point = this._points.get(i);
      if (!point) this._points.set(i, (point = findLabelPoint(this, i)));
      return point;
    }
  }

  function polygonsOf(geometry) {
    if (!geometry) return []; // a place nobody drew
    if (geometry.type === "Polygon") return [geometry.coordinates];
    return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  }

  /** A place among the areas: between the first and the last that are drawn. */
  function originOf(features) {
    const drawn = (feature) => polygonsOf(feature.geometry)[0]?.[0]?.[0];
    const first = drawn(features.find(drawn) || {}) || [0, 0];
    const last = drawn(features.findLast(drawn) || {}) || first;
    return [(mercatorX(first[0]) + mercatorX(last[0])) / 2, (mercatorY(first[1]) + mercatorY(last[1])) / 2];
  }

  /** The widest stretch inside the area, among several heights: its middle. */
  function findLabelPoint(areas, i) {
    const [w, n, e, s] = areas.box.subarray(4 * i, 4 * i + 4);
    let best = [(w + e) / 2, (n + s) / 2];
    let bestScore = -1;
    for (const t of [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74]) {
      const y = n + (s - n) * t;
      const cuts = [];
      for (let r = areas.featureRing[i]; r < areas.featureRing[i + 1]; r++) {
        const [first, end] = areas.ring(r);
        for (let k = first, j = end - 1; k < end; j = k++) {
          const yk = areas.xy[2 * k + 1];
          const yj = areas.xy[2 * j + 1];
          if (yk > y === yj > y) continue;
          cuts.push(((areas.xy[2 * j] - areas.xy[2 * k]) * (y - yk)) / (yj - yk) + areas.xy[2 * k]);
        }
      }
      cuts.sort((a, b) => a - b);
      for (let c = 0; c + 1 < cuts.length; c += 2) {
        const score = (cuts[c + 1] - cuts[c]) * (1 - 0.8 * Math.abs(t - 0.5)); // near the middle, other things equal
        if (score > bestScore) {
          bestScore = score;
          best = [(cuts[c] + cuts[c + 1]) / 2, y];
        }
      }
    }
    return best;
  }

  /** A grid of buckets over the level: which areas could be under a place. */
  class Buckets {
    constructor(areas) {
      const [w, n, e, s] = areas.extent;
      this.side = Math.max(1, Math.min(256, Math.ceil(Math.sqrt(areas.n))));
      this.w = w;
      this.n = n;
      this.dx = (e - w) / this.side || 1;
      this.dy = (s - n) / this.side || 1;
      this.lists = new Array(this.side * this.side);
      for (let i = 0; i < areas.n; i++) {
        const [bw, bn, be, bs] = areas.box.subarray(4 * i, 4 * i + 4);
        for (let row = this._row(bn); row <= this._row(bs); row++) {
          for (let column = this._column(bw); column <= this._column(be); column++) {
            const at = row * this.side + column;
            (this.lists[at] = this.lists[at] || []).push(i);
          }
        }
      }
    }

    _column(x) {
      return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.w) / this.dx)));
    }

    _row(y) {
      return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.n) / this.dy)));
    }

    at(x, y) {
      return this.lists[this._row(y) * this.side + this._column(x)] || [];
    }
  }

  xintuMap.data = {
    Areas,
    mercatorX,
    mercatorY,
    lngOf,
    latOf,
    polygonsOf,
    geometryPath: (base, hash) => `${base}published/geometry/${segment(hash)}.geojson`,
    areas: (base, hash) =>
      geometries.get(hash, async () => {
        const answer = await ask(xintuMap.data.geometryPath(base, hash));
        return new Areas(hash, await answer.json());
      }),
    /** A theme of the ground: {areas of its polygons or null, strokes of its lines by rank}. */
    context: (base, hash) =>
      tables.get("context " + hash, async () => {
        const { features } = await (await ask(xintuMap.data.geometryPath(base, hash))).json();
        const polygons = features.filter(({ geometry }) => polygonsOf(geometry).length);
        const areas = polygons.map(({ geometry }, idx) => ({ geometry, properties: { idx, code: String(idx) } }));
        const ranks = {};
        for (const feature of features) {
          if (polygons.includes(feature)) continue;
          (ranks[feature.properties?.rank ?? 1] = ranks[feature.properties?.rank ?? 1] || []).push(feature);
        }
        const { Strokes } = xintuMap.strokes;
        for (const rank of Object.keys(ranks)) ranks[rank] = Strokes.ofLines(ranks[rank], `${hash} ${rank}`, { mercatorX, mercatorY });
        return { areas: areas.length ? new Areas("context " + hash, { features: areas }) : null, ranks };
      }),
    classes: (base, view, level) => {
      const path = view.cells ? base + view.cells.classes : layerPath(base, view, level, "bin");
      return arrays.get(path, async () => new Uint8Array(await (await ask(path)).arrayBuffer()));
    },
    values: (base, view, level) => {
      const path = view.cells ? base + view.cells.values : layerPath(base, view, level, "f32");
      return arrays.get(path, async () => new Float32Array(await (await ask(path)).arrayBuffer()));
    },
    sites: (base, snapshot) =>
      tables.get("sites " + snapshot, async () =>
        (await ask(`${base}published/${segment(snapshot)}/sites.json`)).json()),
    warnings: (base, snapshot, week) =>
      tables.get(`warnings ${snapshot} ${week}`, async () =>
        (await ask(`${base}published/${segment(snapshot)}/warnings/${segment(week)}.json`)).json()),
    glyphs: (base) => tables.get("glyphs", async () => (await ask(`${base}assets/icons/kinds.json`)).json()),
  };
})();
