import { errorFromFailure } from '../api/errors';
import { Pages, type Page } from './pages.svelte';

/** A list whose rows are kept current one by one, as events name them. */
export class LiveRows<T extends { id: string }> extends Pages<T> {
  readonly #loadPage: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #loadRow: (id: string) => Promise<T>;
  readonly #gone: (row: T) => boolean;
  /** Rows being read; `true` when one changed again meanwhile. */
  readonly #reading = new Map<string, boolean>();

  /** `gone` says which rows the list no longer shows although they can still be read. */
  constructor(
    load: (cursor: string | undefined) => Promise<Page<T>>,
    loadRow: (id: string) => Promise<T>,
    gone: (row: T) => boolean,
  ) {
    super(load);
    this.#loadPage = load;
    this.#loadRow = loadRow;
    this.#gone = gone;
  }

  /** Reads one row anew; many events in a row cost two reads. Without an id the whole list may have changed. */
  refresh = async (id: string | undefined): Promise<void> => {
    if (id === undefined || this.items === undefined) return this.reload();
    if (this.#reading.has(id)) {
      this.#reading.set(id, true);
      return;
    }
    this.#reading.set(id, false);
    try {
      this.put(await this.#loadRow(id));
    } catch (failure) {
      // Any other failure leaves the row as it was: the next event tries again.
      if (errorFromFailure(failure).status === 404) this.#remove(id);
    }
    const again = this.#reading.get(id);
    this.#reading.delete(id);
    if (again) await this.refresh(id);
  };

  /** Brings the first page up to date, quietly and without giving up further pages. */
  freshen = async (): Promise<void> => {
    if (this.items === undefined || this.loading) return;
    try {
      const { items } = await this.#loadPage(undefined);
      for (const row of items.toReversed()) this.put(row);
    } catch {
      // What is shown stays; the next look tries again.
    }
  };

  /** Shows a row as it is now; a new one comes first. */
  put(row: T): void {
    if (this.#gone(row)) return this.#remove(row.id);
    const items = this.items ?? [];
    const known = items.some((each) => each.id === row.id);
    this.items = known ? items.map((each) => (each.id === row.id ? row : each)) : [row, ...items];
  }

  #remove(id: string): void {
    this.items = this.items?.filter((each) => each.id !== id);
  }
}
