// Input of one viewer on its way to the shell: every byte counted, sent again after a drop, never twice.
import { CHUNK_BYTES_MAX, INPUT_WINDOW_BYTES } from './frames.gen';

/** More than anyone types or pastes while a connection is away. */
export const QUEUE_BYTES_MAX = 1024 * 1024;

/**
 * ```text
 *        base            sent                end
 *  taken  │ under way     │ not sent yet      │
 *  over   │ (≤ window)    │                   │
 * ```
 */
export class InputQueue {
  #base = 0;
  #sent = 0;
  #end = 0;
  #pieces: Uint8Array[] = [];

  /** Bytes that the shell's side has not confirmed. */
  get waiting(): number {
    return this.#end - this.#base;
  }

  /** Appends; refuses all of `bytes` when too many wait already. */
  push(bytes: Uint8Array): boolean {
    if (this.waiting + bytes.length > QUEUE_BYTES_MAX) return false;
    if (bytes.length > 0) this.#pieces.push(bytes);
    this.#end += bytes.length;
    return true;
  }

  /** The next bytes to send, marked as sent; `undefined` when there are none or the window is full. */
  next(): { offset: number; bytes: Uint8Array } | undefined {
    const room = this.#base + INPUT_WINDOW_BYTES - this.#sent;
    const length = Math.min(room, this.#end - this.#sent, CHUNK_BYTES_MAX);
    if (length <= 0) return undefined;
    const offset = this.#sent;
    this.#sent += length;
    return { offset, bytes: this.#slice(offset - this.#base, length) };
  }

  /** Everything before `offset` has arrived. */
  ack(offset: number): void {
    let dropped = Math.min(offset, this.#end) - this.#base;
    if (dropped <= 0) return;
    this.#base += dropped;
    this.#sent = Math.max(this.#sent, this.#base);
    while (dropped > 0) {
      const first = this.#pieces[0];
      if (!first) break;
      if (first.length > dropped) this.#pieces[0] = first.subarray(dropped);
      else this.#pieces.shift();
      dropped -= Math.min(dropped, first.length);
    }
  }

  /** A new connection: what lies beyond `taken` goes out again. */
  resume(taken: number): void {
    this.ack(taken);
    this.#sent = this.#base;
  }

  /** Counts from 0 again, under another viewer's name; what was not confirmed stays. */
  renumber(): void {
    this.#end = this.waiting;
    this.#base = 0;
    this.#sent = 0;
  }

  #slice(start: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    let filled = 0;
    let skip = start;
    for (const piece of this.#pieces) {
      if (filled === length) break;
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      const part = piece.subarray(skip, skip + length - filled);
      out.set(part, filled);
      filled += part.length;
      skip = 0;
    }
    return out;
  }
}
