// Loaded in the head, before the first paint: a theme that nobody chose follows the system.
(function () {
  const root = document.documentElement;
  if (root.dataset.theme === 'auto') {
    root.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
})();
