/* Maps within an element with `data-maps-together` show the same place: the one that was touched last leads, the others
   follow each of its frames. */
(function () {
  "use strict";

  const TOGETHER = "[data-maps-together]";
  let touched = null;

  const hostOf = (map) => window.xintuMap.controllers.get(map.id.replace(/-map$/, "-graph"))?.host;

  for (const name of ["pointerdown", "wheel", "keydown"]) {
    addEventListener(name, (event) => {
      touched = event.target.closest?.(`${TOGETHER} .xmap`) ?? touched;
    }, { capture: true, passive: true });
  }

  addEventListener("xmap-moved", ({ target, detail }) => {
    const group = target.closest(TOGETHER);
    if (!group) return;
    const maps = [...group.querySelectorAll(".xmap")];
    const leader = maps.includes(touched) ? touched : maps[0];
    const camera = hostOf(leader)?.view();
    if (!camera) return;
    for (const map of maps) {
      const host = map === leader ? null : hostOf(map);
      if (!host) continue;
      const { x, y, zoom } = host.view();
      const settled = detail.settled && target === leader;
      if (settled || x !== camera.x || y !== camera.y || zoom !== camera.zoom) host.look(camera, settled);
    }
  });
})();
