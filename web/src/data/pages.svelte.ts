import type { ApiError } from '../api/errors';
import { errorFromFailure } from '../api/errors';

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** A list that grows by cursor: `reload` starts over, `more` appends the next page. */
export class Pages<T extends { id: string }> {
  items = $state.raw<T[]>();
  error = $state.raw<ApiError>();
  loading = $state(false);
  #cursor = $state<string>();
  #generation = 0;
  readonly #load: (cursor: string | undefined) => Promise<Page<T>>;

  constructor(load: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#load = load;
  }

  get hasMore(): boolean {
    return this.#cursor !== undefined;
  }

  reload = (): Promise<void> => this.#fetch(undefined);
  more = (): Promise<void> => this.#fetch(this.#cursor);

  async #fetch(cursor: string | undefined): Promise<void> {
    const generation = ++this.#generation;
    this.loading = true;
    try {
      const page = await this.#load(cursor);
      if (generation !== this.#generation) return;
      this.items = cursor === undefined ? page.items : append(this.items ?? [], page.items);
      this.#cursor = page.next_cursor ?? undefined;
      this.error = undefined;
    } catch (failure) {
      if (generation !== this.#generation) return;
      this.error = errorFromFailure(failure);
    }
    this.loading = false;
  }
}

/** Rows may move between pages while someone reads; an id is shown once. */
function append<T extends { id: string }>(shown: T[], next: T[]): T[] {
  const ids = new Set(shown.map((item) => item.id));
  return [...shown, ...next.filter((item) => !ids.has(item.id))];
}
