/* Triangles of a level's areas for the graphics card, in blocks that can be left out when they are off the screen. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});

  const MAX_FAN = 12; // a convex cell with up to so many corners is a fan around its middle
  const INNER = 0x80000000; // this corner is inside the cell; others are on its edge

  /** Vertices {xy, id}, triangle indices, block ranges, and the middle of each area for the view from far. With `edges`,
      the outlines of areas that are no fans too, as pairs of vertices. */
  function build(areas, { edges = false } = {}) {
    const order = blockOrder(areas);
    const size = count(areas);
    const mesh = {
      xy: new Float32Array(2 * size.vertices),
      id: new Uint32Array(size.vertices),
      triangles: new Uint32Array(size.indices),
      edges: new Uint32Array(edges ? 2 * size.clipped : 0),
      blocks: [],
      centres: new Float32Array(2 * areas.n),
      fans: 0, // areas whose edges the fill itself can draw
      cell: cellSize(areas),
    };
    const end = { vertex: 0, index: 0, edge: 0 };
    for (const members of order) {
      const block = { first: end.index, count: 0, firstEdge: end.edge, edges: 0, box: [Infinity, Infinity, -Infinity, -Infinity] };
      for (const i of members) {
        if (size.fan[i]) addFan(areas, i, mesh, end);
        else addEars(areas, i, mesh, end);
        const [w, n, e, s] = areas.box.subarray(4 * i, 4 * i + 4);
        mesh.centres[2 * i] = (w + e) / 2;
        mesh.centres[2 * i + 1] = (n + s) / 2;
        block.box[0] = Math.min(block.box[0], w);
        block.box[1] = Math.min(block.box[1], n);
        block.box[2] = Math.max(block.box[2], e);
        block.box[3] = Math.max(block.box[3], s);
      }
      block.count = end.index - block.first;
      block.edges = end.edge - block.firstEdge;
      mesh.blocks.push(block);
    }
    mesh.triangles = mesh.triangles.subarray(0, end.index);
    mesh.fans = size.fans;
    return mesh;
  }

  function cellSize(areas) {
    let width = 0;
    let height = 0;
    const step = Math.max(1, Math.floor(areas.n / 500));
    let seen = 0;
    for (let i = 0; i < areas.n; i += step, seen++) {
      width += areas.box[4 * i + 2] - areas.box[4 * i];
      height += areas.box[4 * i + 3] - areas.box[4 * i + 1];
    }
    return { width: width / seen, height: height / seen };
  }

  /** Areas grouped by where they are, about a thousand a block. */
  function blockOrder(areas) {
    const side = Math.max(1, Math.min(24, Math.floor(Math.sqrt(areas.n / 700))));
    const [w, n, e, s] = areas.extent;
    const blocks = Array.from({ length: side * side }, () => []);
    for (let i = 0; i < areas.n; i++) {
      const x = (areas.box[4 * i] + areas.box[4 * i + 2]) / 2;
      const y = (areas.box[4 * i + 1] + areas.box[4 * i + 3]) / 2;
      const column = Math.min(side - 1, Math.floor(((x - w) / (e - w || 1)) * side));
      const row = Math.min(side - 1, Math.floor(((y - n) / (s - n || 1)) * side));
      blocks[row * side + column].push(i);
    }
    return blocks.filter((members) => members.length);
  }

  function count(areas) {
    const fan = new Uint8Array(areas.n);
    let vertices = 0;
    let indices = 0;
    let fans = 0;
    let clipped = 0; // points of areas that are no fans
    for (let i = 0; i < areas.n; i++) {
      const firstRing = areas.featureRing[i];
      const lastRing = areas.featureRing[i + 1];
      if (lastRing === firstRing) continue;
      const points = areas.ringStart[lastRing] - areas.ringStart[firstRing];
      if (lastRing - firstRing === 1 && points <= MAX_FAN && isConvex(areas, firstRing)) {
        fan[i] = 1;
        fans += 1;
        vertices += points + 1;
        indices += 3 * points;
      } else {
        const holes = lastRing - firstRing;
        vertices += points;
        clipped += points;
        indices += 3 * (points + 2 * holes); // an upper bound
      }
    }
    return { fan, fans, vertices, indices, clipped };
  }

  function isConvex(areas, r) {
    const [first, end] = areas.ring(r);
    const n = end - first;
    let sign = 0;
    for (let k = 0; k < n; k++) {
      const a = 2 * (first + k);
      const b = 2 * (first + ((k + 1) % n));
      const c = 2 * (first + ((k + 2) % n));
      const { xy } = areas;
      const turn = (xy[b] - xy[a]) * (xy[c + 1] - xy[b + 1]) - (xy[b + 1] - xy[a + 1]) * (xy[c] - xy[b]);
      if (turn === 0) continue;
      if (sign && Math.sign(turn) !== sign) return false;
      sign = Math.sign(turn);
    }
    return sign !== 0;
  }

  function addFan(areas, i, mesh, end) {
    const [first, stop] = areas.ring(areas.featureRing[i]);
    const n = stop - first;
    const middle = end.vertex++;
    let cx = 0;
    let cy = 0;
    for (let k = 0; k < n; k++) {
      const x = areas.xy[2 * (first + k)];
      const y = areas.xy[2 * (first + k) + 1];
      cx += x / n;
      cy += y / n;
      const v = end.vertex++;
      mesh.xy[2 * v] = x;
      mesh.xy[2 * v + 1] = y;
      mesh.id[v] = i;
      mesh.triangles[end.index++] = middle;
      mesh.triangles[end.index++] = v;
      mesh.triangles[end.index++] = middle + 1 + ((k + 1) % n);
    }
    mesh.xy[2 * middle] = cx;
    mesh.xy[2 * middle + 1] = cy;
    mesh.id[middle] = (i | INNER) >>> 0;
  }

  function addEars(areas, i, mesh, end) {
    const firstRing = areas.featureRing[i];
    const lastRing = areas.featureRing[i + 1];
    if (firstRing === lastRing) return;
    const firstPoint = areas.ringStart[firstRing];
    const lastPoint = areas.ringStart[lastRing];
    const offset = end.vertex - firstPoint;
    for (let p = firstPoint; p < lastPoint; p++) {
      mesh.xy[2 * end.vertex] = areas.xy[2 * p];
      mesh.xy[2 * end.vertex + 1] = areas.xy[2 * p + 1];
      mesh.id[end.vertex++] = (i | INNER) >>> 0;
    }
    for (let r = firstRing; mesh.edges.length && r < lastRing; r++) {
      const [first, stop] = areas.ring(r);
      for (let k = first, j = stop - 1; k < stop; j = k++) {
        mesh.edges[end.edge++] = j + offset;
        mesh.edges[end.edge++] = k + offset;
      }
    }
    let r = firstRing;
    while (r < lastRing) {
      let stop = r + 1;
      while (stop < lastRing && areas.ringIsHole[stop]) stop++;
      for (const p of clipEars(areas, r, stop)) mesh.triangles[end.index++] = p + offset;
      r = stop;
    }
  }

  /** Ear clipping (Meisters 1975) of one outer ring with its holes bridged in (Eberly, "Triangulation by Ear
      Clipping"); corners are tested only against reflex ones near them, so that thousands of points are quick. */
  function clipEars(areas, first, stop) {
    const { xy } = areas;
    const ring = pointsOf(areas, first, false);
    const holes = [];
    for (let r = first + 1; r < stop; r++) holes.push(pointsOf(areas, r, true));
    const rightmost = (points) => points.reduce((best, p, k) => (xy[2 * p] > xy[2 * points[best]] ? k : best), 0);
    holes.sort((a, b) => xy[2 * b[rightmost(b)]] - xy[2 * a[rightmost(a)]]);
    let outline = ring;
    for (const hole of holes) outline = bridge(xy, outline, hole, rightmost(hole));
    return clip(xy, outline);
  }

  function pointsOf(areas, r, isHole) {
    const [first, end] = areas.ring(r);
    const points = [];
    let area = 0;
    for (let k = first, j = end - 1; k < end; j = k++) {
      area += areas.xy[2 * j] * areas.xy[2 * k + 1] - areas.xy[2 * k] * areas.xy[2 * j + 1];
      points.push(k);
    }
    if (area > 0 === isHole) points.reverse(); // outer rings turn one way, holes the other
    return points;
  }

  function bridge(xy, outline, hole, start) {
    const hx = xy[2 * hole[start]];
    const hy = xy[2 * hole[start] + 1];
    let best = -1;
    let bestX = Infinity;
    for (let k = 0; k < outline.length; k++) {
      const a = outline[k];
      const b = outline[(k + 1) % outline.length];
      const [ay, by] = [xy[2 * a + 1], xy[2 * b + 1]];
      if (ay === by || (ay > hy && by > hy) || (ay < hy && by < hy)) continue;
      const x = xy[2 * a] + ((hy - ay) / (by - ay)) * (xy[2 * b] - xy[2 * a]);
      if (x >= hx && x < bestX) {
        bestX = x;
        best = xy[2 * a] > xy[2 * b] ? k : (k + 1) % outline.length;
      }
    }
    if (best < 0) return outline;
    // A corner inside the triangle (hole, hit, chosen corner) would cut the bridge: the one at the flattest angle wins.
    const px = xy[2 * outline[best]];
    const py = xy[2 * outline[best] + 1];
    let flattest = Infinity;
    for (let k = 0; k < outline.length; k++) {
      const x = xy[2 * outline[k]];
      const y = xy[2 * outline[k] + 1];
      if (x < hx || (x === px && y === py)) continue;
      if (!inTriangle(hx, hy, bestX, hy, px, py, x, y)) continue;
      const slope = Math.abs(y - hy) / (x - hx || 1e-12);
      if (slope < flattest) {
        flattest = slope;
        best = k;
      }
    }
    const turned = hole.slice(start).concat(hole.slice(0, start + 1));
    return outline.slice(0, best + 1).concat(turned, outline.slice(best));
  }

  function inTriangle(ax, ay, bx, by, cx, cy, x, y) {
    const d1 = (x - bx) * (ay - by) - (ax - bx) * (y - by);
    const d2 = (x - cx) * (by - cy) - (bx - cx) * (y - cy);
    const d3 = (x - ax) * (cy - ay) - (cx - ax) * (y - ay);
    return !((d1 < 0 || d2 < 0 || d3 < 0) && (d1 > 0 || d2 > 0 || d3 > 0));
  }

  function clip(xy, outline) {
    const n = outline.length;
    const next = Int32Array.from(outline, (_, k) => (k + 1) % n);
    const previous = Int32Array.from(outline, (_, k) => (k + n - 1) % n);
    const X = (k) => xy[2 * outline[k]];
    const Y = (k) => xy[2 * outline[k] + 1];
    const turn = (a, b, c) => (X(b) - X(a)) * (Y(c) - Y(b)) - (Y(b) - Y(a)) * (X(c) - X(b));
    const isReflex = new Uint8Array(n);
    for (let k = 0; k < n; k++) if (turn(previous[k], k, next[k]) <= 0) isReflex[k] = 1;
    const near = buckets(n, X, Y, (k) => isReflex[k]);
    const isEar = (a, b, c) => {
      if (turn(a, b, c) <= 0) return false;
      const west = Math.min(X(a), X(b), X(c));
      const east = Math.max(X(a), X(b), X(c));
      const north = Math.min(Y(a), Y(b), Y(c));
      const south = Math.max(Y(a), Y(b), Y(c));
      const isCorner = (x, y) =>
        (x === X(a) && y === Y(a)) || (x === X(b) && y === Y(b)) || (x === X(c) && y === Y(c));
      return !near(west, north, east, south, (k) => {
        if (!isReflex[k]) return false; // it was, until its neighbours were cut off
        const x = X(k);
        const y = Y(k);
        if (x < west || x > east || y < north || y > south || isCorner(x, y)) return false;
        return inTriangle(X(a), Y(a), X(b), Y(b), X(c), Y(c), x, y);
      });
    };
    const triangles = [];
    let left = n;
    let k = 0;
    let tried = 0;
    while (left > 2) {
      const a = previous[k];
      const c = next[k];
      // After a full round without an ear the ring crosses itself: the corner is cut off, drawn or not.
      if (isEar(a, k, c) || tried > left) {
        if (turn(a, k, c) > 0) triangles.push(outline[a], outline[k], outline[c]);
        next[a] = c;
        previous[c] = a;
        isReflex[k] = 0;
        for (const j of [a, c]) if (isReflex[j] && turn(previous[j], j, next[j]) > 0) isReflex[j] = 0;
        left -= 1;
        tried = 0;
        k = next[c];
      } else {
        k = c;
        tried += 1;
      }
    }
    return triangles;
  }

  /** Corners by place: `near` asks those around a box until one answers yes. */
  function buckets(n, X, Y, isWanted) {
    const side = Math.max(1, Math.min(64, Math.ceil(Math.sqrt(n / 4))));
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = 0; k < n; k++) {
      west = Math.min(west, X(k));
      east = Math.max(east, X(k));
      north = Math.min(north, Y(k));
      south = Math.max(south, Y(k));
    }
    const column = (x) => Math.min(side - 1, Math.floor(((x - west) / (east - west || 1)) * side));
    const row = (y) => Math.min(side - 1, Math.floor(((y - north) / (south - north || 1)) * side));
    const lists = new Array(side * side);
    for (let k = 0; k < n; k++) {
      if (!isWanted(k)) continue;
      const at = row(Y(k)) * side + column(X(k));
      (lists[at] = lists[at] || []).push(k);
    }
    return (w, nn, e, s, says) => {
      for (let r = row(nn); r <= row(s); r++) {
        for (let c = column(w); c <= column(e); c++) {
          const list = lists[r * side + c];
          if (list && list.some(says)) return true;
        }
      }
      return false;
    };
  }

  xintuMap.mesh = { build };
})();
