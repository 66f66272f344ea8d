import { api, ask } from '../../api/client';
import { errorFromFailure, type ApiError } from '../../api/errors';
import type { GitRemote } from '../../api/model';

const TYPING_MS = 500;

/** The branches of the repository that is being typed, as a node sees it. */
export class RemoteBranches {
  found = $state.raw<GitRemote>();
  error = $state.raw<ApiError>();
  reading = $state(false);
  #asked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks once typing pauses; asking for the same again does nothing. */
  look(node: string | undefined, url: string): void {
    const asked = node === undefined || url === '' ? '' : `${node} ${url}`;
    if (asked === this.#asked) return;
    this.#asked = asked;
    clearTimeout(this.#timer);
    this.found = undefined;
    this.error = undefined;
    this.reading = asked !== '';
    if (node !== undefined && asked !== '')
      this.#timer = setTimeout(() => void this.#read(asked, node, url), TYPING_MS);
  }

  async #read(asked: string, id: string, url: string): Promise<void> {
    const params = { path: { id }, query: { url } };
    try {
      const found = await ask(api.GET('/api/nodes/{id}/git/remote', { params }));
      if (asked === this.#asked) this.found = found;
    } catch (failure) {
      if (asked === this.#asked) this.error = errorFromFailure(failure);
    }
    if (asked === this.#asked) this.reading = false;
  }
}
