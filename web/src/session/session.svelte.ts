import { api, ask, onSignedOut } from '../api/client';
import type { ApiError } from '../api/errors';
import { errorFromFailure } from '../api/errors';
import type { Me, User } from '../api/model';

/**
 * ```text
 * starting ─▶ signed-out ─▶ active ◀─▶ pending
 *     │                       │  ▲
 *     ▼                       ▼  │
 * unreachable             suspended
 * ```
 * Any request that answers 401 moves to signed-out, wherever it was made.
 */
export type SessionState = 'starting' | 'unreachable' | 'signed-out' | 'pending' | 'suspended' | 'active';

class Session {
  state = $state<SessionState>('starting');
  me = $state.raw<Me>();
  /** Why the state is `unreachable`. */
  error = $state.raw<ApiError>();
  /** Whether the session ended without the user asking for it; the login page says so. */
  expired = $state(false);

  constructor() {
    onSignedOut(() => this.#end(this.me !== undefined));
  }

  /** Asks the server who is signed in. A running app is never thrown out by a server that does not answer. */
  load = async (): Promise<void> => {
    try {
      this.accept(await ask(api.GET('/api/auth/me')));
    } catch (failure) {
      const error = errorFromFailure(failure);
      if (error.status === 401) return;
      if (error.status === 403) {
        this.state = 'suspended';
      } else if (this.state === 'starting' || this.state === 'unreachable') {
        this.state = 'unreachable';
        this.error = error;
      }
    }
  };

  accept(me: Me): void {
    this.me = me;
    this.expired = false;
    this.error = undefined;
    this.state = me.user.status;
  }

  /** After the profile was changed here. */
  updateUser(user: User): void {
    if (this.me) this.me = { ...this.me, user };
  }

  signOut = async (): Promise<void> => {
    await ask(api.POST('/api/auth/logout'));
    this.#end(false);
  };

  signOutEverywhere = async (): Promise<void> => {
    await ask(api.DELETE('/api/auth/sessions'));
    this.#end(false);
  };

  #end(expired: boolean): void {
    this.me = undefined;
    this.expired = expired;
    this.state = 'signed-out';
  }
}

export const session = new Session();
