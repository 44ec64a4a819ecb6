/* What is drawn with WebGL 2: a layer of our own on the MapLibre map that Plotly's map subplot holds.
   The colour of an area is one byte in a texture, so that a recolour uploads one small array and draws one frame; the
   four fills that are not a class are drawn by the same shader. Measured with 100 000 hexagons on software rendering
   against a MapLibre fill coloured by feature-state: first picture 1.9 s, 3.0 s from vector tiles, 7.7 s from GeoJSON.
   Lines are drawn here too: MapLibre's own cost as much as all the rest of a frame. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});

  const TEXTURE_WIDTH = 1024;
  const KEPT_MESHES = 5;
  const KEPT_STROKES = 24;
  const FAR_PX = 4.2; // cells narrower than this are drawn as points: nobody can tell, and it is four times as fast

  const LOOK_UP = `
    uniform usampler2D classes;  // class byte of each area
    uniform sampler2D table;     // colours of each class byte: ground, mark of its pattern, both seen from far
    uint byteOf(uint id) {
      uint i = id & 0x7fffffffu;
      return texelFetch(classes, ivec2(int(i % ${TEXTURE_WIDTH}u), int(i / ${TEXTURE_WIDTH}u)), 0).r;
    }`;
  const FAR_VERTEX = `#version 300 es
    precision highp float;
    precision highp usampler2D;
    in vec2 place;
    in uint id;
    uniform mat4 matrix;
    uniform float point;
    flat out vec4 tint;
    ${LOOK_UP}
    void main() {
      tint = texelFetch(table, ivec2(int(byteOf(id)), 2), 0);
      gl_Position = tint.a > 0.0 ? matrix * vec4(place, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
      gl_PointSize = point;
    }`;
  const FAR_FRAGMENT = `#version 300 es
    precision mediump float;
    flat in vec4 tint;
    out vec4 colour;
    void main() { colour = tint; }`;
  const VERTEX = `#version 300 es
    precision highp float;
    precision highp usampler2D;
    in vec2 place;
    in uint id;
    uniform mat4 matrix;
    flat out uint bits;
    flat out vec4 ground;
    flat out vec4 mark;
    out float inner;
    ${LOOK_UP}
    void main() {
      bits = byteOf(id);
      ground = texelFetch(table, ivec2(int(bits), 0), 0);
      mark = texelFetch(table, ivec2(int(bits), 1), 0);
      inner = (id >> 31) == 1u ? 1.0 : 0.0;
      gl_Position = ground.a > 0.0 ? matrix * vec4(place, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
    }`;
  const FRAGMENT = `#version 300 es
    precision highp float;
    flat in uint bits;
    flat in vec4 ground;
    flat in vec4 mark;
    in float inner;
    uniform vec4 edge;           // of a cell; alpha 0 leaves it out
    uniform vec4 zeroEdge;
    uniform vec3 screen;         // pixel of the level's origin, pixels to a CSS pixel
    uniform float patterns;      // 0 when cells are too small for one
    out vec4 colour;
    float stripe(float at, float width) {
      float d = abs(fract(at / 5.6568542) - 0.5) * 5.6568542;
      return 1.0 - smoothstep(width * 0.5 - 0.35, width * 0.5 + 0.35, d);
    }
    void main() {
      vec4 q = ground;
      uint state = bits >> 4;
      if (state != 0u) {
        vec2 p = (gl_FragCoord.xy - screen.xy) / screen.z;
        float share;
        if (state == 1u) share = mix(0.25, stripe((p.x - p.y) * 0.70710678, 1.2), patterns);
        else if (state == 2u) share = mix(0.15, 1.0 - smoothstep(0.75, 1.45, length(fract(p / 6.0) * 6.0 - 3.0)), patterns);
        else if (state == 5u) share = mix(0.3, stripe(p.y, 1.6), patterns);
        else share = mix(0.3, stripe((p.x + p.y) * 0.70710678, 1.8), patterns);
        q = mix(q, vec4(mark.rgb, 1.0), mark.a * share);
      }
      if (edge.a > 0.0) {
        vec4 line = ((bits & 15u) == 15u || state == 1u) ? zeroEdge : edge;
        float px = inner / max(fwidth(inner), 1e-6) / screen.z;
        q = mix(q, vec4(line.rgb, 1.0), line.a * (1.0 - smoothstep(0.35, 0.95, px)));
      }
      colour = q;
    }`;

  // Outlines of cells that are no fans. A line is one pixel wide; its distance from where it should be makes it smooth.
  const EDGE_VERTEX = `#version 300 es
    precision highp float;
    precision highp usampler2D;
    in vec2 place;
    in uint id;
    uniform mat4 matrix;
    uniform vec2 size;
    flat out uint bits;
    out vec2 at;
    ${LOOK_UP}
    void main() {
      bits = byteOf(id);
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

  // Lines: each segment a box around it; round ends, so that joints close.
  const LINE_VERTEX = `#version 300 es
    precision highp float;
    in vec4 segment;
    uniform mat4 matrix;
    uniform vec2 size;
    uniform float reach;         // half the width and a margin for smoothness, pixels
    out vec2 at;
    flat out float far;
    void main() {
      vec4 from = matrix * vec4(segment.xy, 0.0, 1.0);
      vec4 to = matrix * vec4(segment.zw, 0.0, 1.0);
      vec2 a = from.xy / from.w * 0.5 * size;
      vec2 b = to.xy / to.w * 0.5 * size;
      far = distance(a, b);
      vec2 along = far > 0.0 ? (b - a) / far : vec2(1.0, 0.0);
      float end = float(gl_VertexID & 1);
      float side = float(gl_VertexID & 2) - 1.0;
      vec2 p = mix(a, b, end) + along * (end * 2.0 - 1.0) * reach + vec2(-along.y, along.x) * side * reach;
      at = vec2(mix(0.0, far, end) + (end * 2.0 - 1.0) * reach, side * reach);
      gl_Position = vec4(p / size * 2.0, 0.0, 1.0);
    }`;
  const LINE_FRAGMENT = `#version 300 es
    precision highp float;
    in vec2 at;
    flat in float far;
    uniform vec4 ink;
    uniform float half_;
    out vec4 colour;
    void main() {
      float d = length(vec2(at.x - clamp(at.x, 0.0, far), at.y));
      float a = ink.a * (1.0 - smoothstep(half_ - 0.5, half_ + 0.5, d));
      if (a <= 0.0) discard;
      colour = vec4(ink.rgb * a, a);
    }`;
  const GROUND_VERTEX = `#version 300 es
    precision highp float;
    in vec2 place;
    uniform mat4 matrix;
    void main() { gl_Position = matrix * vec4(place, 0.0, 1.0); }`;
  const GROUND_FRAGMENT = `#version 300 es
    precision highp float;
    uniform vec4 ink;
    out vec4 colour;
    void main() { colour = vec4(ink.rgb * ink.a, ink.a); }`;

  const SHADERS = {
    far: [FAR_VERTEX, FAR_FRAGMENT],
    fill: [VERTEX, FRAGMENT],
    edge: [EDGE_VERTEX, EDGE_FRAGMENT],
    line: [LINE_VERTEX, LINE_FRAGMENT],
    ground: [GROUND_VERTEX, GROUND_FRAGMENT],
  };

  /** A MapLibre custom layer that draws one level's areas, water over them, and the lines over both. */
  class BaseLayer {
    constructor() {
      this.id = "xintu-base";
      this.type = "custom";
      this.renderingMode = "2d";
      this.shown = null;
      this.lines = { water: null, strokes: [] };
      this.meshes = new Kept(KEPT_MESHES);
      this.strokes = new Kept(KEPT_STROKES);
      this.gl = null;
    }

    onAdd(map, gl) {
      this.map = map;
      this.gl = gl;
      this.meshes.forget();
      this.strokes.forget();
      this.programs = {}; // linked when first drawn with: it takes a while
      this.classes = gl.createTexture();
      this.table = gl.createTexture();
      this.dirty = true;
    }

    onRemove(map, gl) {
      this.meshes.free(gl);
      this.strokes.free(gl);
      gl.deleteTexture(this.classes);
      gl.deleteTexture(this.table);
      for (const { program } of Object.values(this.programs)) gl.deleteProgram(program);
      this.gl = null;
    }

    /** Water {areas, ink} or null, and strokes [{strokes, width(zoom), ink}], lowest first. */
    showLines(lines) {
      this.lines = lines;
    }

    /** What is to be drawn: areas, their class bytes, and 16 class colours with the special fills. */
    show(areas, classes, colours, edges) {
      this.shown = { areas, classes, colours, edges };
      this.dirty = true;
    }

    render(gl, args) {
      if (!this.shown) return;
      const matrix = args.defaultProjectionData.mainMatrix;
      const view = xintuMap.gl.viewOf(this.map);
      const ratio = this.map.getPixelRatio();
      gl.enable(gl.BLEND);
      this._areas(gl, matrix, view, ratio);
      if (this.lines.water) this._water(gl, matrix, this.lines.water);
      this._lines(gl, matrix, view, ratio);
      gl.bindVertexArray(null);
    }

    _program(name) {
      return (this.programs[name] = this.programs[name] || link(this.gl, ...SHADERS[name]));
    }

    _water(gl, matrix, { areas, ink }) {
      const mesh = this._mesh(gl, areas, false);
      const { program, at } = this._program("ground");
      gl.useProgram(program);
      gl.uniformMatrix4fv(at("matrix"), false, relativeMatrix(matrix, areas.origin));
      gl.uniform4fv(at("ink"), ink);
      gl.bindVertexArray(mesh.array);
      gl.drawElements(gl.TRIANGLES, mesh.count, gl.UNSIGNED_INT, 0);
    }

    _lines(gl, matrix, view, ratio) {
      const { program, at } = this._program("line");
      gl.useProgram(program);
      gl.uniform2f(at("size"), gl.drawingBufferWidth, gl.drawingBufferHeight);
      for (const { strokes, width, ink } of this.lines.strokes) {
        const px = width(view.zoom) * ratio;
        if (!(px > 0)) continue;
        const drawn = strokes.at(view.zoom);
        const kept = this.strokes.get(drawn.key, () => uploadStrokes(gl, drawn.segments), gl);
        // A line thinner than a pixel is a pixel wide and fainter.
        const wide = Math.max(1, px);
        gl.uniformMatrix4fv(at("matrix"), false, relativeMatrix(matrix, strokes.origin));
        gl.uniform1f(at("half_"), wide / 2);
        gl.uniform1f(at("reach"), wide / 2 + 0.5);
        gl.uniform4f(at("ink"), ink[0], ink[1], ink[2], ink[3] * Math.min(1, px));
        gl.bindVertexArray(kept.array);
        for (const [first, count] of runs(inView(drawn.blocks, view, strokes.origin, view.scale), "first", "count")) {
          gl.drawElements(gl.TRIANGLES, 6 * count, gl.UNSIGNED_INT, 24 * first);
        }
      }
    }

    _areas(gl, mainMatrix, view, ratio) {
      const { areas, colours } = this.shown;
      const mesh = this._mesh(gl, areas, this.shown.edges);
      if (this.dirty) this._upload(gl);
      const worldPx = view.scale;
      const cellPx = Math.min(mesh.cell.width, mesh.cell.height) * worldPx;
      const matrix = relativeMatrix(mainMatrix, areas.origin);
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, this.table);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.classes);
      const isFar = cellPx < FAR_PX && mesh.fans === areas.n && areas.n > 5000;
      const at = this._use(gl, isFar ? "far" : "fill", matrix);
      if (isFar) {
        gl.uniform1f(at("point"), Math.max(1, Math.ceil(cellPx * ratio)));
        gl.bindVertexArray(mesh.farArray);
        gl.drawArrays(gl.POINTS, 0, areas.n);
        return;
      }
      const fade = this.shown.edges ? Math.min(1, Math.max(0, (cellPx - 5) / 9)) : 0;
      const [r, g, b, a] = colours.edge;
      gl.uniform4f(at("edge"), r, g, b, a * fade);
      gl.uniform4fv(at("zeroEdge"), colours.zeroEdge);
      gl.uniform1f(at("patterns"), Math.min(1, Math.max(0, (cellPx - 5) / 5)));
      // Patterns stand still on the ground, not on the glass.
      const originX = (areas.origin[0] - view.x) * worldPx + view.width / 2;
      const originY = view.height / 2 - (areas.origin[1] - view.y) * worldPx;
      gl.uniform3f(at("screen"), (originX % 4800) * ratio, (originY % 4800) * ratio, ratio);
      const blocks = inView(mesh.blocks, view, areas.origin, worldPx);
      gl.bindVertexArray(mesh.array);
      for (const [first, count] of runs(blocks, "first", "count")) {
        gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 4 * first);
      }
      // Neighbours draw their common edge twice.
      if (fade > 0 && mesh.edgeArray) this._outlines(gl, mesh, blocks, matrix, [r, g, b, 0.6 * a * fade]);
    }

    _use(gl, name, matrix) {
      const { program, at } = this._program(name);
      gl.useProgram(program);
      gl.uniformMatrix4fv(at("matrix"), false, matrix);
      gl.uniform1i(at("classes"), 0);
      gl.uniform1i(at("table"), 1);
      return at;
    }

    _outlines(gl, mesh, blocks, matrix, edge) {
      const at = this._use(gl, "edge", matrix);
      gl.uniform2f(at("size"), gl.drawingBufferWidth, gl.drawingBufferHeight);
      gl.uniform4fv(at("edge"), edge);
      gl.uniform4fv(at("zeroEdge"), this.shown.colours.zeroEdge);
      gl.bindVertexArray(mesh.edgeArray);
      for (const [first, count] of runs(blocks, "firstEdge", "edges")) {
        gl.drawElements(gl.LINES, count, gl.UNSIGNED_INT, 4 * first);
      }
    }

    _mesh(gl, areas, edges) {
      return this.meshes.get(areas.hash, () => upload(gl, xintuMap.mesh.build(areas, { edges }), areas.n), gl);
    }

    _upload(gl) {
      const { areas, classes, colours } = this.shown;
      const rows = Math.max(1, Math.ceil(areas.n / TEXTURE_WIDTH));
      const bytes = new Uint8Array(TEXTURE_WIDTH * rows).fill(16); // an array too short is no data, never a class
      bytes.set(classes.subarray(0, areas.n));
      gl.activeTexture(gl.TEXTURE0);
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
      const put = (texture, ...image) => {
        gl.bindTexture(gl.TEXTURE_2D, texture);
        gl.texImage2D(gl.TEXTURE_2D, 0, ...image);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      };
      put(this.classes, gl.R8UI, TEXTURE_WIDTH, rows, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, bytes);
      put(this.table, gl.RGBA, 256, 3, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours.table);
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
    gl.bindAttribLocation(program, 0, "segment");
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
    const { blocks, cell, fans } = mesh;
    return { array, edgeArray, farArray, arrays, buffers, blocks, cell, fans, count: mesh.triangles.length };
  }

  /** Four corners a segment, two triangles: instances would do with a quarter, but are slow without a graphics card. */
  function uploadStrokes(gl, segments) {
    const n = segments.length / 4;
    const corners = new Float32Array(16 * n);
    const triangles = new Uint32Array(6 * n);
    for (let i = 0; i < n; i++) {
      const segment = segments.subarray(4 * i, 4 * i + 4);
      for (let k = 0; k < 4; k++) corners.set(segment, 16 * i + 4 * k);
      triangles.set([4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 2, 4 * i + 1, 4 * i + 3], 6 * i);
    }
    const array = gl.createVertexArray();
    const buffers = [gl.createBuffer(), gl.createBuffer()];
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[0]);
    gl.bufferData(gl.ARRAY_BUFFER, corners, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 4, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers[1]);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    gl.bindVertexArray(null);
    return { arrays: [array], array, buffers };
  }

  /** What lies on the graphics card, least recently drawn out first. */
  class Kept {
    constructor(size) {
      this.size = size;
      this.entries = new Map();
    }

    get(key, make, gl) {
      const entry = this.entries.get(key) || make();
      this.entries.delete(key);
      this.entries.set(key, entry);
      if (this.entries.size > this.size) {
        const [oldest, gone] = this.entries.entries().next().value;
        release(gl, gone);
        this.entries.delete(oldest);
      }
      return entry;
    }

    free(gl) {
      for (const entry of this.entries.values()) release(gl, entry);
      this.forget();
    }

    /** Its context is gone, and everything in it. */
    forget() {
      this.entries.clear();
    }
  }

  function release(gl, { arrays, buffers }) {
    arrays.forEach((array) => gl.deleteVertexArray(array));
    buffers.forEach((buffer) => gl.deleteBuffer(buffer));
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

  /** Colours of a theme for the shaders: for each class byte its ground, the mark of its pattern, and both seen from far. */
  function shaderColours(theme, tokens) {
    const table = new Uint8Array(3 * 256 * 4);
    const put = (row, byte, colour) => colour.forEach((part, k) => (table[4 * (256 * row + byte) + k] = Math.round(255 * part)));
    const patterns = [null, ["no-data-ground", "no-data-line", 0.25], ["suppressed-ground", "suppressed-dot", 0.15], [null, "unreliable-line", 0.3], null, ["unreachable-ground", "unreachable-line", 0.3]];
    for (let byte = 0; byte < 96; byte++) {
      if (byte >> 4 === 4) continue; // not applicable: not drawn
      const [groundToken, markToken, share] = patterns[byte >> 4] || [null, null, 0];
      const ground = theme.rgba(groundToken || tokens[byte & 15]);
      const mark = markToken ? theme.rgba(markToken) : [0, 0, 0, 0];
      const by = share * mark[3];
      put(0, byte, ground);
      put(1, byte, mark);
      put(2, byte, ground.map((part, k) => (k < 3 ? part * (1 - by) + mark[k] * by : 1)));
    }
    return { table, edge: theme.rgba("map-cell-edge"), zeroEdge: new Float32Array(theme.rgba("zero-line")) };
  }

  xintuMap.layer = { BaseLayer, shaderColours };
})();
