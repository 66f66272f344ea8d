import type { ApiError } from '../api/errors';
import { errorFromFailure } from '../api/errors';

/** One change sent to the server: busy while under way, and the error when it was refused. */
export class Submission {
  busy = $state(false);
  error = $state.raw<ApiError>();

  /** Runs `change` unless one is under way already. */
  run = async (change: () => Promise<void>): Promise<void> => {
    if (this.busy) return;
    this.busy = true;
    this.error = undefined;
    try {
      await change();
    } catch (failure) {
      this.error = errorFromFailure(failure);
    }
    this.busy = false;
  };

  reset(): void {
    this.error = undefined;
  }
}
