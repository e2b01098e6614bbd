// Runs before the first paint, so that a chosen theme does not flash. Kept in step with src/shell/theme.ts.
try {
  const chosen = localStorage.getItem('signalbox.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden: the system's choice stands.
}
