// The connection against a socket and a clock of the test's own.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '../api/errors';
import { TerminalConnection, type Socket } from './connection.svelte';
import type { Size } from './frames';
import { ACK_EVERY_BYTES, ErrorCode, Kind } from './frames.gen';

class FakeSocket implements Socket {
  binaryType: BinaryType = 'blob';
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  readonly sent: Uint8Array[] = [];

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.sent.push(bytes);
  }

  close(): void {
    this.closed = true;
  }

  say(bytes: number[]): void {
    this.onmessage?.({ data: new Uint8Array(bytes).buffer });
  }

  welcome(options: { start?: number; end?: number; taken?: number; readOnly?: boolean } = {}): void {
    const { start = 0, taken = 0, readOnly = false } = options;
    const end = options.end ?? start;
    this.onopen?.();
    this.say([Kind.WELCOME, ...u64(start), ...u64(end), ...u64(taken), 0, 80, 0, 24, readOnly ? 1 : 0]);
  }

  output(offset: number, words: string): void {
    this.say([Kind.OUTPUT, ...u64(offset), ...new TextEncoder().encode(words)]);
  }

  /** What was sent of this kind, without the first byte. */
  of(kind: number): number[][] {
    return this.sent.filter((frame) => frame[0] === kind).map((frame) => [...frame.slice(1)]);
  }
}

function u64(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value));
  return [...new Uint8Array(view.buffer)];
}

const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

class FakeScreen {
  shown = '';
  size: Size | undefined;
  resets = 0;
  /** Set to hold `done`s back, as a slow emulator does. */
  held: (() => void)[] | undefined;

  write(piece: Uint8Array, done: () => void): void {
    this.shown += new TextDecoder().decode(piece);
    if (this.held) this.held.push(done);
    else done();
  }

  reset(): void {
    this.resets += 1;
    this.shown = '';
  }

  resize(size: Size): void {
    this.size = size;
  }
}

async function connect(refusals: ApiError[] = []) {
  const sockets: FakeSocket[] = [];
  const screen = new FakeScreen();
  let tickets = 0;
  const connection = new TerminalConnection(
    { cols: 100, rows: 30 },
    {
      screen,
      random: () => 0.5,
      now: () => Date.now(),
      ticket: async () => {
        const refusal = refusals.shift();
        if (refusal) throw refusal;
        tickets += 1;
        return { ticket: `t${tickets}`, url: 'ws://ws-1.localhost/terminals/2' };
      },
      socket: (url, protocols) => {
        const socket = new FakeSocket(url, protocols);
        sockets.push(socket);
        return socket;
      },
    },
  );
  connection.open();
  await vi.advanceTimersByTimeAsync(0);
  const newest = (): FakeSocket => sockets.at(-1) as FakeSocket;
  /** Ends the connection as a network does and waits for the next one. */
  const drop = async (): Promise<void> => {
    newest().onclose?.();
    await vi.advanceTimersByTimeAsync(2_000);
  };
  return { connection, screen, sockets, newest, drop };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('it says hello, replays what is kept, and is live', async () => {
  const { connection, screen, newest } = await connect();
  expect(newest().protocols).toEqual(['sam.terminal.v1', 'ticket.t1']);
  expect(connection.state).toBe('connecting');
  newest().welcome({ end: 5 });
  const hello = newest().of(Kind.HELLO)[0] ?? [];
  expect(hello.slice(16)).toEqual([...u64(0), 0, 100, 0, 30]);
  expect(connection.state).toBe('replaying');
  newest().output(0, 'hel');
  expect(connection.state).toBe('replaying');
  newest().output(3, 'lo');
  expect(connection.state).toBe('live');
  expect(screen.shown).toBe('hello');
  expect(screen.size).toEqual({ cols: 80, rows: 24 });
});

test('after a drop the screen stays and output goes on at the next byte', async () => {
  const { connection, screen, sockets, newest, drop } = await connect();
  newest().welcome();
  newest().output(0, 'one ');
  await drop();
  expect(connection.state).toBe('reconnecting');
  expect(sockets).toHaveLength(2);
  newest().welcome({ start: 4, end: 7 });
  expect(newest().of(Kind.HELLO)[0]?.slice(16, 24)).toEqual(u64(4));
  newest().output(4, 'two');
  expect(connection.state).toBe('live');
  expect(screen.shown).toBe('one two');
  expect(screen.resets).toBe(0);
  expect(connection.gap).toBe(false);
});

test('bytes that came twice are shown once', async () => {
  const { screen, newest } = await connect();
  newest().welcome();
  newest().output(0, 'abcd');
  newest().output(2, 'cdef');
  newest().output(0, 'ab');
  expect(screen.shown).toBe('abcdef');
});

test('a gap clears the screen, is told, and is acknowledged at once', async () => {
  const { connection, screen, newest } = await connect();
  newest().welcome();
  newest().output(0, 'old');
  newest().say([Kind.GAP, ...u64(3), ...u64(900)]);
  newest().output(900, 'new');
  expect(screen.shown).toBe('new');
  expect(connection.gap).toBe(true);
  expect(newest().of(Kind.ACK)).toEqual([u64(900)]);
});

test('older output that a fresh page cannot get is no gap', async () => {
  const { connection, screen, newest } = await connect();
  newest().welcome({ start: 500, end: 503 });
  newest().output(500, 'abc');
  expect(screen.shown).toBe('abc');
  expect(screen.resets).toBe(0);
  expect(connection.gap).toBe(false);
});

test('a server that never had our bytes starts over', async () => {
  const { connection, screen, newest, drop } = await connect();
  newest().welcome();
  newest().output(0, 'before the supervisor died');
  await drop();
  newest().welcome({ start: 0, end: 2 });
  newest().output(0, '$ ');
  expect(screen.shown).toBe('$ ');
  expect(connection.gap).toBe(true);
});

test('acknowledges what was drawn, not what arrived', async () => {
  const { screen, newest } = await connect();
  screen.held = [];
  newest().welcome();
  newest().output(0, 'x'.repeat(ACK_EVERY_BYTES - 1));
  newest().output(ACK_EVERY_BYTES - 1, 'yz');
  expect(newest().of(Kind.ACK)).toEqual([]);
  screen.held.shift()?.();
  expect(newest().of(Kind.ACK)).toEqual([]);
  screen.held.shift()?.();
  expect(newest().of(Kind.ACK)).toEqual([u64(ACK_EVERY_BYTES + 1)]);
});

test('a late “drawn” from before a drop acknowledges nothing', async () => {
  const { screen, newest, drop } = await connect();
  screen.held = [];
  newest().welcome();
  newest().output(0, 'x'.repeat(ACK_EVERY_BYTES));
  await drop();
  newest().welcome({ start: ACK_EVERY_BYTES, end: ACK_EVERY_BYTES });
  screen.held.shift()?.();
  expect(newest().of(Kind.ACK)).toEqual([]);
});

test('typing while away goes out once, after what was not confirmed', async () => {
  const { connection, newest, drop } = await connect();
  newest().welcome();
  connection.type(bytes('ab'));
  expect(newest().of(Kind.INPUT)).toEqual([[...u64(0), ...bytes('ab')]]);
  newest().onclose?.();
  connection.type(bytes('c'));
  await vi.advanceTimersByTimeAsync(20_000);
  newest().welcome({ taken: 1 });
  expect(newest().of(Kind.INPUT)).toEqual([[...u64(1), ...bytes('bc')]]);
  newest().say([Kind.INPUT_ACK, ...u64(3)]);
  await drop();
  newest().welcome({ taken: 3 });
  expect(newest().of(Kind.INPUT)).toEqual([]);
});

test('missing input: another viewer, counted from 0', async () => {
  const { connection, sockets, newest } = await connect();
  newest().welcome();
  connection.type(bytes('x'));
  newest().say([Kind.ERROR, 0, ErrorCode.INPUT_GAP]);
  await vi.advanceTimersByTimeAsync(20_000);
  newest().welcome();
  expect(newest().of(Kind.INPUT)).toEqual([[...u64(0), ...bytes('x')]]);
  const viewers = sockets.map((socket) => socket.of(Kind.HELLO)[0]?.slice(0, 16));
  expect(viewers[0]).not.toEqual(viewers[1]);
});

test('a watcher sends neither input nor sizes', async () => {
  const { connection, newest } = await connect();
  newest().welcome({ readOnly: true });
  connection.type(bytes('x'));
  connection.resize({ cols: 10, rows: 10 });
  expect(newest().of(Kind.INPUT)).toEqual([]);
  expect(newest().of(Kind.RESIZE)).toEqual([]);
});

test('a size is sent once, cut to what a terminal can have', async () => {
  const { connection, newest } = await connect();
  newest().welcome();
  connection.resize({ cols: 100, rows: 30 });
  connection.resize({ cols: 5000, rows: 0 });
  connection.resize({ cols: 5000, rows: 0 });
  expect(newest().of(Kind.RESIZE)).toEqual([[0x07, 0xd0, 0, 1]]);
});

test('latency is the time to the answer; no answer is a drop', async () => {
  const { connection, sockets, newest } = await connect();
  newest().welcome();
  await vi.advanceTimersByTimeAsync(30);
  newest().say([Kind.PONG, ...u64(1)]);
  expect(connection.latencyMs).toBe(30);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(newest().of(Kind.PING)).toEqual([u64(1), u64(2)]);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(connection.state).toBe('reconnecting');
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets.length).toBeGreaterThan(1);
});

