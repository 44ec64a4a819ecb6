/* The map without WebGL: the same areas, colours, lines and camera on a 2-D canvas. Quick enough for some 5 000 cells. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});
  const { mercatorX, mercatorY, lngOf, latOf } = xintuMap.data;

  const MIN_ZOOM = 4;
  const MAX_ZOOM = 18;

  /** Host of the map: camera, events, areas, lines. cells-gl.js has the same methods. */
  class FlatHost {
    constructor(box, on) {
      this.box = box;
      this.on = on;
      this.kind = "flat";
      this.canvas = document.createElement("canvas");
      this.canvas.className = "xmap-flat";
      this.canvas.tabIndex = 0;
      box.prepend(this.canvas);
      this.ink = this.canvas.getContext("2d");
      this.camera = { x: 0.5, y: 0.5, zoom: 8 };
      this.minZoom = MIN_ZOOM;
      this.shown = null;
      this.lines = {};
      this.waiting = [];
      this.pointers = new Map();
      this._listen();
    }

    _listen() {
      const { canvas } = this;
      const at = (event) => {
        const box = canvas.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
      };
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, at(event));
        this.pressed = at(event);
        this.dragged = false;
      });
      canvas.addEventListener("pointermove", (event) => {
        const [x, y] = at(event);
        const before = this.pointers.get(event.pointerId);
        if (!before) return this.on.hover(x, y, ...this.unproject(x, y));
        if (this.pressed && Math.hypot(x - this.pressed[0], y - this.pressed[1]) > 3) this.dragged = true;
        this._drag(event.pointerId, before, [x, y]);
      });
      const release = (event) => {
        if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
        const [x, y] = at(event);
        if (this.dragged) this.on.settled(true);
        else if (event.type === "pointerup") this.on.click(x, y, ...this.unproject(x, y));
      };
      canvas.addEventListener("pointerup", release);
      canvas.addEventListener("pointercancel", release);
      canvas.addEventListener("pointerleave", () => this.on.leave());
      canvas.addEventListener("wheel", (event) => {
        event.preventDefault();
        this._zoomAt(...at(event), this.camera.zoom - event.deltaY / (event.deltaMode ? 10 : 300));
        clearTimeout(this.wheelEnd);
        this.wheelEnd = setTimeout(() => this.on.settled(true), 150);
      }, { passive: false });
      canvas.addEventListener("dblclick", () => this.home && this.fit(this.home));
      canvas.addEventListener("keydown", (event) => this._key(event));
      this.watch = new ResizeObserver(() => {
        this.on.resized();
        this.invalidate();
      });
      this.watch.observe(this.box);
    }

    _key(event) {
      const step = { ArrowLeft: [-80, 0], ArrowRight: [80, 0], ArrowUp: [0, -80], ArrowDown: [0, 80] }[event.key];
      const zoom = { "+": 0.5, "=": 0.5, "-": -0.5 }[event.key];
      if (!step && !zoom) return;
      event.preventDefault();
      const view = this.view();
      if (zoom) this._zoomAt(view.width / 2, view.height / 2, this.camera.zoom + zoom);
      else {
        this.camera.x += step[0] / view.scale;
        this.camera.y += step[1] / view.scale;
      }
      this.invalidate();
      this.on.settled(true);
    }

    _drag(id, before, now) {
      const others = [...this.pointers].filter(([other]) => other !== id).map(([, point]) => point);
      this.pointers.set(id, now);
      const { scale } = this.view();
      if (others.length === 1) {
        const [other] = others;
        const spread = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
        const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
        this._zoomAt(...middle, this.camera.zoom + Math.log2(spread(now) / spread(before)));
      } else if (!others.length) {
        this.camera.x -= (now[0] - before[0]) / scale;
        this.camera.y -= (now[1] - before[1]) / scale;
      }
      this.on.move();
      this.invalidate();
    }

    _zoomAt(x, y, zoom) {
      const before = this.view();
      const mx = before.x + (x - before.width / 2) / before.scale;
      const my = before.y + (y - before.height / 2) / before.scale;
      this.camera.zoom = Math.max(this.minZoom, Math.min(MAX_ZOOM, zoom));
      const { scale } = this.view();
      this.camera.x = mx - (x - before.width / 2) / scale;
      this.camera.y = my - (y - before.height / 2) / scale;
      this.on.move();
      this.invalidate();
    }

    get alive() {
      return this.canvas.isConnected;
    }

    dispose() {
      this.watch.disconnect();
      clearTimeout(this.wheelEnd);
      this.canvas.remove();
    }

    view() {
      const { x, y, zoom } = this.camera;
      return { x, y, zoom, scale: 512 * 2 ** zoom, width: this.box.clientWidth, height: this.box.clientHeight };
    }

    unproject(px, py) {
      const view = this.view();
      return [
        lngOf(view.x + (px - view.width / 2) / view.scale),
        latOf(view.y + (py - view.height / 2) / view.scale),
      ];
    }

    viewOfBounds([w, s, e, n], maxZoom = 17) {
      const view = this.view();
      const pad = Math.min(48, Math.min(view.width, view.height) * 0.05);
      const across = (view.width - 2 * pad) / (mercatorX(e) - mercatorX(w));
      const down = (view.height - 2 * pad) / (mercatorY(s) - mercatorY(n));
      const zoom = Math.min(maxZoom, Math.log2(Math.max(1, Math.min(across, down)) / 512));
      return {
        ...view,
        zoom,
        scale: 512 * 2 ** zoom,
        x: (mercatorX(w) + mercatorX(e)) / 2,
        y: (mercatorY(s) + mercatorY(n)) / 2,
      };
    }

    fit(bounds, { maxZoom = 17 } = {}) {
      const { x, y, zoom } = this.viewOfBounds(bounds, maxZoom);
      this.camera = { x, y, zoom };
      this.invalidate();
      this.on.settled();
    }

    zoomTo(lng, lat, zoom) {
      this.camera = { x: mercatorX(lng), y: mercatorY(lat), zoom: Math.min(MAX_ZOOM, zoom) };
      this.invalidate();
      this.on.settled();
    }

    /** The camera of another map; `settled` once that one has come to rest. */
    look({ x, y, zoom }, settled) {
      this.camera = { x, y, zoom: Math.max(this.minZoom, Math.min(MAX_ZOOM, zoom)) };
      this.invalidate();
      if (settled) this.on.settled(true);
    }

    setHome(bounds) {
      this.home = bounds;
      this.minZoom = Math.max(0, this.viewOfBounds(bounds).zoom - 1.5);
    }

    setTheme(theme) {
      this.theme = theme;
      this.patterns = null;
      this.invalidate();
    }

    setAreas(areas, classes, tokens, edges) {
      this.shown = { areas, classes, tokens, edges };
      this.groups = null;
      this.invalidate();
    }

    setLines(lines) {
      this.lines = lines;
      this.invalidate();
    }

    idle() {
      return new Promise((resolve) => {
        this.waiting.push(resolve);
        this.invalidate();
      });
    }

    invalidate() {
      if (this.asked) return;
      this.asked = requestAnimationFrame(() => {
        this.asked = 0;
        if (!this.alive) return;
        this._draw();
        this.on.frame(this.view());
        this.waiting.splice(0).forEach((resolve) => resolve());
      });
    }

    // ---------------------------------------------------------------- drawing

    _draw() {
      const view = this.view();
      const ratio = Math.max(1, window.devicePixelRatio || 1);
      const [w, h] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
      if (this.canvas.width !== w || this.canvas.height !== h) {
        this.canvas.width = w;
        this.canvas.height = h;
      }
      const { ink, theme } = this;
      ink.setTransform(1, 0, 0, 1, 0, 0);
      ink.clearRect(0, 0, w, h);
      if (!theme) return;
      if (this.shown) this._areas(view, ratio);
      if (this.lines.waterAreas) this._water(view, ratio, this.lines.waterAreas);
      for (const line of xintuMap.marks.strokesOf(this.lines)) this._stroke(view, ratio, line);
    }

    _transform(view, ratio, [ox, oy]) {
      const k = view.scale * ratio;
      return new DOMMatrix([
        k, 0, 0, k,
        ((ox - view.x) * view.scale + view.width / 2) * ratio,
        ((oy - view.y) * view.scale + view.height / 2) * ratio,
      ]);
    }

    _areas(view, ratio) {
      const { ink, theme } = this;
      const { areas, tokens, edges } = this.shown;
      this.groups = this.groups || this._group();
      this.patterns = this.patterns || this._patterns(ratio);
      const matrix = this._transform(view, ratio, areas.origin);
      const [w, n, e, s] = areas.extent;
      const px = view.scale * Math.sqrt(((e - w) * (s - n)) / areas.n);
      for (const [bits, path] of this.groups) {
        const [state, c] = [bits >> 4, bits & 15];
        if (state === 4 || state > 5) continue;
        const at = new Path2D();
        at.addPath(path, matrix);
        ink.fillStyle = state === 1 ? this.patterns["no-data"] : state === 2 ? this.patterns.suppressed : state === 5 ? this.patterns.unreachable : theme.css(tokens[c]);
        ink.fill(at, "evenodd");
        if (state === 3) {
          ink.fillStyle = this.patterns.unreliable;
          ink.fill(at, "evenodd");
        }
        if (!edges || px < 7) continue;
        ink.strokeStyle = theme.css((state === 0 && c === 15) || state === 1 ? "zero-line" : "map-cell-edge");
        ink.lineWidth = 0.8 * ratio;
        ink.stroke(at);
      }
    }

    /** One path for each class byte: sixteen fills, not thousands. */
    _group() {
      const { areas, classes } = this.shown;
      const groups = new Map();
      for (let i = 0; i < areas.n; i++) {
        const bits = classes[i] ?? 16;
        let path = groups.get(bits);
        if (!path) groups.set(bits, (path = new Path2D()));
        pathOf(areas, i, i + 1, path);
      }
      return groups;
    }

    _patterns(ratio) {
      const made = {};
      for (const name of ["no-data", "suppressed", "unreliable", "unreachable"]) {
        made[name] = this.ink.createPattern(xintuMap.marks.pattern(this.theme, name, ratio), "repeat");
      }
      return made;
    }

    _water(view, ratio, areas) {
      const at = new Path2D();
      areas.path = areas.path || pathOf(areas, 0, areas.n);
      at.addPath(areas.path, this._transform(view, ratio, areas.origin));
      this.ink.fillStyle = this.theme.css("map-water");
      this.ink.fill(at, "evenodd");
    }

    _stroke(view, ratio, { strokes, token, width }) {
      const px = width(view.zoom);
      if (!(px > 0)) return;
      const drawn = strokes.at(view.zoom);
      if (!drawn.path) {
        const { segments } = drawn;
        drawn.path = new Path2D();
        for (let k = 0; k < segments.length; k += 4) {
          drawn.path.moveTo(segments[k], segments[k + 1]);
          drawn.path.lineTo(segments[k + 2], segments[k + 3]);
        }
      }
      const at = new Path2D();
      at.addPath(drawn.path, this._transform(view, ratio, strokes.origin));
      const { ink } = this;
      ink.strokeStyle = this.theme.css(token);
      ink.lineWidth = px * ratio;
      ink.lineCap = "round";
      ink.stroke(at);
    }
  }

  /** Rings of some areas, as one path. */
  function pathOf(areas, first, end, path = new Path2D()) {
    for (let r = areas.featureRing[first]; r < areas.featureRing[end]; r++) {
      const [start, stop] = areas.ring(r);
      path.moveTo(areas.xy[2 * start], areas.xy[2 * start + 1]);
      for (let k = start + 1; k < stop; k++) path.lineTo(areas.xy[2 * k], areas.xy[2 * k + 1]);
      path.closePath();
    }
    return path;
  }

  xintuMap.flat = { FlatHost };
})();
