// Keys of the on-screen bar and of the app inside a terminal, as bytes and decisions. Nothing here touches the page.

/** What Ctrl makes of a typed character; the character itself where Ctrl means nothing. */
export function withControl(typed: string): string {
  if (typed === ' ' || typed === '@') return '\x00';
  if (typed === '?') return '\x7f';
  const upper = typed.length === 1 ? typed.toUpperCase().charCodeAt(0) : 0;
  // `A` to `_`: the letters and `[ \ ] ^ _`.
  return upper >= 0x41 && upper <= 0x5f ? String.fromCharCode(upper - 0x40) : typed;
}

export type Arrow = 'up' | 'down' | 'right' | 'left';
const ARROWS: Record<Arrow, string> = { up: 'A', down: 'B', right: 'C', left: 'D' };

/** An arrow key as the program wants it: full-screen programs switch to the application form. */
export function arrow(direction: Arrow, application: boolean): string {
  return `\x1b${application ? 'O' : '['}${ARROWS[direction]}`;
}

export type Shortcut = 'copy' | 'paste' | 'search' | 'larger' | 'smaller' | 'leave' | 'app';

interface Press {
  key: string;
  code: string;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/** What the app takes for itself of the keys pressed in a terminal. Plain Ctrl belongs to the shell, all of it. */
export function shortcutOf(press: Press, isMac: boolean): Shortcut | undefined {
  if (press.altKey) return undefined;
  const key = press.key.toLowerCase();
  if (isMac && press.metaKey && !press.ctrlKey) {
    if (key === 'c') return 'copy';
    if (key === 'f') return 'search';
    return undefined;
  }
  if (!press.ctrlKey || !press.shiftKey || press.metaKey) return undefined;
  if (key === 'c') return 'copy';
  if (key === 'v') return 'paste';
  if (key === 'f') return 'search';
  if (key === 'k') return 'app';
  if (press.code === 'ArrowUp') return 'leave';
  if (press.code === 'Equal' || press.code === 'NumpadAdd') return 'larger';
  if (press.code === 'Minus' || press.code === 'NumpadSubtract') return 'smaller';
  return undefined;
}
