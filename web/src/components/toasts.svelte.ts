// Short confirmations that go away by themselves. Errors are shown where they happened; only what has no place comes here.
import { errorFromFailure } from '../api/errors';

export interface Toast {
  id: number;
  message: string;
  failed: boolean;
}

const SHOWN_MS = 5_000;
const SHOWN_MAX = 3;

class Toasts {
  shown = $state<Toast[]>([]);
  #last = 0;

  say(message: string): void {
    this.#show(message, false);
  }

  /** For an action without a form or dialog of its own. */
  fail(failure: unknown): void {
    const error = errorFromFailure(failure);
    this.#show(error.requestId ? `${error.message} (${error.requestId})` : error.message, true);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  #show(message: string, failed: boolean): void {
    const id = ++this.#last;
    this.shown = [...this.shown, { id, message, failed }].slice(-SHOWN_MAX);
    // An error stays until it is dismissed: its request id may be needed.
    if (!failed) setTimeout(() => this.dismiss(id), SHOWN_MS);
  }
}

export const toasts = new Toasts();
