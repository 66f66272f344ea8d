import { location, navigate } from './location.svelte';
import { withQuery } from './query';

/** Whether a query parameter is set, as state: a dialog that a link can open and Back can close. */
export class QueryFlag {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  get on(): boolean {
    return location.url.searchParams.has(this.#name);
  }

  set(on: boolean): void {
    if (on === this.on) return;
    navigate(withQuery(location.url, { [this.#name]: on ? '1' : undefined }), { replace: !on });
  }
}
