// For what changes without an event: numbers out of a node's reports, such as load, ports or the idle time.

/** Calls `act` again and again, while someone can see the result. */
export function whileVisible(everyMs: number, act: () => void): () => void {
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') act();
  }, everyMs);
  return () => clearInterval(timer);
}
