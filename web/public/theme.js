// Runs before the first paint. The key and values are those of src/theme/theme.svelte.ts.
try {
  const theme = localStorage.getItem('sam.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the system's theme is used then.
}
