import { api, ask } from '../../api/client';
import type { ApiError } from '../../api/errors';
import { errorFromFailure } from '../../api/errors';
import { session } from '../../session/session.svelte';

/**
 * Redeeming the token in the link's fragment:
 * ```text
 *            signed in already
 * no-link ──▶ confirm ──▶ redeeming ──▶ (session)
 *    └──────────────────▶    │  ▲
 *                 an invite  ▼  │ name given
 *                        needs-name        any other error: refused
 * ```
 * The fragment never reaches a server or its logs; a token is sent only in the body of the login request.
 */
export type LoginStep = 'no-link' | 'confirm' | 'redeeming' | 'needs-name' | 'refused';

export class Login {
  step = $state<LoginStep>('no-link');
  error = $state.raw<ApiError>();
  #token = '';
  readonly #signedIn: () => void;

  constructor(signedIn: () => void) {
    this.#signedIn = signedIn;
  }

  /** A link was opened. Signed-out users are signed in at once; others are asked first. */
  open(token: string): void {
    this.#token = token;
    this.error = undefined;
    if (session.me) this.step = 'confirm';
    else void this.redeem();
  }

  redeem = async (person?: { name: string; email?: string }): Promise<void> => {
    if (!person) this.step = 'redeeming';
    this.error = undefined;
    try {
      session.accept(await ask(api.POST('/api/auth/login', { body: { token: this.#token, ...person } })));
      this.#signedIn();
    } catch (failure) {
      const error = errorFromFailure(failure);
      // 400 is about the name or the address, and leaves the link as good as it was.
      const mistake = error.status === 400;
      if (!mistake || person) this.error = error;
      this.step = mistake || (person && this.retryable) ? 'needs-name' : 'refused';
    }
  };

  /** Whether trying the same link again may work. */
  get retryable(): boolean {
    return (
      this.error !== undefined &&
      (this.error.status === 0 || this.error.status === 429 || this.error.status >= 500)
    );
  }
}
