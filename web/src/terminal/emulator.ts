// xterm.js with its addons, behind what the app needs of it. This is the chunk that only terminals load.
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal, type ITheme } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import type { Screen } from './connection.svelte';
import type { Size } from './frames';
import { copied } from './osc52';
import { withPolicy } from './policy';

export interface Look {
  theme: ITheme;
  font: string;
  fontSize: number;
  /** Text for screen readers next to the picture; costs time, so only when wanted. */
  screenReader: boolean;
}

export interface Events {
  /** Bytes for the shell. */
  typed: (bytes: Uint8Array) => void;
  /** `false` leaves the key to the app. */
  key: (event: KeyboardEvent) => boolean;
  /** A program wants this text on the clipboard. */
  copy: (text: string) => void;
  /** The address under the pointer, or none. */
  link: (uri: string | undefined) => void;
  /** Matches of the search: which is shown, of how many. */
  found: (shown: number, count: number) => void;
}

const SCROLLBACK_LINES = 10_000;
// Text may be any colour; it has to be readable on ours.
const CONTRAST_MIN = 4.5;

// CAN, then RIS.
const RESET = new Uint8Array([0x18, 0x1b, 0x63]);

/** Made for one element, once. */
export class Emulator implements Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon({ highlightLimit: 1_000 });
  readonly #encoder = new TextEncoder();
  #webgl: WebglAddon | undefined;
  #highlight = '';

  constructor(element: HTMLElement, look: Look, events: Events) {
    const open = (event: MouseEvent, uri: string): void => {
      // The text of a link may say anything: where it leads is shown, and opening takes intent.
      const touch = event instanceof PointerEvent && event.pointerType === 'touch';
      if (!touch && !event.ctrlKey && !event.metaKey) return;
      if (/^https?:\/\//i.test(uri)) window.open(uri, '_blank', 'noopener,noreferrer');
    };
    const hover = (_: MouseEvent, uri: string): void => events.link(uri);
    const leave = (): void => events.link(undefined);
    this.#terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      fontFamily: look.font,
      fontSize: look.fontSize,
      lineHeight: 1.15,
      theme: look.theme,
      minimumContrastRatio: CONTRAST_MIN,
      scrollback: SCROLLBACK_LINES,
      screenReaderMode: look.screenReader,
      macOptionIsMeta: true,
      linkHandler: { activate: open, hover, leave },
    });
    this.#highlight = look.theme.selectionBackground ?? '#888888';
    for (const addon of [
      this.#fit,
      this.#search,
      new Unicode11Addon(),
      new WebLinksAddon(open, { hover, leave }),
    ])
      this.#terminal.loadAddon(addon);
    this.#terminal.unicode.activeVersion = '11';
    this.#terminal.attachCustomKeyEventHandler(events.key);
    this.#terminal.onData((data) => events.typed(this.#encoder.encode(data)));
    // Old mouse reports are bytes, not text.
    this.#terminal.onBinary((data) => events.typed(Uint8Array.from(data, (char) => char.charCodeAt(0))));
    this.#terminal.parser.registerOscHandler(52, (data) => {
      const text = copied(data);
      if (text !== undefined) events.copy(text);
      return true;
    });
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) =>
      events.found(resultCount === 0 ? 0 : resultIndex + 1, resultCount),
    );
    withPolicy(() => this.#terminal.open(element));
    this.#accelerate();
  }

  /** Draws with WebGL where there is any; it may be taken away at any time. */
  #accelerate(): void {
    if (!hasGpu()) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => this.#decelerate());
      this.#terminal.loadAddon(webgl);
      this.#webgl = webgl;
    } catch {
      this.#decelerate();
    }
  }

  #decelerate(): void {
    const webgl = this.#webgl;
    this.#webgl = undefined;
    if (webgl) withPolicy(() => webgl.dispose());
  }

  write(bytes: Uint8Array, done: () => void): void {
    this.#terminal.write(bytes, done);
  }

  /** In order with what was written: as bytes that first break off an unfinished sequence or character. */
  reset(): void {
    this.#terminal.write(RESET);
  }

  resize({ cols, rows }: Size): void {
    // After what was written, which is parsed later: the program drew that for the size before.
    this.#terminal.write('', () => {
      if (cols !== this.#terminal.cols || rows !== this.#terminal.rows) this.#terminal.resize(cols, rows);
    });
  }

  /** How many cells the element has room for; `undefined` while it is not shown. */
  fitting(): Size | undefined {
    const size = this.#fit.proposeDimensions();
    return size && Number.isFinite(size.cols) && Number.isFinite(size.rows) ? size : undefined;
  }

  look({ theme, font, fontSize, screenReader }: Look): void {
    this.#highlight = theme.selectionBackground ?? this.#highlight;
    Object.assign(this.#terminal.options, {
      theme,
      fontFamily: font,
      fontSize,
      screenReaderMode: screenReader,
    });
  }

  set readOnly(on: boolean) {
    this.#terminal.options.disableStdin = on;
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** Whether arrows are wanted in their application form. */
  get applicationKeys(): boolean {
    return this.#terminal.modes.applicationCursorKeysMode;
  }

  paste(text: string): void {
    this.#terminal.paste(text);
  }

  selectAll(): void {
    this.#terminal.selectAll();
  }

  clear(): void {
    this.#terminal.clear();
  }

  focus(): void {
    this.#terminal.focus();
  }

  blur(): void {
    this.#terminal.blur();
  }

  find(term: string, backwards: boolean, incremental: boolean): void {
    const options = {
      incremental,
      decorations: {
        matchBackground: this.#highlight.slice(0, 7),
        matchOverviewRuler: this.#highlight.slice(0, 7),
        activeMatchBackground: '#d18616',
        activeMatchColorOverviewRuler: '#d18616',
      },
    };
    if (backwards) this.#search.findPrevious(term, options);
    else this.#search.findNext(term, options);
  }

  endSearch(): void {
    this.#search.clearDecorations();
    this.#terminal.clearSelection();
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

/** Whether WebGL is more than an emulation on the processor, which is slower than drawing with elements. */
function hasGpu(): boolean {
  const context = document
    .createElement('canvas')
    .getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
