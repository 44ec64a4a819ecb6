/* The map component. Dash hands over a view (what to show); `apply` shows it, and says what was picked and when all is
   drawn. The same view gives the same picture. dashboard/mapview.py describes every key of a view. */
(function () {
  "use strict";

  const xintuMap = (window.xintuMap = window.xintuMap || {});
  const { data, gl, flat, overlay } = xintuMap;
  const { Theme, classTokens } = xintuMap.marks;

  const READABLE_PX = { grid: 6, village: 14, town: 0, county: 0 };
  const GRID_CLOSER = 0.8; // zooms nearer than the whole county before cells replace villages
  const PLACES_MAX = 5000; // a level of more areas is neither named nor bounded by lines
  const BOUNDED_PX = 16; // boundaries of areas smaller than this would cover them
  const AHEAD_MAX = 20000;
  const HOST_PATIENCE_MS = 15000;
  const FLIGHT_MS = 300;
  const STATES = ["ok", "no_data", "suppressed", "unreliable", "not_applicable", "unreachable"];
  const controllers = new Map();

  class MapController {
    constructor(graphId) {
      this.graphId = graphId;
      this.prefix = graphId.replace(/-graph$/, "");
      this.turn = 0;
      this.host = null;
      this.view = null;
      this.level = null;
      this.areas = new Map(); // level: Areas, of the view that is shown
      this.picks = 0;
      this.ready = false;
      this.motion = window.matchMedia("(prefers-reduced-motion: reduce)");
    }

    get root() {
      return document.getElementById(this.prefix + "-map");
    }

    dispose() {
      this.turn += 1;
      this.host?.dispose();
      this.host = null;
      this.overlay?.dispose();
      controllers.delete(this.graphId);
      tellReady();
    }

    // ------------------------------------------------------------ showing

    async apply(view) {
      const turn = ++this.turn;
      const before = this.view;
      this.view = view;
      this._setReady(false);
      this._fetchEarly(view);
      try {
        const [glyphs] = await Promise.all([data.glyphs(view.base), this._host()]);
        if (turn !== this.turn) return;
        const first = !before || this.freshHost;
        this.freshHost = false;
        if (first || !sameLook(before, view) || !this.theme) this._setTheme(glyphs);
        await this._loadPlaces(turn);
        if (turn !== this.turn) return;
        const camera = this._aim(first, before);
        await this._show(turn, this._levelFor(camera));
      } catch (error) {
        if (turn === this.turn) this._tell({ error: String(error.message || error) });
      }
    }

    /** Class bytes and areas of a level, then everything on the screen in one frame. */
    async _show(turn, level) {
      const { view } = this;
      const [areas, classes, sites, warnings] = await Promise.all([
        this._areasOf(level),
        data.classes(view.base, view, level),
        view.show.sites?.length ? data.sites(view.base, view.snapshot) : null,
        view.show.warnings ? data.warnings(view.base, view.snapshot, view.warning_week || view.week) : null,
      ]);
      if (turn !== this.turn) return;
      this.level = level;
      this.classes = classes;
      this.values = null;
      this._hover(null);
      this.host.setAreas(areas, classes, classTokens(view.meta), !this._isBounded(level));
      this.host.setLines(this._lines());
      this._fillOverlay(level, sites, warnings);
      this._outline();
      await this.host.idle();
      if (turn !== this.turn) return;
      const now = this._levelFor(this.host.view()); // the camera may have moved meanwhile
      if (now !== level) return this._show(turn, now);
      this._setReady(true);
      this._fetchAhead(level);
    }

    /** Labels, facilities and warnings; left alone while only the colours change. */
    _fillOverlay(level, sites, warnings) {
      const { view } = this;
      const key = JSON.stringify([level, view.snapshot, view.warning_week, view.show, view.lang, view.points]);
      if (key === this.filled) return;
      this.filled = key;
      this.overlay.setContent({
        labels: view.show.labels ? this._labels() : [],
        sites: this._sites(sites),
        points: (view.points || []).map((p) => ({ ...p, x: data.mercatorX(p.lon), y: data.mercatorY(p.lat) })),
        warnings: this._warnings(warnings, level),
      });
    }

    _setTheme(glyphs) {
      const { view, root } = this;
      root.dataset.theme = view.theme;
      root.dataset.print = String(Boolean(view.print));
      root.style.setProperty("--map-scale", view.scale || 1);
      this.theme = new Theme(root);
      this.host.setTheme(this.theme);
      this.overlay.setTheme(this.theme, glyphs, view);
    }

    /** The levels whose names and boundaries are drawn whichever level is coloured. */
    async _loadPlaces(turn) {
      const { base, levels, contexts, show } = this.view;
      const wanted = levels.filter(({ level, n }) => level !== "grid" && n <= PLACES_MAX);
      const themes = show.context ? Object.entries(contexts || {}) : [];
      const [loaded, found] = await Promise.all([
        Promise.all(wanted.map(({ level }) => this._areasOf(level))),
        Promise.all(themes.map(([, hash]) => data.context(base, hash))),
      ]);
      if (turn !== this.turn) return;
      this.context = Object.fromEntries(themes.map(([name], i) => [name, found[i]]));
      this.areas = new Map(wanted.map(({ level }, i) => [level, loaded[i]]));
    }

    async _areasOf(level) {
      const entry = this.view.levels.find((one) => one.level === level);
      if (!entry) throw new Error(`no level ${level}`);
      const areas = await data.areas(this.view.base, entry.hash);
      this.areas.set(level, areas);
      return areas;
    }

    /** Camera of this view; it moves only for the first picture and when the place in focus changes. */
    _aim(first, before) {
      const { view, host } = this;
      const { focus } = view;
      const home = homeBounds(view);
      if (first) {
        host.setHome(home);
        this.size = sizeOf(host);
      }
      const wanted = focus ? this._boundsOf(focus) : null;
      const moves = wanted && focus.fit !== false && (first || JSON.stringify(focus) !== JSON.stringify(before.focus ?? null));
      if (moves || first) {
        const duration = first || view.print || this.motion.matches ? 0 : (focus?.duration ?? FLIGHT_MS);
        const maxZoom = focus?.level === "grid" ? 14.5 : 16;
        const bounds = moves ? wanted : home;
        const target = host.viewOfBounds(bounds);
        this.aimed = bounds;
        host.fit(bounds, { duration, maxZoom });
        return { ...target, zoom: Math.min(maxZoom, target.zoom) };
      }
      // Somebody else has moved the camera to a place of their own.
      if (wanted && focus.bounds && JSON.stringify(wanted) !== JSON.stringify(this.aimed)) this.aimed = null;
      return host.view();
    }

    _boundsOf(focus) {
      if (focus.bounds) return focus.bounds;
      const areas = this.areas.get(focus.level);
      const idx = areas ? this._indexOf(focus, areas) : -1;
      return idx >= 0 ? areas.bounds(idx) : null;
    }

    _indexOf(focus, areas) {
      return focus.code !== undefined && focus.code !== null ? areas.indexOf(focus.code) : (focus.idx ?? -1);
    }

    /** Finest level that can be read at a camera, for level "auto". */
    _levelFor(camera) {
      const { view } = this;
      const given = view.levels.filter(({ level }) => !view.meta.levels || view.meta.levels.includes(level));
      if (view.level !== "auto") return view.level;
      const home = this.host.viewOfBounds(homeBounds(view)).zoom;
      const fits = given.find(({ level, n, bounds }) => {
        if (level === "grid" && given.length > 1 && camera.zoom < home + GRID_CLOSER) return false;
        return areaPx(bounds, n, camera.scale) >= READABLE_PX[level];
      });
      return (fits || given[given.length - 1]).level;
    }

    /** Whether the level's areas are outlined by boundary lines, not by the fill itself. */
    _isBounded(level) {
      return level !== "grid" && this.view.levels.some((entry) => entry.level === level && entry.n <= PLACES_MAX);
    }

    /** Boundaries of the level that is coloured and of coarser ones, if they can be told apart; water and roads. */
    _lines() {
      const { view, level, context } = this;
      const { scale } = this.host.view();
      const rank = ["grid", "village", "town", "county"];
      const lines = {};
      for (const { level: name, n, bounds } of view.levels) {
        const areas = this.areas.get(name);
        if (name === "grid" || n > PLACES_MAX || !areas || rank.indexOf(name) < rank.indexOf(level)) continue;
        if (name === "county" || areaPx(bounds, n, scale) >= BOUNDED_PX) lines[name] = areas.strokes;
      }
      if (!view.show.context || !context) return lines;
      return {
        ...lines,
        road: context.road?.ranks,
        waterAreas: context.water?.areas,
        shore: context.water?.areas?.strokes,
        river: context.water?.ranks,
      };
    }

    _labels() {
      const labels = [];
      for (const { level, bounds, n } of this.view.levels) {
        const areas = this.areas.get(level);
        if (level === "grid" || !areas) continue;
        const px = areaPx(bounds, n, 1);
        const [ox, oy] = areas.origin;
        for (let i = 0; i < areas.n; i++) {
          const text = areas.names[i];
          if (!text) continue;
          const [x, y] = areas.labelPoint(i);
          const [w, north, e, s] = areas.box.subarray(4 * i, 4 * i + 4);
          const holds = (mx, my) => areas.holds(i, mx - ox, my - oy);
          labels.push({ level, text, px, weight: (e - w) * (s - north), x: x + ox, y: y + oy, holds });
        }
      }
      return labels;
    }

    _sites(table) {
      if (!table) return [];
      const shown = new Set(this.view.show.sites);
      return table.filter((site) => shown.has(site.kind) && site.lon !== null).map((site) => ({
        ...site,
        size: overlay.sizeOf(site.staff ?? 0),
        approximate: site.quality === "village" || site.quality === "town",
        x: data.mercatorX(site.lon),
        y: data.mercatorY(site.lat),
      }));
    }

    /** Warnings of the level on the screen; cells have none of their own, so villages stand for them. */
    _warnings(table, level) {
      if (!table) return [];
      const ranked = ["village", "town", "county"];
      const from = Math.max(0, ranked.indexOf(level));
      const order = [...ranked.slice(from), ...ranked.slice(0, from).reverse()];
      const chosen = order.find((name) => this.areas.has(name) && table.some((row) => row.level === name));
      const areas = this.areas.get(chosen);
      if (!areas) return [];
      return table.filter((row) => row.level === chosen && row.tier > 0 && areas.indexOf(row.code) >= 0).map((row) => {
        const idx = areas.indexOf(row.code);
        const [x, y] = areas.labelPoint(idx);
        const [ox, oy] = areas.origin;
        return { ...row, idx, x: x + ox, y: y + oy, holds: (mx, my) => areas.holds(idx, mx - ox, my - oy) };
      });
    }

    _outline() {
      const { focus } = this.view;
      if (focus !== undefined) this.selected = focus;
      const areas = this.selected && this.areas.get(this.selected.level);
      const whole = !areas || areas.n === 1; // the county itself is outlined already
      this.overlay.setOutline("outline", whole ? null : areas, whole ? -1 : this._indexOf(this.selected, areas));
    }

    /** What the picture will be made of is on its way while Plotly and MapLibre wake up; `data` keeps it. */
    _fetchEarly(view) {
      const quietly = (promise) => promise.catch(() => {}); // asked for again, and reported, where it is used
      for (const { level, hash, n } of view.levels) {
        if (level === view.level || (level !== "grid" && n <= PLACES_MAX)) quietly(data.areas(view.base, hash));
      }
      const level = view.level === "auto" ? (this.level ?? "village") : view.level;
      if (!view.meta.levels || view.meta.levels.includes(level)) quietly(data.classes(view.base, view, level));
      if (view.show.context) Object.values(view.contexts || {}).forEach((hash) => quietly(data.context(view.base, hash)));
      if (view.show.sites?.length) quietly(data.sites(view.base, view.snapshot));
      if (view.show.warnings) quietly(data.warnings(view.base, view.snapshot, view.warning_week || view.week));
    }

    /** Cells are what the next step will most likely ask for while villages are shown. */
    _fetchAhead(level) {
      const { view } = this;
      const [finest] = view.levels;
      if (view.print || view.level !== "auto" || finest.level === level) return;
      if (view.meta.levels && !view.meta.levels.includes(finest.level)) return;
      const quietly = (promise) => promise.catch(() => {});
      // Reading a large file stops the page for a moment: that one only waits in the browser's own cache.
      if (finest.n > AHEAD_MAX) quietly(fetch(data.geometryPath(view.base, finest.hash)));
      else quietly(data.areas(view.base, finest.hash));
      quietly(data.classes(view.base, view, finest.level));
    }

    // ------------------------------------------------------------ the host

    /** The host, made once, however many views come in before it is there. */
    async _host() {
      if (this.host?.alive && (this.host.kind === "flat" || this.host.graph === graphOf(this.graphId))) return;
      this.making = this.making || this._makeHost().finally(() => (this.making = null));
      await this.making;
    }

    async _makeHost() {
      this.host?.dispose();
      this.host = null;
      const map = (await wantsFlat()) ? null : await waitForMap(this.graphId);
      const box = document.getElementById(this.prefix + "-over");
      if (!box) throw new Error("the map has left the page");
      box.replaceChildren();
      const events = {
        frame: (view) => {
          this.overlay.draw(view);
          this._tellMoved(view, false);
        },
        move: () => this._tip(null),
        settled: (byHand) => {
          this._settled(byHand);
          this._tellMoved(this.host.view(), true);
        },
        resized: () => this._resized(),
        click: (...at) => this._click(...at),
        hover: (...at) => this._hover(at),
        leave: () => this._hover(null),
        lost: () => this.turn && this.view && this.apply(this.view),
      };
      this.root.dataset.renderer = map ? "webgl" : "flat";
      this.host = map ? new gl.GlHost(map, events) : new flat.FlatHost(box, events);
      this.overlay = new overlay.Overlay(box);
      this.theme = null;
      this.filled = null;
      this.freshHost = true;
    }

    /** A window of another size shows the same place, until a hand has moved the map. */
    _resized() {
      if (!this.host || !this.view || this.size === sizeOf(this.host)) return; // Plotly resizes at each of its redraws
      this.size = sizeOf(this.host);
      this.host.setHome(homeBounds(this.view));
      if (this.aimed) this.host.fit(this.aimed);
    }

    _settled(byHand) {
      if (byHand) this.aimed = null;
      if (!this.host || !this.level) return;
      const level = this._levelFor(this.host.view());
      this.host.setLines(this._lines());
      if (level !== this.level && this.ready) {
        this._setReady(false);
        const turn = this.turn;
        this._show(turn, level).catch((error) => this._tell({ error: String(error.message || error) }));
        return;
      }
      this._tell({});
    }

    // ------------------------------------------------------------ the mouse

    _click(px, py, lng, lat) {
      const hit = this.overlay.hit(this.host.view(), px, py);
      if (hit?.cluster) return this._openCluster(hit.cluster, px, py);
      if (hit?.site) {
        const { id, kind, name } = hit.site;
        return this._tellPicked({ site_id: id, kind, name, lngLat: [hit.site.lon, hit.site.lat] });
      }
      if (hit?.point) {
        const { id, role, name, lon, lat } = hit.point;
        return this._tellPicked({ point_id: id, role, name, lngLat: [lon, lat] });
      }
      const areas = this.areas.get(hit?.warning ? hit.warning.level : this.level);
      const level = hit?.warning ? hit.warning.level : this.level;
      const idx = hit?.warning ? hit.warning.idx : areas.pick(data.mercatorX(lng), data.mercatorY(lat));
      if (idx < 0) return;
      this.selected = { level, idx };
      this.overlay.setOutline("outline", areas, idx);
      this.host.invalidate();
      this._tellPicked({ level, idx, code: areas.codes[idx], name: areas.names[idx], lngLat: [lng, lat] });
    }

    _openCluster(cluster, px, py) {
      const view = this.host.view();
      if (view.zoom > 16.4) return this._tip(this._siteLines(cluster.sites), px, py);
      const duration = this.motion.matches ? 0 : FLIGHT_MS;
      this.aimed = null;
      this.host.zoomTo(data.lngOf(cluster.x), data.latOf(cluster.y), Math.min(17, view.zoom + 1.6), duration);
    }

    _hover(at) {
      this.at = at;
      if (!at || !this.level || this.view.print) {
        this._tip(null);
        return this._setHover(-1);
      }
      const [px, py, lng, lat] = at;
      const hit = this.overlay.hit(this.host.view(), px, py);
      if (hit?.site || hit?.cluster) {
        this._setHover(-1);
        return this._tip(this._siteLines(hit.cluster ? hit.cluster.sites : [hit.site]), px, py);
      }
      if (hit?.point) {
        this._setHover(-1);
        const [name, ...more] = [hit.point.name, ...(hit.point.lines || [])];
        return this._tip([{ kind: "name", text: name }, ...more.map((text) => ({ kind: "line", text }))], px, py);
      }
      const areas = this.areas.get(this.level);
      const idx = areas.pick(data.mercatorX(lng), data.mercatorY(lat));
      this._setHover(idx);
      if (idx < 0 && !hit?.warning) return this._tip(null);
      const lines = idx < 0 ? [] : this._areaLines(areas, idx);
      if (hit?.warning) lines.push(...this._warningLines(hit.warning));
      this._tip(lines, px, py);
    }

    _setHover(idx) {
      if (this.hovered === idx && this.hoveredLevel === this.level) return;
      this.hovered = idx;
      this.hoveredLevel = this.level;
      this.overlay?.setOutline("hover", this.areas.get(this.level), idx);
      if (this.host?.kind === "webgl") this.overlay.draw(this.host.view()); // the areas below have not changed
      else this.host?.invalidate();
    }

    _areaLines(areas, idx) {
      const { view } = this;
      const lines = [{ kind: "name", text: areas.names[idx] || areas.codes[idx] }];
      const bits = this.classes[idx] ?? 16;
      if (view.cells) {
        if (view.cells.words[bits]) lines.push({ kind: "value", text: view.cells.words[bits] });
        if (this.values) lines.push({ kind: "line", text: formatValue(this.values[idx], view) });
        else if (view.cells.values) this._fetchValues();
        return lines;
      }
      const state = STATES[bits >> 4];
      const word = view.words?.states?.[state];
      if (state === "no_data" || state === "suppressed" || state === "not_applicable" || state === "unreachable") {
        return word ? [...lines, { kind: "state", text: word }] : lines;
      }
      if (this.values) lines.push({ kind: "value", text: formatValue(this.values[idx], view) });
      else this._fetchValues();
      if (state === "unreliable" && word) lines.push({ kind: "state", text: word });
      return lines;
    }

    async _fetchValues() {
      const { turn } = this;
      const values = await data.values(this.view.base, this.view, this.level).catch(() => null);
      if (!values || turn !== this.turn) return;
      this.values = values;
      if (this.at) this._hover(this.at);
    }

    _warningLines(warning) {
      const words = this.view.words || {};
      const measures = (warning.measures || []).map((code) => words.measures?.[code] || code);
      return [{ kind: "tier", tier: warning.tier, text: [words.tiers?.[warning.tier], warning.name, ...measures].filter(Boolean).join(" · ") }];
    }

    _siteLines(sites) {
      const words = this.view.words || {};
      const kindOf = (site) => words.kinds?.[site.kind] || site.kind;
      if (sites.length > 1) {
        const counts = new Map();
        for (const site of sites) counts.set(kindOf(site), (counts.get(kindOf(site)) || 0) + 1);
        return [...counts].sort((a, b) => b[1] - a[1]).map(([kind, n]) => ({ kind: "line", text: `${kind}  ${n}` }));
      }
      const [site] = sites;
      const notes = [kindOf(site)];
      if (site.status !== "open") notes.push(words.status?.[site.status] || site.status);
      const lines = [{ kind: "name", text: site.name }, { kind: "line", text: notes.join(" · ") }];
      if (site.approximate && words.approximate) lines.push({ kind: "state", text: words.approximate });
      return lines;
    }

    _tip(lines, px, py) {
      if (!this.overlay) return;
      if (lines?.length) this.overlay.showTip(lines, px, py, this.host.view());
      else this.overlay.hideTip();
    }

    // ------------------------------------------------------------ telling

    /** Heard by maps that move together: each camera once, and once more where it has come to rest. */
    _tellMoved({ x, y, zoom }, settled) {
      const camera = [x, y, zoom].join(" ");
      const before = settled ? "rested" : "moved";
      if (this[before] === camera) return;
      this[before] = camera;
      this.root?.dispatchEvent(new CustomEvent("xmap-moved", { bubbles: true, detail: { settled } }));
    }

    _tellPicked(what) {
      setProps(this.prefix + "-picked", { data: { ...what, n: ++this.picks } });
    }

    _setReady(ready) {
      this.ready = ready;
      tellReady();
      if (ready) this._tell({});
    }

    _tell(more) {
      const camera = this.host?.view();
      const state = {
        ready: this.ready,
        level: this.level,
        zoom: camera ? Math.round(camera.zoom * 100) / 100 : null,
        renderer: this.host?.kind ?? null,
        ...more,
      };
      const key = JSON.stringify(state);
      if (key === this.told) return;
      this.told = key;
      setProps(this.prefix + "-state", { data: state });
    }
  }

  // -------------------------------------------------------------- helpers

  const sameLook = (a, b) =>
    ["theme", "lang", "scale", "print", "attribution"].every((key) => a[key] === b[key]) &&
    JSON.stringify(a.words) === JSON.stringify(b.words);

  const sizeOf = (host) => `${host.view().width} ${host.view().height}`;

  const homeBounds = (view) => view.levels[view.levels.length - 1].bounds;

  /** Side of an average area of a level, in pixels. */
  function areaPx([w, s, e, n], count, scale) {
    const area = (data.mercatorX(e) - data.mercatorX(w)) * (data.mercatorY(s) - data.mercatorY(n));
    return Math.sqrt(area / Math.max(1, count)) * scale;
  }

  function formatValue(value, view) {
    const { meta, words = {} } = view;
    if (meta.value_words) return meta.value_words[Math.round(value)] ?? "";
    if (!Number.isFinite(value)) return words.unreachable || "—";
    const shown = new Intl.NumberFormat("en", { maximumFractionDigits: meta.digits ?? 1 }).format(value * (meta.scale ?? 1));
    const unit = meta.unit || "";
    return shown.replaceAll(",", "\u2009") + (unit === "%" ? "%" : unit && "\u2009" + unit);
  }

  function graphOf(graphId) {
    return document.getElementById(graphId)?.querySelector(".js-plotly-plot") || null;
  }

  async function wantsFlat() {
    return new URLSearchParams(window.location.search).get("flat") === "1" || !(await gl.hasWebGl);
  }

  /** The graph once Plotly's map in it can be drawn on; null when there will be none. */
  async function waitForMap(graphId) {
    const end = performance.now() + HOST_PATIENCE_MS;
    while (performance.now() < end) {
      const graph = graphOf(graphId);
      const map = graph?._fullLayout?.map?._subplot?.map;
      if (map?.isStyleLoaded?.()) return graph;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return null;
  }

  function setProps(id, props) {
    if (document.getElementById(id.replace(/-(picked|state)$/, "-map"))) window.dash_clientside?.set_props?.(id, props);
  }

  /** Report capture waits for this: every map on the page has drawn all it was asked for. */
  function tellReady() {
    const ready = controllers.size > 0 && [...controllers.values()].every((one) => one.ready);
    document.documentElement.dataset.mapReady = String(ready);
  }

  function apply(graphId, view) {
    for (const one of [...controllers.values()]) if (!one.root) one.dispose();
    let controller = controllers.get(graphId);
    if (!controller) controllers.set(graphId, (controller = new MapController(graphId)));
    return controller.apply(view);
  }

  /** Dash callback: gives Plotly its map where there is WebGL and none yet, and shows the view. */
  async function onView(view, host, graphId) {
    const nothing = window.dash_clientside.no_update;
    if (!view) return nothing;
    apply(graphId, view);
    if ((await wantsFlat()) || graphOf(graphId)?._fullLayout?.map) return nothing;
    const [w, s, e, n] = homeBounds(view);
    const box = document.getElementById(graphId);
    const across = Math.min(
      box.clientWidth / (data.mercatorX(e) - data.mercatorX(w)), box.clientHeight / (data.mercatorY(s) - data.mercatorY(n)));
    const figure = structuredClone(host);
    figure.layout.map.center = { lon: (w + e) / 2, lat: (s + n) / 2 };
    figure.layout.map.zoom = Math.max(0, Math.log2(Math.max(1, across) / 512) - 0.15);
    return figure;
  }

  xintuMap.apply = apply;
  xintuMap.controllers = controllers;
  window.dash_clientside = Object.assign({}, window.dash_clientside, { xintuMap: { onView } });
})();
