// Key sequences such as `g h`, as a pure step: (keys so far, next key) -> run, wait or forget.

/** A started sequence is forgotten after this pause. */
export const SEQUENCE_MS = 1_000;

export interface Typed {
  keys: string;
  at: number;
}

export interface Step<T> {
  /** The shortcut that is complete now. */
  run?: T;
  /** The start of a sequence that may still be completed. */
  typed?: Typed;
}

export function press<T extends { keys: string }>(
  shortcuts: readonly T[],
  typed: Typed | undefined,
  key: string,
  now: number,
): Step<T> {
  const before = typed && now - typed.at <= SEQUENCE_MS ? `${typed.keys} ` : '';
  // A key that does not continue the sequence may start another one.
  for (const keys of new Set([before + key, key])) {
    const run = shortcuts.find((shortcut) => shortcut.keys === keys);
    if (run) return { run };
    if (shortcuts.some((shortcut) => shortcut.keys.startsWith(`${keys} `)))
      return { typed: { keys, at: now } };
  }
  return {};
}
