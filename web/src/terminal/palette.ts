// The terminal's colours, out of styles/tokens.css, as the plain values that a canvas needs.
import type { ITheme } from '@xterm/xterm';

const NAMES = {
  background: '--term',
  foreground: '--term-text',
  cursor: '--accent-text',
  cursorAccent: '--term',
  selectionBackground: '--term-selection',
  scrollbarSliderBackground: '--term-slider',
  scrollbarSliderHoverBackground: '--term-slider-hover',
  scrollbarSliderActiveBackground: '--term-slider-hover',
  black: '--term-black',
  red: '--term-red',
  green: '--term-green',
  yellow: '--term-yellow',
  blue: '--term-blue',
  magenta: '--term-magenta',
  cyan: '--term-cyan',
  white: '--term-white',
  brightBlack: '--term-bright-black',
  brightRed: '--term-bright-red',
  brightGreen: '--term-bright-green',
  brightYellow: '--term-bright-yellow',
  brightBlue: '--term-bright-blue',
  brightMagenta: '--term-bright-magenta',
  brightCyan: '--term-bright-cyan',
  brightWhite: '--term-bright-white',
} as const satisfies Partial<Record<keyof ITheme, string>>;

/** Reads them as they are now: `light-dark()` is resolved by the browser, on an element of the page. */
export function terminalTheme(host: HTMLElement): ITheme {
  const probe = document.createElement('span');
  // With reduced motion everything has a tiny transition, which would hand out the colour before.
  probe.style.transitionProperty = 'none';
  host.append(probe);
  const theme = Object.fromEntries(
    Object.entries(NAMES).map(([key, token]) => {
      probe.style.color = `var(${token})`;
      return [key, hex(getComputedStyle(probe).color)];
    }),
  );
  probe.remove();
  return theme;
}

/** `rgb(1 2 3 / 0.5)` in any of its spellings as `#rrggbbaa`, the one that xterm.js reads everywhere. */
export function hex(colour: string): string {
  const [r = 0, g = 0, b = 0, a = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return `#${[r, g, b, Math.round(a * 255)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
