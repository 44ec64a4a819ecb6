// What the siting page does in the browser: joins the map's view from the answer, the marks and what a hand tries; turns
// clicks on the map and selections in the table into marks and moves.
(function () {
  'use strict';
  const HAND = 'siting-hand-store';
  const SAID_MS = 2000;
  const FIGURES_MS = 2000;
  const cleared = { sites: [], picked: null, adding: false };
  const now = { hand: cleared, frame: null, pool: [], views: 0 };
  const same = () => window.dash_clientside.no_update;
  const setProps = (id, props) => window.dash_clientside.set_props(id, props);

  const triggered = () => {
    const [first] = window.dash_clientside.callback_context.triggered;
    return first ? first.prop_id.split('.')[0] : '';
  };
  const ownSites = (frame) =>
    frame.sides.after.points.filter((p) => p.role === 'new').sort((a, b) => a.order - b.order).map((p) => p.id);
  const has = (list, id) => list.includes(id);
  const without = (list, id) => list.filter((one) => one !== id);

  // ---------------------------------------------------------------- marks and moves

  /** Candidate: may → must → must not → may. */
  function turn(marks, id) {
    if (has(marks.locked, id)) return { ...marks, locked: without(marks.locked, id), forbidden: [...marks.forbidden, id] };
    if (has(marks.forbidden, id)) return { ...marks, forbidden: without(marks.forbidden, id) };
    return { ...marks, locked: [...marks.locked, id] };
  }

  function setAll(marks, list, wanted) {
    const kept = (name) => marks[name].filter((id) => !has(list, id));
    const next = { ...marks, locked: kept('locked'), forbidden: kept('forbidden') };
    if (wanted) next[wanted] = [...next[wanted], ...list];
    return next;
  }

  /** Kind of a place: of a site of the answer, or of a candidate. */
  const kindOf = (id, frame, pool) =>
    [...frame.sides.after.points, ...pool].find((point) => point.id === id)?.kind || frame.kinds[0];

  /** A site in hand, or none any more; the map shows the kind it is of. */
  function pick(hand, frame, pool, id) {
    const picked = hand.picked === id ? null : id;
    if (picked && frame.kinds.length > 1) setProps('siting-kind-choice', { value: kindOf(id, frame, pool) });
    return { ...hand, picked, adding: false };
  }

  /** The site that is being moved goes to another candidate of its kind, and may go on from there. */
  function moveTo(hand, frame, pool, id) {
    const sites = hand.sites.length ? hand.sites : ownSites(frame);
    if (has(sites, id)) return { ...hand, picked: id };
    if (kindOf(id, frame, pool) !== kindOf(hand.picked, frame, pool)) return hand;
    return { ...hand, sites: sites.map((one) => (one === hand.picked ? id : one)), picked: id };
  }

  function clickPoint(picked, marks, hand, frame, pool) {
    const { point_id: id, role } = picked;
    if (role === 'new') return [marks, pick(hand, frame, pool, id), null];
    if (role === 'existing' || role === 'closed') {
      const closable = has(marks.closable, id) ? without(marks.closable, id) : [...marks.closable, id];
      return [{ ...marks, closable }, hand, null];
    }
    if (hand.picked && frame.answered) return [marks, moveTo(hand, frame, pool, id), null];
    const [, code] = id.split('extra:');
    if (code && marks.extra.some((p) => p.id === code) && has(marks.forbidden, id)) {
      return [{ ...marks, forbidden: without(marks.forbidden, id), extra: marks.extra.filter((p) => p.id !== code) }, hand, null];
    }
    return [turn(marks, id), hand, null];
  }

  function clickGround(picked, marks, hand, frame, kind) {
    const [lon, lat] = picked.lngLat.map((x) => Math.round(x * 1e6) / 1e6);
    if (hand.adding) {
      const place = marks.extra.length + 1;
      const id = `p${Date.now().toString(36)}`;
      const point = { id, name: frame.words.point.replace('{place}', place), lon, lat, kind };
      return [{ ...marks, extra: [...marks.extra, point] }, { ...hand, adding: false }, null];
    }
    if (!hand.picked || !frame.answered) return [marks, hand, null];
    const sites = hand.sites.length ? hand.sites : ownSites(frame);
    return [marks, hand, { lon, lat, sites, picked: hand.picked, n: picked.n }];
  }

  // ---------------------------------------------------------------- what is drawn

  function extraPoint(point) {
    return { id: `extra:${point.id}`, role: 'candidate', order: null, kind: point.kind || '', name: point.name, lon: point.lon, lat: point.lat, lines: [] };
  }

  function pointsOf(at, { frame, side, kind, marks, hand, pool, tab }) {
    const tried = side === 'after' && hand.sites.length ? hand.sites : null;
    const points = at.points
      .filter((p) => !(tried && p.role === 'new'))
      .map((p) => (p.role === 'existing' && has(marks.closable, p.id) ? { ...p, role: 'closed' } : p));
    if (side === 'before' && frame.answered) return points;
    const shown = new Set(points.map((p) => p.id));
    // Candidates would hide the answer: they come out where one is looked for, one kind at a time.
    const open = tab === 'candidates' || hand.picked || !frame.answered;
    const extra = marks.extra.map(extraPoint);
    const added = new Set(extra.map((p) => p.id));
    for (const { row, ...point } of [...pool, ...extra]) {
      if (shown.has(point.id)) continue;
      shown.add(point.id);
      const order = tried ? tried.indexOf(point.id) : -1;
      const mark = has(marks.locked, point.id) ? 'locked' : has(marks.forbidden, point.id) ? 'forbidden' : null;
      if (order >= 0) points.push({ ...point, role: 'new', order: order + 1 });
      else if (mark || (open && (!kind || point.kind === kind)) || added.has(point.id)) points.push(mark ? { ...point, role: mark, lines: [...point.lines, frame.words[mark]] } : point);
    }
    return points.map((p) => (p.id === hand.picked ? { ...p, chosen: true } : p));
  }

  function hint(frame, hand, side) {
    if (!frame) return '';
    if (hand.adding) return frame.words.adding;
    if (!frame.answered) return frame.words.start;
    if (side === 'before') return frame.words.before;
    if (hand.picked) return hand.sites.length ? frame.words.tried : frame.words.picked;
    return frame.words.answer;
  }

  /** The figures of a move have been painted; a map drawn without a graphics card would hold them up. */
  const figures = () =>
    new Promise((resolve) => {
      const painted = () => requestAnimationFrame(() => setTimeout(resolve));
      const seen = new MutationObserver(() => (seen.disconnect(), painted()));
      seen.observe(document.getElementById('siting-moved-box'), { childList: true, characterData: true, subtree: true });
      setTimeout(() => (seen.disconnect(), resolve()), FIGURES_MS);
    });

  const siting = {
    sitingOpen: (search, state) => {
      const scenario = new URLSearchParams(search || '').get('scenario') || '';
      if (scenario === state.scenario) return same();
      setProps(HAND, { data: cleared });
      return { ...state, scenario };
    },
    /** Which kinds the map can show: those of the answer, before there is one those the form asks for. */
    sitingKinds: (frame, first, second, names, value) => {
      const kinds = frame?.answered ? frame.kinds : [first, second].filter(Boolean);
      const options = kinds.map((code) => ({ value: code, label: names[code] || code }));
      return [options, has(kinds, value) ? value : kinds[0] || '', kinds.length < 2];
    },
    sitingView: async (frame, side, kind, marks, hand, pool, tab, theme) => {
      const turn = ++now.views;
      const moved = hand.sites.length > 0 && String(hand.sites) !== String(now.hand.sites);
      Object.assign(now, { frame, hand, pool: pool || [] });
      if (!frame) return same();
      if (moved) await figures();
      if (turn !== now.views) return same();
      const at = frame.sides[side];
      const cells = at.cells[Math.max(0, frame.kinds.indexOf(kind))];
      const tried = side === 'after' && hand.sites.length && frame.answered;
      const sites = tried ? `?sites=${hand.sites.map(encodeURIComponent).join(',')}` : '';
      return {
        ...frame.view,
        theme: theme || document.documentElement.dataset.theme,
        cells: tried ? { ...cells, classes: cells.classes + sites, values: null } : cells,
        points: pointsOf(at, { frame, side, kind, marks, hand, pool: pool || [], tab }),
      };
    },
    sitingMark: (picked, lock, forbid, free, here, add, selected, marks, hand, frame, kind, known) => {
      const by = triggered();
      const pool = known || [];
      const ids = (selected || []).map((row) => row.id);
      const answers = {
        'siting-canvas-picked': () => {
          if (!picked || !frame) return [marks, hand, null];
          return picked.point_id ? clickPoint(picked, marks, hand, frame, pool) : clickGround(picked, marks, hand, frame, kind);
        },
        'siting-lock-button': () => [setAll(marks, ids, 'locked'), hand, null],
        'siting-forbid-button': () => [setAll(marks, ids, 'forbidden'), hand, null],
        'siting-free-button': () => [setAll(marks, ids, null), hand, null],
        'siting-here-button': () => [marks, hand.picked && ids.length ? moveTo(hand, frame, pool, ids[0]) : hand, null],
        'siting-add-button': () => [marks, { ...hand, adding: !hand.adding }, null],
      };
      if (!answers[by]) return [same(), same(), same()];
      const [nextMarks, nextHand, placed] = answers[by]();
      return [nextMarks === marks ? same() : nextMarks, nextHand === hand ? same() : nextHand, placed || same()];
    },
    sitingRows: (pool, marks, hand, tab, side, frame, known) => {
      const words = frame ? frame.words : {};
      const markOf = (id) => {
        if (has(hand.sites, id)) return words.new;
        if (has(marks.locked, id)) return words.locked;
        return has(marks.forbidden, id) ? words.forbidden : '';
      };
      const rows = (pool || []).map(({ row }) => ({ ...row, mark: markOf(row.id) }));
      for (const point of marks.extra) {
        const id = `extra:${point.id}`;
        if (!rows.some((row) => row.id === id)) rows.unshift({ id, name: point.name, mark: markOf(id) });
      }
      const unchanged = JSON.stringify(rows) === JSON.stringify(known || []);
      return [unchanged ? same() : rows, hint(frame, hand, side), `siting-panes show-${tab}`];
    },
  };

  // ---------------------------------------------------------------- buttons

  async function copy(button) {
    const address = location.origin + button.dataset.sitingCopy;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(address);
      button.textContent = button.dataset.said;
    } catch {
      button.textContent = address; // to be copied by hand
      return;
    }
    setTimeout(() => (button.textContent = before), SAID_MS);
  }

  addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const { sitingPick, sitingUndo, sitingCopy } = button.dataset;
    if (sitingCopy !== undefined) copy(button);
    if (sitingUndo !== undefined) setProps(HAND, { data: cleared });
    if (sitingPick !== undefined) {
      setProps('siting-side-choice', { value: 'after' });
      setProps(HAND, { data: pick(now.hand, now.frame, now.pool, sitingPick) });
    }
  });

  window.dash_clientside.xintu_pages = { ...window.dash_clientside.xintu_pages, ...siting };
})();
