// What pages do in the browser: keep the state in the address, apply what buttons set, switch
// language and theme, walk through search results. State holds keys and filters only.
(function () {
  'use strict';
  const KEYS = ['level', 'area', 'layer', 'week', 'measure', 'sites'];
  const STATE = 'map-state-store';
  const THEME = 'shell-theme-store';
  const LARGE_PX = 2800; // as in the style sheets
  const YEAR_S = 31536000;
  const root = document.documentElement;
  // Looked up when used: other scripts put a new object in its place.
  const setProps = (id, props) => window.dash_clientside.set_props(id, props);
  let state = null;
  let weeks = null;
  let joinedMove = 0;
  // What still has to be drawn anew before the page is ready.
  const waiting = new Set();
  let captioned = false;

  const remember = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
  };

  // ---------------------------------------------------------------- state and address

  function query(of) {
    const params = new URLSearchParams(location.search);
    params.set('lang', root.lang);
    params.set('theme', root.dataset.theme);
    if (of) {
      for (const key of KEYS) {
        const value = key === 'sites' ? of.sites.join(',') || 'none' : of[key];
        if (value) params.set(key, value);
        else params.delete(key);
      }
    }
    // Colons, commas and dots may stand in a query; a person reads them better unescaped.
    return '?' + params.toString().replaceAll('%2C', ',');
  }

  function writeAddress(next, previous) {
    const address = location.pathname + query(next);
    if (address === location.pathname + location.search) return;
    const step = previous && ['area', 'layer', 'level'].some((key) => next[key] !== previous[key]);
    history[step ? 'pushState' : 'replaceState'](next, '', address);
  }

  function change(patch, move) {
    if (!state) return;
    const next = { ...state, ...patch, move: state.move + (move ? 1 : 0) };
    root.dataset.pageReady = 'false';
    for (const id of ['map-heading-box', 'map-panel-box']) waiting.add(id);
    setProps(STATE, { data: next });
  }

  addEventListener('popstate', (event) => {
    if (event.state && event.state.snapshot && state) {
      state = { ...event.state, move: state.move + 1 };
      setProps(STATE, { data: state });
    }
  });

  /** <html data-page-ready>: words and map are those of the newest state. */
  function showReady() {
    const ready = captioned && waiting.size === 0 && root.dataset.mapReady === 'true';
    if (root.dataset.pageReady !== String(ready)) root.dataset.pageReady = String(ready);
  }

  new MutationObserver(showReady).observe(root, { attributeFilter: ['data-map-ready'] });

  // ---------------------------------------------------------------- weeks

  /** Label, class of the bar, and whether the slider is off. */
  function weekBar() {
    const weekly = weeks.weekly.includes(state.layer);
    return [weekly ? weeks.labels[state.week] : weeks.static, weekly ? 'week-bar' : 'week-bar is-static', !weekly];
  }

  function stepWeek(step) {
    if (!weeks || !state || !weeks.weekly.includes(state.layer)) return;
    const at = weeks.weeks.indexOf(state.week) + step;
    if (at >= 0 && at < weeks.weeks.length) setProps('map-week-slider', { value: at });
  }

  // ---------------------------------------------------------------- clicks and keys

  function flipTheme() {
    const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
    root.dataset.theme = theme;
    remember('xintu-theme', theme);
    history.replaceState(history.state, '', location.pathname + query(state));
    setProps(THEME, { data: theme });
  }

  function switchLanguage(lang) {
    remember('xintu-lang', lang);
    const params = new URLSearchParams(query(state));
    params.set('lang', lang);
    location.search = params.toString();
  }

  function toggleSite(kind) {
    const sites = state.sites.includes(kind)
      ? state.sites.filter((other) => other !== kind)
      : [...state.sites, kind];
    change({ sites });
  }

  const sheet = (name) => {
    const page = document.querySelector('.page');
    const open = name && page.dataset.open !== name;
    if (open) page.dataset.open = name;
    else delete page.dataset.open;
  };

  function clearSearch() {
    const input = document.getElementById('map-search-input');
    if (input) setProps('map-search-input', { value: '' });
    setProps('map-search-results', { children: [] });
  }

  const ACTIONS = {
    set: (button) => {
      change(JSON.parse(button.dataset.set), button.dataset.move !== undefined);
      if (button.closest('.search-results')) clearSearch();
      if (button.closest('.place-list, .search-results') && innerWidth < 768) sheet(null);
    },
    site: (button) => toggleSite(button.dataset.site),
    language: (button) => switchLanguage(button.dataset.language),
    themeSwitch: flipTheme,
    weekStep: (button) => stepWeek(Number(button.dataset.weekStep)),
    sheet: (button) => sheet(button.dataset.sheet),
    dismiss: () => setProps('shell-note-box', { children: null }),
  };

  addEventListener('click', (event) => {
    const button = event.target.closest('button, a');
    if (!button) return;
    for (const [name, act] of Object.entries(ACTIONS)) {
      if (button.dataset[name] !== undefined) act(button);
    }
  });

  function walkResults(event) {
    const results = [...document.querySelectorAll('.search-result')];
    const input = document.getElementById('map-search-input');
    const at = results.indexOf(document.activeElement);
    if (event.key === 'Escape') {
      clearSearch();
      input.focus();
    } else if (event.key === 'Enter' && at < 0 && results.length) {
      results[0].click();
    } else if (event.key === 'ArrowDown' && results.length) {
      results[Math.min(at + 1, results.length - 1)].focus();
    } else if (event.key === 'ArrowUp') {
      (at > 0 ? results[at - 1] : input).focus();
    } else return;
    event.preventDefault();
  }

  addEventListener('keydown', (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.target.closest && event.target.closest('.search')) walkResults(event);
    else if (event.key === '/' && !typing) {
      const input = document.getElementById('map-search-input');
      if (input) {
        input.focus();
        event.preventDefault();
      }
    } else if (event.key === 'Escape') sheet(null);
  });

  // ---------------------------------------------------------------- clientside callbacks

  const pages = {
    openAddress: (path) => {
      const params = new URLSearchParams(location.search);
      if (params.get('lang')) remember('xintu-lang', root.lang);
      if (params.get('theme')) remember('xintu-theme', root.dataset.theme);
      const theme = root.dataset.theme;
      return [{ path, query: location.search, theme }, theme];
    },
    keepState: (next, weekData) => {
      const previous = state;
      state = next;
      weeks = weekData;
      writeAddress(next, previous);
      return weekBar();
    },
    slideWeek: (value) => {
      if (weeks && state && weeks.weeks[value] !== state.week) change({ week: weeks.weeks[value] });
    },
    // The map's view is joined here, so that a change of layer or week waits for no server.
    joinView: (of, theme, frame) => {
      const layer = frame.layers[of.layer];
      const moved = of.move !== joinedMove;
      joinedMove = of.move;
      const { view } = frame;
      const home = view.levels[view.levels.length - 1].bounds;
      const focus = of.area ? { level: of.area_level, code: of.area, fit: moved } : { bounds: home, fit: moved };
      return {
        ...view,
        layer: of.layer,
        meta: layer.meta,
        level: of.level,
        week: layer.weekly ? of.week : '',
        warning_week: of.week,
        theme: theme || root.dataset.theme,
        scale: innerWidth >= LARGE_PX ? 1.5 : 1,
        show: { ...view.show, sites: of.sites, warnings: layer.warned },
        focus: { ...focus, move: of.move },
      };
    },
    // Both scenarios stand in the address, whichever of the two was chosen anew.
    pickScenarios: (a, b) => {
      const params = new URLSearchParams(location.search);
      const before = params.toString();
      for (const [key, value] of [['a', a], ['b', b]]) if (value) params.set(key, value);
      return params.toString() === before ? window.dash_clientside.no_update : '?' + params.toString();
    },
    pickPlace: (picked) => {
      if (picked && picked.code) change({ area: picked.code, area_level: picked.level });
    },
    tellReady: (heading) => {
      for (const { prop_id } of window.dash_clientside.callback_context.triggered) waiting.delete(prop_id.split('.')[0]);
      captioned = Boolean(heading);
      showReady();
    },
  };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { xintu_pages: pages });
})();
