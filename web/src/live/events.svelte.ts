import type { LiveEvent } from './frame';
import { parseFrame } from './frame';

type Listener = (event: LiveEvent) => void;

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/**
 * Owns the one event stream of the app. The browser itself resumes a dropped stream after the last event it
 * saw; only a refused stream (an error answer) is opened anew here, with growing pauses.
 */
class LiveEvents {
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pauseMs = RETRY_MIN_MS;
  readonly #listeners = new Set<Listener>();
  readonly #anew = new Set<() => void>();

  /** Opens the stream. `refused` is called when the server turns it down: the session may have ended. */
  start(refused: () => void): () => void {
    const open = (anew: boolean): void => {
      const source = new EventSource('/api/events');
      this.#source = source;
      source.onopen = () => {
        this.#pauseMs = RETRY_MIN_MS;
        if (anew) for (const listener of this.#anew) listener();
      };
      source.onmessage = (message: MessageEvent<string>) => this.#dispatch(message.data);
      source.onerror = () => {
        if (source.readyState !== EventSource.CLOSED) return;
        refused();
        this.#timer = setTimeout(() => open(true), this.#pauseMs);
        this.#pauseMs = Math.min(this.#pauseMs * 2, RETRY_MAX_MS);
      };
    };
    open(false);
    return () => {
      clearTimeout(this.#timer);
      this.#source?.close();
      this.#source = undefined;
    };
  }

  /** Calls `listener` for each event whose kind starts with `prefix`; returns how to stop. */
  on(prefix: string, listener: Listener): () => void {
    const filtered: Listener = (event) => {
      if (event.kind.startsWith(prefix)) listener(event);
    };
    this.#listeners.add(filtered);
    return () => this.#listeners.delete(filtered);
  }

  /**
   * Keeps something on screen current: `changed` is called for each event of these kinds, and without one when events
   * may have been missed (the stream was opened anew, or the tab was asleep).
   */
  follow(prefixes: readonly string[], changed: (event: LiveEvent | undefined) => void): () => void {
    const missed = (): void => changed(undefined);
    const woke = (): void => {
      if (document.visibilityState === 'visible') missed();
    };
    const stops = prefixes.map((prefix) => this.on(prefix, changed));
    this.#anew.add(missed);
    document.addEventListener('visibilitychange', woke);
    return () => {
      for (const stop of stops) stop();
      this.#anew.delete(missed);
      document.removeEventListener('visibilitychange', woke);
    };
  }

  #dispatch(data: string): void {
    const event = parseFrame(data);
    if (event) for (const listener of this.#listeners) listener(event);
  }
}

export const live = new LiveEvents();
