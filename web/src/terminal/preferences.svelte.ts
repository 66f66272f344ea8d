// How terminals look in this browser, and which workspaces may use its clipboard.
import { remember, remembered } from '../data/stored';

const FONT_KEY = 'sam.terminal.font';
const READER_KEY = 'sam.terminal.reader';
const CLIPBOARD_KEY = 'sam.terminal.clipboard';
const LAST_KEY = 'sam.terminal.last';

export const FONT_MIN = 9;
export const FONT_MAX = 28;
const FONT_USUAL = 13;
/** Enough to remember; older ones are asked again. */
const REMEMBERED_MAX = 50;

/** A size that a terminal can have; the usual one for what is none. */
export function fontSizeOf(stored: string | undefined): number {
  const size = Number(stored ?? '');
  return Number.isInteger(size) && size >= FONT_MIN && size <= FONT_MAX ? size : FONT_USUAL;
}

class Preferences {
  fontSize = $state(fontSizeOf(remembered(FONT_KEY)));
  screenReader = $state(remembered(READER_KEY) === 'on');
  #clipboard = $state.raw(list(CLIPBOARD_KEY));

  enlarge(by: number): void {
    this.fontSize = Math.max(FONT_MIN, Math.min(FONT_MAX, this.fontSize + by));
    remember(FONT_KEY, String(this.fontSize));
  }

  setScreenReader(on: boolean): void {
    this.screenReader = on;
    remember(READER_KEY, on ? 'on' : undefined);
  }

  mayCopy(workspace: string): boolean {
    return this.#clipboard.includes(workspace);
  }

  allowCopy(workspace: string): void {
    this.#clipboard = [workspace, ...this.#clipboard.filter((id) => id !== workspace)].slice(
      0,
      REMEMBERED_MAX,
    );
    remember(CLIPBOARD_KEY, this.#clipboard.join(' '));
  }

  /** The terminal that was shown last in a workspace. */
  lastOf(workspace: string): string | undefined {
    return list(LAST_KEY)
      .map((pair) => pair.split('='))
      .find(([id]) => id === workspace)?.[1];
  }

  showed(workspace: string, terminal: string): void {
    const others = list(LAST_KEY).filter((pair) => !pair.startsWith(`${workspace}=`));
    remember(LAST_KEY, [`${workspace}=${terminal}`, ...others].slice(0, REMEMBERED_MAX).join(' '));
  }
}

function list(key: string): string[] {
  return (remembered(key) ?? '').split(' ').filter((item) => item !== '');
}

export const preferences = new Preferences();
