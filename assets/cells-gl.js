/* The map on WebGL 2: one layer of our own on the MapLibre map that Plotly's map subplot holds.
   The colour of an area is one byte in a texture, so that a recolour uploads one small array and draws one frame; the
   four fills that are not a class are drawn by the same shader. Measured with 100 000 hexagons on software rendering
   against a MapLibre fill coloured by feature-state: first picture 1.9 s, 3.0 s from vector tiles, 7.7 s from GeoJSON. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});
  const { mercatorX, mercatorY } = xintuMap.data;

  const TEXTURE_WIDTH = 1024;
  const KEPT_MESHES = 4;
  const FAR_PX = 3.2; // cells narrower than this are drawn as points: nobody can tell, and it is four times as fast

  const VERTEX = `#version 300 es
    precision highp float;
    precision highp usampler2D;
    in vec2 place;
    in uint id;
    uniform mat4 matrix;
    uniform float point;
    uniform usampler2D classes;
    flat out uint bits;
    out float inner;
    void main() {
      uint i = id & 0x7fffffffu;
      bits = texelFetch(classes, ivec2(int(i % ${TEXTURE_WIDTH}u), int(i / ${TEXTURE_WIDTH}u)), 0).r;
      inner = (id >> 31) == 1u ? 1.0 : 0.0;
      gl_Position = matrix * vec4(place, 0.0, 1.0);
      gl_PointSize = point;
    }`;
  const FRAGMENT = `#version 300 es
    precision highp float;
    flat in uint bits;
    in float inner;
    uniform vec4 palette[16];
    uniform vec4 noData[2];      // ground, line
    uniform vec4 suppressed[2];  // ground, dot
    uniform vec4 unreliable;     // line
    uniform vec4 edge;           // of a cell; alpha 0 leaves it out
    uniform vec4 zeroEdge;
    uniform vec3 screen;         // pixel of the level's origin, pixels to a CSS pixel
    uniform float patterns;      // 0 when cells are too small for one
    out vec4 colour;
    float stripe(float at, float period, float width) {
      float d = abs(fract(at / period) - 0.5) * period;
      return 1.0 - smoothstep(width * 0.5 - 0.35, width * 0.5 + 0.35, d);
    }
    void main() {
      uint state = bits >> 4;
      uint c = bits & 15u;
      vec2 p = (gl_FragCoord.xy - screen.xy) / screen.z;
      vec4 q;
      if (state == 0u) q = palette[c];
      else if (state == 1u) q = mix(noData[0], noData[1], mix(0.25, stripe((p.x - p.y) * 0.70710678, 5.6568542, 1.2), patterns));
      else if (state == 2u) {
        float d = length(fract(p / 6.0) * 6.0 - 3.0);
        q = mix(suppressed[0], suppressed[1], mix(0.15, 1.0 - smoothstep(0.75, 1.45, d), patterns));
      }
      else if (state == 3u) q = mix(palette[c], vec4(unreliable.rgb, 1.0), unreliable.a * mix(0.3, stripe((p.x + p.y) * 0.70710678, 5.6568542, 1.8), patterns));
      else discard;
      if (edge.a > 0.0) {
        vec4 line = (c == 15u || state == 1u) ? zeroEdge : edge;
        float px = inner / max(fwidth(inner), 1e-6) / screen.z;
        q = mix(q, vec4(line.rgb, 1.0), line.a * (1.0 - smoothstep(0.35, 0.95, px)));
      }
      colour = vec4(q.rgb * q.a, q.a);
    }`;

  // Outlines of cells that are no fans. A line is one pixel wide; its distance from where it should be makes it smooth.
  const EDGE_VERTEX = `#version 300 es
    precision highp float;
    precision highp usampler2D;
    in vec2 place;
    in uint id;
    uniform mat4 matrix;
    uniform vec2 size;
    uniform usampler2D classes;
    flat out uint bits;
    out vec2 at;
    void main() {
      uint i = id & 0x7fffffffu;
      bits = texelFetch(classes, ivec2(int(i % ${TEXTURE_WIDTH}u), int(i / ${TEXTURE_WIDTH}u)), 0).r;
      gl_Position = matrix * vec4(place, 0.0, 1.0);
      at = (gl_Position.xy / gl_Position.w * 0.5 + 0.5) * size;
    }`;
  const EDGE_FRAGMENT = `#version 300 es
    precision highp float;
    flat in uint bits;
    in vec2 at;
    uniform vec4 edge;
    uniform vec4 zeroEdge;
    out vec4 colour;
    void main() {
      if ((bits >> 4) == 4u) discard;
      vec4 line = (bits == 15u || (bits >> 4) == 1u) ? vec4(zeroEdge.rgb, zeroEdge.a * edge.a) : edge;
      float a = line.a * (1.0 - smoothstep(0.3, 1.0, distance(at, gl_FragCoord.xy)));
      colour = vec4(line.rgb * a, a);
    }`;

  /** A MapLibre custom layer that draws one level's areas. */
  class AreaLayer {
    constructor() {
      this.id = "xintu-areas";
      this.type = "custom";
      this.renderingMode = "2d";
      this.shown = null;
      this.meshes = new Map();
      this.gl = null;
    }

    onAdd(map, gl) {
      this.map = map;
      this.gl = gl;
      this.meshes.clear();
      this.fill = link(gl, VERTEX, FRAGMENT);
      this.outline = link(gl, EDGE_VERTEX, EDGE_FRAGMENT);
      this.texture = gl.createTexture();
      this.dirty = true;
    }

    onRemove(map, gl) {
      for (const mesh of this.meshes.values()) free(gl, mesh);
      this.meshes.clear();
      gl.deleteTexture(this.texture);
      gl.deleteProgram(this.fill.program);
      gl.deleteProgram(this.outline.program);
      this.gl = null;
    }

    /** What is to be drawn: areas, their class bytes, and 16 class colours with the special fills. */
    show(areas, classes, colours, edges) {
      this.shown = { areas, classes, colours, edges };
      this.dirty = true;
    }

    render(gl, args) {
      if (!this.shown) return;
      const { areas, colours } = this.shown;
      const mesh = this._mesh(gl, areas);
      if (this.dirty) this._upload(gl);
      const worldPx = 512 * 2 ** this.map.getZoom();
      const ratio = this.map.getPixelRatio();
      const cellPx = Math.min(mesh.cell.width, mesh.cell.height) * worldPx;
      const view = viewOf(this.map);
      const matrix = relativeMatrix(args.defaultProjectionData.mainMatrix, areas.origin);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.enable(gl.BLEND);
      const { program, at } = this.fill;
      gl.useProgram(program);
      gl.uniformMatrix4fv(at("matrix"), false, matrix);
      gl.uniform1i(at("classes"), 0);
      gl.uniform4fv(at("palette[0]"), colours.palette);
      gl.uniform4fv(at("noData[0]"), colours.noData);
      gl.uniform4fv(at("suppressed[0]"), colours.suppressed);
      gl.uniform4fv(at("unreliable"), colours.unreliable);
      const fade = this.shown.edges ? Math.min(1, Math.max(0, (cellPx - 5) / 9)) : 0;
      const [r, g, b, a] = colours.edge;
      gl.uniform4f(at("edge"), r, g, b, a * fade);
      gl.uniform4fv(at("zeroEdge"), colours.zeroEdge);
      gl.uniform1f(at("patterns"), Math.min(1, Math.max(0, (cellPx - 5) / 5)));
      // Patterns stand still on the ground, not on the glass.
      const originX = (areas.origin[0] - view.x) * worldPx + view.width / 2;
      const originY = view.height / 2 - (areas.origin[1] - view.y) * worldPx;
      gl.uniform3f(at("screen"), (originX % 4800) * ratio, (originY % 4800) * ratio, ratio);
      if (cellPx < FAR_PX && mesh.fans === areas.n && areas.n > 5000) {
        gl.uniform1f(at("point"), Math.max(1, Math.ceil(cellPx * ratio)));
        gl.bindVertexArray(mesh.farArray);
        gl.drawArrays(gl.POINTS, 0, areas.n);
      } else {
        const blocks = inView(mesh.blocks, view, areas.origin, worldPx);
        gl.bindVertexArray(mesh.array);
        for (const [first, count] of runs(blocks, "first", "count")) {
          gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 4 * first);
        }
        // Neighbours draw their common edge twice.
        if (fade > 0 && mesh.edgeArray) this._outlines(gl, mesh, blocks, matrix, [r, g, b, 0.6 * a * fade]);
      }
      gl.bindVertexArray(null);
    }

    _outlines(gl, mesh, blocks, matrix, edge) {
      const { program, at } = this.outline;
      gl.useProgram(program);
      gl.uniformMatrix4fv(at("matrix"), false, matrix);
      gl.uniform1i(at("classes"), 0);
      gl.uniform2f(at("size"), gl.drawingBufferWidth, gl.drawingBufferHeight);
      gl.uniform4fv(at("edge"), edge);
      gl.uniform4fv(at("zeroEdge"), this.shown.colours.zeroEdge);
      gl.bindVertexArray(mesh.edgeArray);
      for (const [first, count] of runs(blocks, "firstEdge", "edges")) {
        gl.drawElements(gl.LINES, count, gl.UNSIGNED_INT, 4 * first);
      }
    }

    _mesh(gl, areas) {
      let mesh = this.meshes.get(areas.hash);
      if (!mesh) {
        mesh = upload(gl, xintuMap.mesh.build(areas, { edges: this.shown.edges }), areas.n);
        if (this.meshes.size >= KEPT_MESHES) {
          const [oldest] = this.meshes.keys();
          free(gl, this.meshes.get(oldest));
          this.meshes.delete(oldest);
        }
      }
      this.meshes.delete(areas.hash);
      this.meshes.set(areas.hash, mesh);
      return mesh;
    }

    _upload(gl) {
      const { areas, classes } = this.shown;
      const rows = Math.max(1, Math.ceil(areas.n / TEXTURE_WIDTH));
      const bytes = new Uint8Array(TEXTURE_WIDTH * rows).fill(16); // an array too short is no data, never a class
      bytes.set(classes.subarray(0, areas.n));
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
      gl.texImage2D(
        gl.TEXTURE_2D, 0, gl.R8UI, TEXTURE_WIDTH, rows, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, bytes);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      this.dirty = false;
    }
  }

  function link(gl, vertex, fragment) {
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      gl.deleteShader(shader);
    }
    gl.bindAttribLocation(program, 0, "place");
    gl.bindAttribLocation(program, 1, "id");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error("area shader: " + gl.getProgramInfoLog(program));
    }
    const known = new Map();
    const at = (name) => {
      if (!known.has(name)) known.set(name, gl.getUniformLocation(program, name));
      return known.get(name);
    };
    return { program, at };
  }

  function upload(gl, mesh, n) {
    const buffers = [];
    const fill = (target, data) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(target, buffer);
      gl.bufferData(target, data, gl.STATIC_DRAW);
      buffers.push(buffer);
    };
    const vertices = (xy, id, ...indices) => {
      fill(gl.ARRAY_BUFFER, xy);
      fill(gl.ARRAY_BUFFER, id);
      const [places, ids] = buffers.slice(-2);
      return indices.map((index) => {
        const array = gl.createVertexArray();
        gl.bindVertexArray(array);
        gl.bindBuffer(gl.ARRAY_BUFFER, places);
        gl.enableVertexAttribArray(0);
        gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
        gl.bindBuffer(gl.ARRAY_BUFFER, ids);
        gl.enableVertexAttribArray(1);
        gl.vertexAttribIPointer(1, 1, gl.UNSIGNED_INT, 0, 0);
        if (index) fill(gl.ELEMENT_ARRAY_BUFFER, index);
        gl.bindVertexArray(null);
        return array;
      });
    };
    const indices = mesh.edges.length ? [mesh.triangles, mesh.edges] : [mesh.triangles];
    const [array, edgeArray] = vertices(mesh.xy, mesh.id, ...indices);
    const [farArray] = vertices(mesh.centres, Uint32Array.from({ length: n }, (_, i) => i), null);
    const arrays = [array, edgeArray, farArray].filter(Boolean);
    return { array, edgeArray, farArray, arrays, buffers, blocks: mesh.blocks, cell: mesh.cell, fans: mesh.fans };
  }

  function free(gl, mesh) {
    mesh.arrays.forEach((array) => gl.deleteVertexArray(array));
    mesh.buffers.forEach((buffer) => gl.deleteBuffer(buffer));
  }

  /** The map's matrix for places relative to an origin, in doubles until the end: float32 is exact near the origin only. */
  function relativeMatrix(matrix, [ox, oy]) {
    const relative = Float32Array.from(matrix);
    for (let row = 0; row < 4; row++) {
      relative[12 + row] = matrix[row] * ox + matrix[4 + row] * oy + matrix[12 + row];
    }
    return relative;
  }

  /** Blocks that are on the screen, at least in part. */
  function inView(blocks, view, [ox, oy], worldPx) {
    const halfX = view.width / 2 / worldPx;
    const halfY = view.height / 2 / worldPx;
    return blocks.filter(({ box: [w, n, e, s] }) => {
      if (w + ox > view.x + halfX || e + ox < view.x - halfX) return false;
      return n + oy <= view.y + halfY && s + oy >= view.y - halfY;
    });
  }

  /** Ranges of indices of blocks, neighbours joined: [[first, count], …]. */
  function runs(blocks, first, count) {
    const joined = [];
    for (const block of blocks) {
      const last = joined[joined.length - 1];
      if (last && last[0] + last[1] === block[first]) last[1] += block[count];
      else joined.push([block[first], block[count]]);
    }
    return joined;
  }

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
      this.layer = new AreaLayer();
      this.sources = {}; // name: {url, visible}
      this.drawn = new Map(); // layer: {theme, visible}
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
        moveend: (event) => this.on.settled(Boolean(event.originalEvent)),
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
      for (const { id } of map.getStyle().layers) if (id.startsWith("xintu-")) map.removeLayer(id);
      if (map.getLayer(this.layer.id)) map.removeLayer(this.layer.id);
      for (const name of Object.keys(this.sources)) if (map.getSource("xintu-" + name)) map.removeSource("xintu-" + name);
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
      this.layer.show(areas, classes, shaderColours(this.theme, tokens), edges);
      this._ensure(false);
      this.map.triggerRepaint();
    }

    /** Lines and context: {village, town, county, water, road: {url, visible}}. */
    setLines(sources) {
      this.sources = sources;
      this._lines();
    }

    _lines() {
      const { map, theme } = this;
      if (!theme || !map.style) return;
      let added = false;
      for (const [name, { url, visible }] of Object.entries(this.sources)) {
        if (!visible) continue; // nothing is fetched for nothing
        const source = map.getSource("xintu-" + name);
        const data = new URL(url, window.location.href).href;
        if (!source) map.addSource("xintu-" + name, { type: "geojson", data, tolerance: 0.4 });
        else if (source.xintuData !== data) source.setData(data);
        map.getSource("xintu-" + name).xintuData = data;
      }
      const isArea = ["match", ["geometry-type"], ["Polygon", "MultiPolygon"], true, false];
      const layers = [
        ["xintu-water", "water", "fill", isArea, { "fill-color": theme.css("map-water"), "fill-antialias": true }],
        ["xintu-river", "water", "line", ["!", isArea],
          { "line-color": theme.css("map-water"), "line-width": width([8, 1, 13, 4, 16, 9]) }],
        ["xintu-shore", "water", "line", isArea, { "line-color": theme.css("map-water-line"), "line-width": 0.7 }],
        ...xintuMap.marks.LINES.map(([source, token, stops, id]) => {
          const wide = source === "road" ? width(stops, roadWidth()) : width(stops);
          const filter = source === "road" ? roadFilter() : null;
          return ["xintu-" + id, source, "line", filter, { "line-color": theme.css(token), "line-width": wide }];
        }),
      ];
      for (const [id, source, type, filter, paint] of layers) {
        const visible = Boolean(this.sources[source]?.visible);
        const known = map.getLayer(id) && this.drawn.get(id);
        if (!known && !visible) continue;
        if (!known) {
          const layout = type === "line" ? { "line-join": "round", "line-cap": "round" } : {};
          map.addLayer({ id, type, source: "xintu-" + source, layout, paint, ...(filter ? { filter } : {}) });
          added = true;
        } else {
          // Only what has changed: every property that is set costs a frame.
          if (known.visible !== visible) map.setLayoutProperty(id, "visibility", visible ? "visible" : "none");
          if (known.theme !== theme) for (const [name, value] of Object.entries(paint)) map.setPaintProperty(id, name, value);
        }
        this.drawn.set(id, { theme, visible });
      }
      if (added || !map.getLayer(this.layer.id)) this._order();
    }

    _order() {
      const { map } = this;
      if (!map.getLayer(this.layer.id)) map.addLayer(this.layer);
      const order = ["areas", "water", "river", "shore", ...xintuMap.marks.LINES.map(([, , , id]) => id)]
        .map((id) => "xintu-" + id).filter((id) => map.getLayer(id));
      for (let k = order.length - 2; k >= 0; k--) map.moveLayer(order[k], order[k + 1]);
    }

    /** Plotly may have rebuilt the style; what we had drawn is put back. */
    _ensure(again) {
      const { map } = this;
      if (!this.alive) return this.on.lost();
      if (!map.style) return;
      if (again && map.getLayer(this.layer.id)) map.removeLayer(this.layer.id);
      if (!map.getLayer(this.layer.id)) this._lines();
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
  const width = (stops, by = 1) =>
    ["interpolate", ["exponential", 1.4], ["zoom"], ...stops.map((stop, k) => (k % 2 && by !== 1 ? ["*", stop, by] : stop))];

  const rank = ["coalesce", ["get", "rank"], 1];

  function roadFilter() {
    const [, , second, secondFrom, third, thirdFrom] = xintuMap.marks.RANK_FROM;
    return ["<=", rank, ["step", ["zoom"], 1, secondFrom, second, thirdFrom, third]];
  }

  function roadWidth() {
    const { 1: main, 2: second, 3: minor } = xintuMap.marks.RANK_WIDTH;
    return ["match", rank, 1, main, 2, second, minor];
  }

  function shaderColours(theme, tokens) {
    const all = (names) => new Float32Array(names.flatMap((name) => theme.rgba(name)));
    return {
      palette: all(tokens),
      noData: all(["no-data-ground", "no-data-line"]),
      suppressed: all(["suppressed-ground", "suppressed-dot"]),
      unreliable: all(["unreliable-line"]),
      edge: theme.rgba("map-cell-edge"),
      zeroEdge: all(["zero-line"]),
    };
  }

  /** Whether this browser draws WebGL 2; asked once, and the asking leaves no context behind. */
  let answer = null;
  function hasWebGl() {
    if (answer === null) {
      const gl = document.createElement("canvas").getContext("webgl2");
      answer = Boolean(gl);
      gl?.getExtension("WEBGL_lose_context")?.loseContext();
    }
    return answer;
  }

  xintuMap.gl = { GlHost, hasWebGl };
})();
