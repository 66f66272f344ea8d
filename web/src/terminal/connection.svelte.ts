import { ApiError, errorFromFailure } from '../api/errors';
import { pauseMs } from './backoff';
import { decode, encode, VIEWER_BYTES, type ClientFrame, type ServerFrame, type Size } from './frames';
import { ACK_EVERY_BYTES, SIZE_MAX, SUBPROTOCOL, TICKET_PREFIX } from './frames.gen';
import { InputQueue } from './input';

/**
 * ```text
 *                    Welcome             end reached
 *  connecting ───────────────▶ replaying ──────────▶ live
 *      ▲  │ ticket refused         │  dropped          │
 *      │  ▼                        ▼                   ▼
 *      │ failed ◀─ Error ──  reconnecting (pause, jitter) ── Exit ─▶ exited
 *      └──── retry ────────────────┘                      └─ Lost ─▶ lost
 * ```
 * The screen stays as it is over a reconnect: output goes on at the next byte.
 */
export type ConnectionState =
  'connecting' | 'replaying' | 'live' | 'reconnecting' | 'exited' | 'lost' | 'failed';

/** Where output goes: the emulator. */
export interface Screen {
  /** `done` is called when the bytes are drawn; that is what lets more come. */
  write(bytes: Uint8Array, done: () => void): void;
  /** Forget everything shown. */
  reset(): void;
  /** The terminal has this size from here on; ordered with the output. */
  resize(size: Size): void;
}

/** The part of a `WebSocket` that is used; tests have another. */
export interface Socket {
  binaryType: BinaryType;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface Parts {
  screen: Screen;
  /** Asks for a one-time ticket. */
  ticket: () => Promise<{ ticket: string; url: string }>;
  socket?: (url: string, protocols: string[]) => Socket;
  random?: () => number;
  now?: () => number;
}

const PING_EVERY_MS = 5_000;
const PONG_WITHIN_MS = 10_000;
const WELCOME_WITHIN_MS = 15_000;
/** A connection that lasted this long was a good one: the next pause is short again. */
const GOOD_AFTER_MS = 5_000;

/** Owns the socket of one terminal tab: opening, resuming, credit, input, latency. */
export class TerminalConnection {
  state = $state<ConnectionState>('connecting');
  /** Why the state is `failed`. */
  error = $state.raw<ApiError>();
  exit = $state.raw<{ signal: boolean; value: number }>();
  /** Round trip to the node, milliseconds. */
  latencyMs = $state<number>();
  readOnly = $state(false);
  /** Output was lost to this viewer since the page was opened. */
  gap = $state(false);
  /** Typed bytes were refused because too many wait. */
  overfull = $state(false);

  readonly #parts: Required<Parts>;
  readonly #input = new InputQueue();
  #viewer = newViewer();
  #size: Size;
  #socket: Socket | undefined;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #attempt = 0;
  /** Counts attempts to connect: what belongs to an older one is ignored. */
  #call = 0;
  /** Counts breaks in the output: a late `done` from before one says nothing any more. */
  #era = 0;
  #received = 0;
  #drawn = 0;
  #acked = 0;
  #replayEnd = 0;
  #pings = 0;
  #pingAt: number | undefined;

  constructor(size: Size, parts: Parts) {
    this.#size = cut(size);
    this.#parts = { socket: openSocket, random: Math.random, now: () => performance.now(), ...parts };
  }

  /** Whether it is over: only another terminal, or `retry` after a failure, goes on. */
  get ended(): boolean {
    return this.state === 'exited' || this.state === 'lost' || this.state === 'failed';
  }

  open(): void {
    void this.#connect();
  }

  /** Leaves the terminal running and goes away. */
  close(): void {
    this.#drop();
  }

  /** At once, instead of after the pause: the user asked, or the network came back. */
  retry = (): void => {
    if (this.state !== 'reconnecting' && this.state !== 'failed') return;
    this.#attempt = 0;
    this.#drop();
    void this.#connect();
  };

  type(bytes: Uint8Array): void {
    if (this.readOnly || this.ended) return;
    this.overfull = !this.#input.push(bytes);
    this.#pump();
  }

