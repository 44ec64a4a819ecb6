/* The wall, in the browser: one tick a second keeps the clock, walks the tour, asks for a newer snapshot.
   Nothing is created in a tick; places and sentences are already in the page, and are only shown and hidden. */
(function () {
  "use strict";

  const TICK_MS = 1000;
  const FLIGHT_MS = 1600;
  const PATIENCE_MS = 8000; // of one question to the server
  const HOLD_MS = 45000; // after the last touch or move of a mouse the tour goes on
  const BACK_MS = 120000; // a renderer that was lost and did not come back
  const RELOADED = "xintu-wall-reloaded";
  const VIEW = "wall-view";
  const DAY_MS = 86400000;
  const AIR = { village: 2.4, town: 1.4 }; // how much of the neighbours is seen around a place
  const AIM_PX = 6;
  const AIM_TRIES = 2; // it may be asked to go farther out than it lets itself
  const MAX_ZOOM = 15;

  const root = document.documentElement;
  const dash = (window.dash_clientside = window.dash_clientside || {});

  let wall = null; // the element that is on the screen
  let views = null; // what the map shows, by "layer/level"
  let at = -1; // position on the tour
  let steppedAt = 0;
  let askedAt = 0;
  let asking = false;
  let goodAt = Date.now(); // the server's last good answer
  let heldAt = -Infinity;
  let lostAt = 0;
  let shownView = "";
  let steps = 0;
  let aim = null; // where the camera should be

  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  const setting = (name) => Number(wall.dataset[name]);
  const all = (selector) => wall.querySelectorAll(selector);
  const put = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };
  const mark = (element, on) => element.toggleAttribute("data-active", on);

  // ---------------------------------------------------------------- clock and age of the data

  const formats = new Map();
  function told(name, zone, options, date, lang = root.lang || "zh-CN") {
    const key = `${name} ${zone} ${lang}`;
    if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(lang, { ...options, timeZone: zone }));
    return formats.get(key).format(date);
  }

  function tellTime(now) {
    const age = wall.querySelector(".wall-age");
    const zone = age?.dataset.zone || "Asia/Shanghai";
    const date = new Date(now);
    put(wall.querySelector(".wall-time"), told("time", zone, { hour: "2-digit", minute: "2-digit", hour12: false }, date));
    put(wall.querySelector(".wall-day"), told("day", zone, { month: "long", day: "numeric", weekday: "long" }, date));
    if (age?.dataset.day) tellAge(age, date, zone);
    tellLate(told("iso", zone, { dateStyle: "short" }, date, "sv-SE"));
  }

  function tellAge(age, date, zone) {
    // The day in the locality, whatever the zone of the computer behind the wall; sv-SE writes 2026-11-16.
    const today = Date.parse(told("iso", zone, { dateStyle: "short" }, date, "sv-SE") + "T00:00:00Z");
    const days = Math.round((today - Date.parse(age.dataset.day + "T00:00:00Z")) / DAY_MS);
    const level = days > setting("red") ? "red" : days > setting("amber") ? "amber" : "fresh";
    const words = level === "fresh" ? (days <= 0 ? age.dataset.today : age.dataset.days) : age.dataset.stale;
    age.dataset.level = level;
    put(age.querySelector(".wall-age-days"), words.replace("{days}", String(days)));
  }

  /** A wall stands for weeks: what was in time when the page came may be late today. Nothing becomes early again. */
  function tellLate(today) {
    const note = wall.querySelector(".wall-late");
    if (!note) return;
    for (const source of note.querySelectorAll("[data-late-on]")) {
      if (!source.hidden || !source.dataset.lateOn || source.dataset.lateOn > today) continue;
      source.hidden = false;
      note.hidden = false;
    }
  }

  // ---------------------------------------------------------------- tour

  const stops = () => all(".wall-stop");

  /** Show stop number `next`: its sentence, its legend, its place on the map. */
  function show(next, now) {
    const found = stops();
    if (!found.length) return;
    at = ((next % found.length) + found.length) % found.length;
    steppedAt = now;
    steps += 1;
    const stop = found[at];
    found.forEach((one, i) => mark(one, i === at));
    all(".wall-ticks i").forEach((one, i) => mark(one, i === at));
    all(".wall-legend").forEach((one) => mark(one, one.dataset.layer === stop.dataset.layer));
    all(".wall-ranking li").forEach((one) => mark(one, Boolean(stop.dataset.area) && one.dataset.area === stop.dataset.area));
    wall.dataset.at = String(at);
    wall.dataset.steps = String(steps);
    showOnMap(stop);
  }

  function showOnMap(stop) {
    const { layer, level, area, areaLevel } = stop.dataset;
    const view = views?.[`${layer}/${level}`] || views?.[layer];
    if (!view) return;
    const whole = view.levels[view.levels.length - 1].bounds;
    const bounds = widened(stop.dataset.bounds.split(",").map(Number), whole, AIR[areaLevel] || 1);
    const host = window.xintuMap?.controllers?.get("wall-graph")?.host;
    const flight = reduced.matches || !host || setting("pause") ? 0 : FLIGHT_MS;
    const focus = { level: areaLevel || view.levels[view.levels.length - 1].level, code: area || null, bounds };
    // The first picture, and every still one, is aimed by the map itself; later flights are ours, since they are slower.
    if (flight) focus.fit = false;
    const scale = Math.max(0.8, (innerHeight / 1080) * (wall.classList.contains("wall-bare") ? 1.9 : 1.3));
    const next = { ...view, focus, scale: innerHeight > innerWidth ? 1 : scale };
    const key = JSON.stringify(next);
    if (key !== shownView) dash.set_props(VIEW, { data: next });
    shownView = key;
    if (flight) host.fit(bounds, { duration: flight, maxZoom: MAX_ZOOM });
    aim = { bounds, since: Date.now(), from: performance.now() + flight, tries: 0, done: false };
    wall.dataset.aimed = "0";
  }

  /** Plotly may have put the camera back where it first was: once all is drawn, it is looked after. */
  function checkAim() {
    const host = window.xintuMap?.controllers?.get("wall-graph")?.host;
    if (!aim || aim.done || !host || root.dataset.mapReady !== "true" || performance.now() < aim.from) return;
    if (heldAt < aim.since) {
      const [seen, [w, s, e, n]] = [host.view(), aim.bounds];
      const off = Math.hypot(seen.x - (toX(w) + toX(e)) / 2, seen.y - (toY(n) + toY(s)) / 2) * seen.scale;
      const wanted = Math.min(MAX_ZOOM, host.viewOfBounds(aim.bounds).zoom);
      if (aim.tries < AIM_TRIES && (off > AIM_PX || Math.abs(seen.zoom - wanted) > 0.03)) {
        aim.tries += 1;
        host.fit(aim.bounds, { duration: 0, maxZoom: MAX_ZOOM });
        return; // and looked at once more
      }
    }
    aim.done = true;
    wall.dataset.aimed = "1";
  }

  const toX = (lng) => (lng + 180) / 360;
  const toY = (lat) => (1 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / Math.PI) / 2;
  const toLng = (x) => x * 360 - 180;
  const toLat = (y) => (360 / Math.PI) * Math.atan(Math.exp((1 - 2 * y) * Math.PI)) - 90;

  /** Bounds that, fitted to the whole map, bring the wanted ones into the part that no panel covers. */
  function widened([west, south, east, north], whole, air) {
    const map = wall.querySelector(".wall-map").getBoundingClientRect();
    const free = wall.querySelector(".wall-free").getBoundingClientRect();
    if (!free.width || !free.height || !map.width || !map.height) return [west, south, east, north];
    const acrossOf = ([w, b, e, t]) => Math.max((toX(e) - toX(w)) / free.width, (toY(b) - toY(t)) / free.height);
    // World a pixel; never more of it than the whole locality takes.
    const across = Math.min(air * acrossOf([west, south, east, north]), acrossOf(whole));
    const [x, y] = [(toX(west) + toX(east)) / 2, (toY(north) + toY(south)) / 2];
    // The map keeps a margin of its own on every side.
    const margin = Math.round(Math.min(48, Math.min(map.width, map.height) * 0.05));
    const left = x - (free.left + free.width / 2 - map.left - margin) * across;
    const top = y - (free.top + free.height / 2 - map.top - margin) * across;
    const right = left + (map.width - 2 * margin) * across;
    const bottom = top + (map.height - 2 * margin) * across;
    return [toLng(left), toLat(bottom), toLng(right), toLat(top)].map((value) => Math.round(value * 1e6) / 1e6);
  }

  // ---------------------------------------------------------------- the server

  async function ask(now) {
    asking = true;
    askedAt = now;
    try {
      const answer = await fetch(wall.dataset.stateRoute, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) throw new Error(String(answer.status));
      hear(await answer.json());
    } catch {
      tellOffline();
    } finally {
      asking = false;
    }
  }

  function hear(state) {
    goodAt = Date.now();
    const note = wall.querySelector(".wall-offline");
    if (!note.hidden) note.hidden = true;
    if (state.version !== wall.dataset.version) return reload(state.version);
    const shown = wall.querySelector(".wall-foot")?.dataset.snapshot;
    if (!shown || (state.snapshot === shown && state.answers === wall.dataset.answers)) return;
    wall.dataset.answers = state.answers;
    dash.set_props("wall-snapshot-store", { data: { snapshot: state.snapshot, answers: state.answers } });
  }

  /** A new program: load it, once. Were the answer the same afterwards, loading again would not help. */
  function reload(version) {
    if (sessionStorage.getItem(RELOADED) === version) return;
    sessionStorage.setItem(RELOADED, version);
    location.reload();
  }

  function tellOffline() {
    const note = wall.querySelector(".wall-offline");
    const time = note.querySelector(".wall-offline-time");
    const zone = wall.querySelector(".wall-age")?.dataset.zone || "Asia/Shanghai";
    const said = told("moment", zone, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false },
      new Date(goodAt));
    put(time, time.dataset.template.replace("{time}", said));
    note.hidden = false;
  }

  // ---------------------------------------------------------------- hands

  const hold = (event) => {
    if (wall && event.target.closest?.(".wall")) heldAt = Date.now();
  };
  addEventListener("pointermove", hold, { passive: true });
  addEventListener("pointerdown", hold, { passive: true });
  addEventListener("wheel", hold, { passive: true });
  addEventListener("keydown", (event) => {
    if (!wall) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      heldAt = Date.now();
      show(at + step, Date.now());
    }
  });
  addEventListener("webglcontextlost", () => (lostAt = Date.now()), true);
  addEventListener("webglcontextrestored", () => (lostAt = 0), true);
  addEventListener("resize", () => {
    shownView = "";
    if (wall && at >= 0) show(at, steppedAt);
  });

  // ---------------------------------------------------------------- the tick

  function tick() {
    const now = Date.now();
    const found = document.querySelector(".wall");
    if (!found) {
      wall = null;
      return;
    }
    if (found !== wall) {
      wall = found;
      askedAt = now;
      at = -1;
      shownView = "";
    }
    tellTime(now);
    const still = setting("pause") === 1;
    const held = now - heldAt < HOLD_MS;
    wall.dataset.held = held ? "1" : "0";
    if (at < 0 && views && stops().length) show(setting("stop"), now);
    else if (at >= 0 && !still && !held && now - steppedAt >= setting("tour") * 1000) show(at + 1, now);
    if (!still && !asking && now - askedAt >= setting("refresh") * 1000) ask(now);
    checkAim();
    if (lostAt && now - lostAt > BACK_MS) {
      lostAt = 0;
      if (now - goodAt < BACK_MS) location.reload();
    }
  }
  setInterval(tick, TICK_MS);

  dash.xintu_wall = {
    takeViews: (given) => {
      views = given;
      at = -1;
      shownView = "";
      // React has just drawn the panels, or is about to.
      setTimeout(tick, 0);
      return dash.no_update;
    },
  };
})();