test.each<[number[], Partial<TerminalConnection>]>([
  [[Kind.EXIT, 0, 0, 0, 0, 3], { state: 'exited', exit: { signal: false, value: 3 } }],
  [[Kind.LOST], { state: 'lost' }],
  [[Kind.ERROR, 0, ErrorCode.NOT_FOUND], { state: 'failed' }],
  [[Kind.ERROR, 0, ErrorCode.TOO_MANY], { state: 'failed' }],
])('%j ends it', async (message, expected) => {
  const { connection, sockets, newest } = await connect();
  newest().welcome();
  newest().say(message);
  expect(connection).toMatchObject(expected);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sockets).toHaveLength(1);
  expect(newest().closed).toBe(true);
});

test('a ticket refused for now is asked for again; one refused for good ends it until the user retries', async () => {
  const away = new ApiError(503, 'NODE_UNREACHABLE', 'The node is away.');
  const stopped = new ApiError(409, 'CONFLICT', 'The workspace is stopped.');
  const { connection, sockets } = await connect([away, away, stopped]);
  expect(sockets).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(connection.state).toBe('failed');
  expect(connection.error?.message).toBe('The workspace is stopped.');
  connection.retry();
  await vi.advanceTimersByTimeAsync(0);
  expect(connection.state).toBe('connecting');
  expect(sockets).toHaveLength(1);
});

test('no welcome is a drop, and pauses grow', async () => {
  const { sockets } = await connect();
  await vi.advanceTimersByTimeAsync(15_000 + 250);
  expect(sockets).toHaveLength(2);
  sockets[1]?.onclose?.();
  await vi.advanceTimersByTimeAsync(400);
  expect(sockets).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(100);
  expect(sockets).toHaveLength(3);
});

test('closing leaves nothing behind', async () => {
  const { connection, sockets, newest } = await connect();
  newest().welcome();
  connection.close();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sockets).toHaveLength(1);
  expect(newest().closed).toBe(true);
});
