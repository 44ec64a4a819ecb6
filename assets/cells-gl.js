/* The map on WebGL 2: the MapLibre map that Plotly's map subplot holds gives camera, events and frames; what is drawn on it
   is drawn by the one layer of cells-layer.js. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});
  const { mercatorX, mercatorY, lngOf, latOf } = xintuMap.data;

  function viewOf(map) {
    const { lng, lat } = map.getCenter();
    const box = map.getContainer();
    const zoom = map.getZoom();
    return {
      x: mercatorX(lng),
      y: mercatorY(lat),
      zoom,
      scale: 512 * 2 ** zoom,
      width: box.clientWidth,
      height: box.clientHeight,
    };
  }

  /** Host of the map: camera, events, areas, lines. cells-flat.js has the same methods. */
  class GlHost {
    constructor(graph, on) {
      this.graph = graph;
      this.on = on;
      this.kind = "webgl";
      this.map = graph._fullLayout.map._subplot.map;
      this.layer = new xintuMap.layer.BaseLayer();
      this.lines = null;
      this.theme = null;
      this._listen();
    }

    _listen() {
      const { map } = this;
      map.dragRotate.disable();
      map.touchZoomRotate.disableRotation();
      map.keyboard.disableRotation();
      map.touchPitch?.disable();
      map.setMaxPitch(0);
      this.handlers = {
        render: () => this.on.frame(this.view()),
        move: () => this.on.move(),
        moveend: (event) => this.led || this.on.settled(Boolean(event.originalEvent)),
        resize: () => this.on.resized(),
        click: (event) => this.on.click(event.point.x, event.point.y, event.lngLat.lng, event.lngLat.lat),
        mousemove: (event) => this.on.hover(event.point.x, event.point.y, event.lngLat.lng, event.lngLat.lat),
        mouseout: () => this.on.leave(),
        webglcontextrestored: () => this._ensure(true),
      };
      for (const [name, handler] of Object.entries(this.handlers)) map.on(name, handler);
      this._keepCamera();
      this._afterPlot = () => this._ensure(false);
      this.graph.on("plotly_afterplot", this._afterPlot);
    }

    /** True while this host's map is the one the graph shows. */
    get alive() {
      return this.graph.isConnected && this.graph._fullLayout?.map?._subplot?.map === this.map;
    }

    dispose() {
      const { map } = this;
      this.graph.removeListener?.("plotly_afterplot", this._afterPlot);
      for (const [name, handler] of Object.entries(this.handlers)) map.off(name, handler);
      this._freeCamera();
      if (!this.alive || !map.style) return; // Plotly has removed the map, and with it all that was on it
      if (map.getLayer(this.layer.id)) map.removeLayer(this.layer.id);
    }

    view() {
      return viewOf(this.map);
    }

    viewOfBounds(bounds) {
      const camera = this.map.cameraForBounds(asBounds(bounds), { padding: this.padding() });
      return camera ? { ...this.view(), zoom: camera.zoom, scale: 512 * 2 ** camera.zoom } : this.view();
    }

    padding() {
      const box = this.map.getContainer();
      return Math.round(Math.min(48, Math.min(box.clientWidth, box.clientHeight) * 0.05));
    }

    fit(bounds, { duration = 0, maxZoom = 17 } = {}) {
      this.map.fitBounds(asBounds(bounds), { padding: this.padding(), maxZoom, animate: duration > 0, duration, linear: true });
    }

    zoomTo(lng, lat, zoom, duration) {
      this.map.easeTo({ center: [lng, lat], zoom, animate: duration > 0, duration });
    }

    /** The camera of another map; `settled` once that one has come to rest. */
    look({ x, y, zoom }, settled) {
      this.led = true;
      this.map.jumpTo({ center: [lngOf(x), latOf(y)], zoom });
      this.led = false;
      if (settled) this.on.settled(true);
    }

    /** Where a double click leads back to. */
    setHome(bounds) {
      const camera = this.map.cameraForBounds(asBounds(bounds), { padding: this.padding() });
      if (!camera) return;
      const center = { lon: camera.center.lng, lat: camera.center.lat };
      this.graph._fullLayout.map._subplot.viewInitial = { center, zoom: camera.zoom, bearing: 0, pitch: 0 };
      this.map.setMinZoom(Math.max(0, camera.zoom - 1.5));
    }

    setTheme(theme) {
      this.theme = theme;
      this._lines();
    }

    /** `edges`: whether areas have outlines of their own, where no boundary line is drawn. */
    setAreas(areas, classes, tokens, edges) {
      this.layer.show(areas, classes, xintuMap.layer.shaderColours(this.theme, tokens), edges);
      this._ensure(false);
      this.map.triggerRepaint();
    }

    /** Water and lines by name: {water: {areas, strokes}, road: [strokes by rank], village, town, county: strokes}. */
    setLines(lines) {
      this.lines = lines;
      this._lines();
      this.map.triggerRepaint();
    }

    _lines() {
      const { theme, lines } = this;
      if (!theme || !lines) return;
      const water = lines.waterAreas ? { areas: lines.waterAreas, ink: theme.rgba("map-water") } : null;
      const strokes = xintuMap.marks.strokesOf(lines).map(({ token, ...line }) => ({ ...line, ink: theme.rgba(token) }));
      this.layer.showLines({ water, strokes });
    }

    _later() {
      this.map.once("style.load", () => this._ensure(false));
    }

    /** Plotly may have rebuilt the style; what we had drawn is put back. */
    _ensure(again) {
      const { map } = this;
      if (!this.alive) return this.on.lost();
      // Nothing can be added to a style that is still being read; the next plot or view asks again.
      if (!map.style?._loaded) return this._later();
      if (again && map.getLayer(this.layer.id)) map.removeLayer(this.layer.id);
      if (!map.getLayer(this.layer.id)) map.addLayer(this.layer);
    }

    /** Resolves when everything asked for is on the screen. */
    idle() {
      return new Promise((resolve) => {
        this.map.once("idle", resolve);
        this.map.triggerRepaint();
      });
    }

    invalidate() {
      this.map.triggerRepaint();
    }

    /** Whenever Plotly redraws it puts the camera where its layout says: the layout is told where the camera is. */
    _keepCamera() {
      const { map } = this;
      const subplot = this.graph._fullLayout.map._subplot;
      const update = subplot.updateLayout;
      subplot.updateLayout = function (full) {
        const { lng, lat } = map.getCenter();
        const own = full[this.id];
        own.center = own._input.center = { lon: lng, lat };
        own.zoom = own._input.zoom = map.getZoom();
        return update.call(this, full);
      };
      this._freeCamera = () => delete subplot.updateLayout;
    }
  }

  const asBounds = ([w, s, e, n]) => [[w, s], [e, n]];
  /** Whether this browser draws WebGL 2. The first context takes a browser up to a second, so it is asked for as soon as this
      file is read, and beside the page. */
  const hasWebGl = new Promise((resolve) => {
    if (!window.WebGL2RenderingContext) return resolve(false);
    const askHere = () => {
      const gl = document.createElement("canvas").getContext("webgl2");
      gl?.getExtension("WEBGL_lose_context")?.loseContext();
      resolve(Boolean(gl));
    };
    if (!window.OffscreenCanvas) return askHere();
    const code = "postMessage(Boolean(new OffscreenCanvas(1, 1).getContext('webgl2')))";
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(url);
    const end = (then) => {
      worker.terminate();
      URL.revokeObjectURL(url);
      then();
    };
    worker.onmessage = ({ data }) => end(() => resolve(data));
    worker.onerror = () => end(askHere);
  });

  xintuMap.gl = { GlHost, hasWebGl, viewOf };
})();
