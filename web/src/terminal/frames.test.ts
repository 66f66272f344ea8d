// Example bytes are those of components/lib/contract/tests/terminal.rs.
import { expect, test } from 'vitest';
import { decode, encode, type ClientFrame, type ServerFrame } from './frames';

const ascii = (words: string): Uint8Array => new TextEncoder().encode(words);
const size = { cols: 0x0102, rows: 3 };

test.each<[ClientFrame, number[]]>([
  [
    { kind: 'hello', viewer: ascii('0123456789abcdef'), from: 'latest', size },
    [1, ...ascii('0123456789abcdef'), ...Array<number>(8).fill(0xff), 1, 2, 0, 3],
  ],
  [
    { kind: 'hello', viewer: new Uint8Array(16), from: 0x0102_0304_0506, size },
    [1, ...Array<number>(16).fill(0), 0, 0, 1, 2, 3, 4, 5, 6, 1, 2, 0, 3],
  ],
  [{ kind: 'input', offset: 7, bytes: ascii('ls\r') }, [2, 0, 0, 0, 0, 0, 0, 0, 7, 108, 115, 13]],
  [{ kind: 'resize', size }, [3, 1, 2, 0, 3]],
  [{ kind: 'ack', offset: 2 ** 40 }, [4, 0, 0, 1, 0, 0, 0, 0, 0]],
  [{ kind: 'ping', token: 258 }, [5, 0, 0, 0, 0, 0, 0, 1, 2]],
])('encode(%o)', (frame, expected) => {
  expect([...encode(frame)]).toEqual(expected);
});

const u64 = (value: number): number[] => [0, 0, 0, 0, 0, 0, 0, value];

test.each<[number[], ServerFrame | undefined]>([
  [
    [0x81, ...u64(5), ...u64(9), ...u64(3), 0, 80, 0, 24, 1],
    { kind: 'welcome', start: 5, end: 9, inputOffset: 3, size: { cols: 80, rows: 24 }, readOnly: true },
  ],
  [
    [0x82, 0, 0, 1, 2, 3, 4, 5, 6, 0xc3, 0xa9],
    { kind: 'output', offset: 0x0102_0304_0506, bytes: new Uint8Array([0xc3, 0xa9]) },
  ],
  [[0x83, ...u64(1), ...u64(8)], { kind: 'gap', from: 1, to: 8 }],
  [[0x84, ...u64(8)], { kind: 'input-ack', offset: 8 }],
  [[0x85, 1, 2, 0, 3], { kind: 'size', size }],
  [[0x86, 1, 0, 0, 0, 9], { kind: 'exit', signal: true, value: 9 }],
  [[0x86, 0, 0, 0, 1, 0], { kind: 'exit', signal: false, value: 256 }],
  [[0x87], { kind: 'lost' }],
  [[0x88, ...u64(4)], { kind: 'pong', token: 4 }],
  [[0x89, 0, 2, ...ascii('gone')], { kind: 'error', name: 'NOT_FOUND', message: 'gone' }],
  [[0x89, 1, 0], { kind: 'error', name: undefined, message: '' }],
  // Not frames: nothing, a client's kind, and lengths that are off by one.
  [[], undefined],
  [[0x01], undefined],
  [[0x82, ...u64(0)], undefined],
  [[0x85, 0, 80, 0], undefined],
  [[0x87, 0], undefined],
])('decode(%j)', (bytes, expected) => {
  expect(decode(new Uint8Array(bytes).buffer)).toEqual(expected);
});
