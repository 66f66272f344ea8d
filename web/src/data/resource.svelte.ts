import type { ApiError } from '../api/errors';
import { errorFromFailure } from '../api/errors';

/**
 * One thing loaded from the server: loading, then data or an error. A reload keeps the old data on screen;
 * of overlapping loads only the newest counts, so a slow old answer never overwrites a new one.
 */
export class Resource<T> {
  data = $state.raw<T>();
  error = $state.raw<ApiError>();
  loading = $state(false);
  #generation = 0;
  readonly #load: () => Promise<T>;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  reload = async (): Promise<void> => {
    const generation = ++this.#generation;
    this.loading = true;
    try {
      const data = await this.#load();
      if (generation !== this.#generation) return;
      this.data = data;
      this.error = undefined;
    } catch (failure) {
      if (generation !== this.#generation) return;
      this.error = errorFromFailure(failure);
    }
    this.loading = false;
  };
}
