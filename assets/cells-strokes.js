/* Lines of the map: boundaries, roads, rivers, as loose segments around an origin. A border that two areas share is one
   segment. For each zoom the points closer than a pixel are made one, the same on both sides of a border. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});

  const GRAIN_PX = 0.7; // points closer than this at a zoom are one
  const FINEST_ZOOM = 15; // from here on nothing is left out
  const BLOCK = 1500; // segments in a block, about

  class Strokes {
    /** segments: Float32Array of x0, y0, x1, y1 in the unit square, relative to origin. */
    constructor(key, origin, segments) {
      this.key = key;
      this.origin = origin;
      this.segments = unique(segments);
      this.levels = new Map();
    }

    /** Segments for a zoom, in blocks that can be left out: {key, segments, blocks: [{first, count, box}]}. */
    at(zoom) {
      const level = Math.min(FINEST_ZOOM, Math.max(0, Math.ceil(zoom)));
      let found = this.levels.get(level);
      if (!found) {
        const kept = level === FINEST_ZOOM ? this.segments : coarsen(this.segments, GRAIN_PX / (512 * 2 ** level));
        found = { key: `${this.key} ${level}`, ...inBlocks(kept) };
        this.levels.set(level, found);
      }
      return found;
    }

    /** Borders of areas. */
    static ofAreas(areas, key = "borders " + areas.hash) {
      const out = new Float32Array(2 * areas.xy.length);
      let end = 0;
      for (let r = 0; r < areas.ringIsHole.length; r++) {
        const [first, stop] = areas.ring(r);
        for (let k = first, j = stop - 1; k < stop; j = k++) {
          out[end++] = areas.xy[2 * j];
          out[end++] = areas.xy[2 * j + 1];
          out[end++] = areas.xy[2 * k];
          out[end++] = areas.xy[2 * k + 1];
        }
      }
      return new Strokes(key, areas.origin, out);
    }

    /** Lines of GeoJSON features. */
    static ofLines(features, key, { mercatorX, mercatorY }) {
      const lines = features.flatMap(({ geometry }) =>
        ({ LineString: [geometry?.coordinates], MultiLineString: geometry?.coordinates })[geometry?.type] || []);
      const count = lines.reduce((sum, line) => sum + Math.max(0, line.length - 1), 0);
      const origin = lines.length ? [mercatorX(lines[0][0][0]), mercatorY(lines[0][0][1])] : [0.5, 0.5];
      const out = new Float32Array(4 * count);
      let end = 0;
      for (const line of lines) {
        const points = line.map(([lng, lat]) => [mercatorX(lng) - origin[0], mercatorY(lat) - origin[1]]);
        for (let k = 1; k < points.length; k++) {
          out.set([...points[k - 1], ...points[k]], end);
          end += 4;
        }
      }
      return new Strokes(key, origin, out);
    }
  }

  /** Each segment once, whichever way it runs. */
  function unique(segments) {
    const bits = new Int32Array(segments.buffer, segments.byteOffset, segments.length);
    const n = segments.length / 4;
    const size = 2 ** Math.ceil(Math.log2(Math.max(4, 2 * n)));
    const table = new Int32Array(size).fill(-1);
    const out = new Float32Array(segments.length);
    const outBits = new Int32Array(out.buffer);
    let kept = 0;
    for (let i = 0; i < n; i++) {
      const [a, b, c, d] = [bits[4 * i], bits[4 * i + 1], bits[4 * i + 2], bits[4 * i + 3]];
      if (a === c && b === d) continue;
      // The same for both directions.
      const hash = (Math.imul(a ^ c, 0x9e3779b1) + Math.imul(b ^ d, 0x85ebca6b) + Math.imul((a + c) | 0, 0x27d4eb2f)) >>> 0;
      let slot = (hash ^ (hash >>> 15)) & (size - 1);
      let known = table[slot];
      while (known >= 0) {
        const [e, f, g, h] = [outBits[4 * known], outBits[4 * known + 1], outBits[4 * known + 2], outBits[4 * known + 3]];
        if ((a === e && b === f && c === g && d === h) || (a === g && b === h && c === e && d === f)) break;
        slot = (slot + 1) & (size - 1);
        known = table[slot];
      }
      if (known >= 0) continue;
      table[slot] = kept;
      outBits.set([a, b, c, d], 4 * kept++);
    }
    return out.slice(0, 4 * kept);
  }

  /** Every point becomes the first one found in its square of the grid; what is no longer than that goes. */
  function coarsen(segments, grain) {
    const chosen = new Map();
    const out = new Float32Array(segments.length);
    for (let k = 0; k < segments.length; k += 2) {
      const key = Math.floor(segments[k] / grain) * 67108864 + Math.floor(segments[k + 1] / grain);
      let at = chosen.get(key);
      if (at === undefined) chosen.set(key, (at = k));
      out[k] = segments[at];
      out[k + 1] = segments[at + 1];
    }
    return unique(out);
  }

  /** Segments sorted by where they are. */
  function inBlocks(segments) {
    const n = segments.length / 4;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = 0; k < segments.length; k += 2) {
      box[0] = Math.min(box[0], segments[k]);
      box[1] = Math.min(box[1], segments[k + 1]);
      box[2] = Math.max(box[2], segments[k]);
      box[3] = Math.max(box[3], segments[k + 1]);
    }
    const side = Math.max(1, Math.min(24, Math.round(Math.sqrt(n / BLOCK))));
    const cell = (value, from, to) => Math.min(side - 1, Math.floor(((value - from) / (to - from || 1)) * side));
    const members = Array.from({ length: side * side }, () => []);
    for (let i = 0; i < n; i++) {
      const x = (segments[4 * i] + segments[4 * i + 2]) / 2;
      const y = (segments[4 * i + 1] + segments[4 * i + 3]) / 2;
      members[cell(y, box[1], box[3]) * side + cell(x, box[0], box[2])].push(i);
    }
    const out = new Float32Array(segments.length);
    const blocks = [];
    let end = 0;
    for (const list of members) {
      if (!list.length) continue;
      const block = { first: end, count: list.length, box: [Infinity, Infinity, -Infinity, -Infinity] };
      for (const i of list) {
        const [x0, y0, x1, y1] = segments.subarray(4 * i, 4 * i + 4);
        out.set([x0, y0, x1, y1], 4 * end++);
        block.box[0] = Math.min(block.box[0], x0, x1);
        block.box[1] = Math.min(block.box[1], y0, y1);
        block.box[2] = Math.max(block.box[2], x0, x1);
        block.box[3] = Math.max(block.box[3], y0, y1);
      }
      blocks.push(block);
    }
    return { segments: out, blocks };
  }

  xintuMap.strokes = { Strokes };
})();