  resize(size: Size): void {
    const next = cut(size);
    if (next.cols === this.#size.cols && next.rows === this.#size.rows) return;
    this.#size = next;
    if (this.#isOpen && !this.readOnly) this.#send({ kind: 'resize', size: next });
  }

  get #isOpen(): boolean {
    return this.state === 'live' || this.state === 'replaying';
  }

  async #connect(): Promise<void> {
    if (this.state === 'failed') this.state = 'connecting';
    this.error = undefined;
    const call = ++this.#call;
    let place: { ticket: string; url: string };
    try {
      place = await this.#parts.ticket();
    } catch (failure) {
      if (call === this.#call) this.#refused(errorFromFailure(failure));
      return;
    }
    if (call !== this.#call) return;
    const socket = this.#parts.socket(place.url, [SUBPROTOCOL, TICKET_PREFIX + place.ticket]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () =>
      this.#send({ kind: 'hello', viewer: this.#viewer, from: this.#received, size: this.#size });
    socket.onmessage = ({ data }) => {
      const frame = data instanceof ArrayBuffer ? decode(data) : undefined;
      if (frame) this.#take(frame);
      else this.#dropped();
    };
    socket.onclose = () => this.#dropped();
    this.#later(WELCOME_WITHIN_MS, () => {
      if (!this.#isOpen) this.#dropped();
    });
  }

  #take(frame: ServerFrame): void {
    switch (frame.kind) {
      case 'welcome':
        return this.#welcome(frame);
      case 'output':
        return this.#output(frame.offset, frame.bytes);
      case 'gap':
        return this.#jump(frame.to);
      case 'input-ack':
        this.#input.ack(frame.offset);
        return this.#pump();
      case 'size':
        return this.#parts.screen.resize(frame.size);
      case 'pong':
        if (frame.token !== this.#pings || this.#pingAt === undefined) return;
        this.latencyMs = this.#parts.now() - this.#pingAt;
        this.#pingAt = undefined;
        return;
      case 'exit':
        this.exit = { signal: frame.signal, value: frame.value };
        return this.#end('exited');
      case 'lost':
        return this.#end('lost');
      case 'error':
        return this.#fault(frame);
    }
  }

  #welcome(frame: Extract<ServerFrame, { kind: 'welcome' }>): void {
    this.readOnly = frame.readOnly;
    this.#replayEnd = frame.end;
    this.#acked = frame.start;
    this.#parts.screen.resize(frame.size);
    if (frame.start !== this.#received) this.#jump(frame.start);
    this.state = this.#received < frame.end ? 'replaying' : 'live';
    this.#input.resume(frame.inputOffset);
    if (!frame.readOnly) this.#pump();
    this.#later(GOOD_AFTER_MS, () => (this.#attempt = 0));
    this.#ping();
  }

  #output(offset: number, bytes: Uint8Array): void {
    // What was shown already is left out; a hole that no `Gap` announced is one all the same.
    const known = this.#received - offset;
    if (known >= bytes.length) return;
    if (known < 0) this.#jump(offset);
    const fresh = known > 0 ? bytes.subarray(known) : bytes;
    this.#received += fresh.length;
    const era = this.#era;
    const end = this.#received;
    this.#parts.screen.write(fresh, () => this.#shown(era, end));
    if (this.state === 'replaying' && this.#received >= this.#replayEnd) this.state = 'live';
  }

  #shown(era: number, end: number): void {
    if (era !== this.#era || end <= this.#drawn) return;
    this.#drawn = end;
    if (end - this.#acked >= ACK_EVERY_BYTES) this.#ack(end);
  }

  /** Goes on at another offset: what is on screen does not lead there. */
  #jump(to: number): void {
    if (to !== this.#received) {
      // On a fresh screen older output is merely not kept any more; on one that shows something, bytes are missing.
      if (this.#received > 0) {
        this.gap = true;
        this.#parts.screen.reset();
      }
      this.#era++;
      this.#received = to;
      this.#drawn = to;
    }
    this.#ack(to);
  }

  #ack(offset: number): void {
    this.#acked = offset;
    this.#send({ kind: 'ack', offset });
  }

  #pump(): void {
    if (!this.#isOpen || this.readOnly) return;
    for (let piece = this.#input.next(); piece; piece = this.#input.next())
      this.#send({ kind: 'input', ...piece });
  }

  #ping(): void {
    this.#pings += 1;
    this.#pingAt = this.#parts.now();
    const token = this.#pings;
    this.#send({ kind: 'ping', token });
    this.#later(PONG_WITHIN_MS, () => {
      if (this.#pingAt !== undefined && token === this.#pings) this.#dropped();
    });
    this.#later(PING_EVERY_MS, () => {
      // While an answer is due the connection is already in doubt; another question would hide that.
      if (this.#pingAt === undefined) this.#ping();
    });
  }

  #fault(frame: Extract<ServerFrame, { kind: 'error' }>): void {
    switch (frame.name) {
      case 'READ_ONLY':
        this.readOnly = true;
        return;
      case 'INPUT_GAP':
        this.#viewer = newViewer();
        this.#input.renumber();
        return this.#dropped();
      case 'UNAVAILABLE':
      case 'INPUT_WINDOW':
      case 'REPLACED':
        return this.#dropped();
      default:
        this.error = new ApiError(0, frame.name ?? 'PROTOCOL', frame.message);
        return this.#end('failed');
    }
  }

  #refused(error: ApiError): void {
    // No answer, a node that is away, too many tries, a fault of the server: all of these pass.
    const passes = error.status === 0 || error.status === 429 || error.status >= 500;
    if (passes) return this.#dropped();
    this.error = error;
    this.#end('failed');
  }

  #dropped(): void {
    this.#drop();
    if (this.ended) return;
    // The very first attempt may miss an agent that is about to be there; that is still connecting.
    if (this.state !== 'connecting' || this.#attempt > 0) this.state = 'reconnecting';
    this.latencyMs = undefined;
    const pause = pauseMs(this.#attempt++, this.#parts.random());
    this.#later(pause, () => void this.#connect());
  }

  #end(state: 'exited' | 'lost' | 'failed'): void {
    this.state = state;
    this.latencyMs = undefined;
    this.#drop();
  }

  #drop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#call++;
    this.#era++;
    // Output that is being drawn was received; a resumed connection acknowledges from its own start.
    this.#drawn = this.#received;
    this.#pingAt = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(encode(frame));
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}

function openSocket(url: string, protocols: string[]): Socket {
  return new WebSocket(url, protocols) as Socket;
}

function newViewer(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(VIEWER_BYTES));
}

function cut({ cols, rows }: Size): Size {
  const fit = (cells: number): number => Math.max(1, Math.min(SIZE_MAX, Math.floor(cells)));
  return { cols: fit(cols), rows: fit(rows) };
}
