import { expect, test } from 'vitest';
import { INPUT_WINDOW_BYTES } from './frames.gen';
import { InputQueue, QUEUE_BYTES_MAX } from './input';

const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);
const next = (queue: InputQueue): [number, string] | undefined => {
  const piece = queue.next();
  return piece && [piece.offset, new TextDecoder().decode(piece.bytes)];
};

test('bytes go out once, in order, and again from where the other side stopped', () => {
  const queue = new InputQueue();
  queue.push(bytes('ab'));
  queue.push(bytes('cde'));
  expect(next(queue)).toEqual([0, 'abcde']);
  expect(next(queue)).toBeUndefined();
  queue.push(bytes('f'));
  expect(next(queue)).toEqual([5, 'f']);

  queue.ack(1);
  queue.resume(3);
  expect(queue.waiting).toBe(3);
  expect(next(queue)).toEqual([3, 'def']);
  queue.ack(6);
  expect(queue.waiting).toBe(0);
  // Late and too large acknowledgements change nothing.
  queue.ack(2);
  queue.ack(99);
  queue.push(bytes('g'));
  expect(next(queue)).toEqual([6, 'g']);
});

test('never more than a window is under way', () => {
  const queue = new InputQueue();
  queue.push(new Uint8Array(INPUT_WINDOW_BYTES + 10));
  expect(queue.next()?.bytes.length).toBe(INPUT_WINDOW_BYTES);
  expect(queue.next()).toBeUndefined();
  queue.ack(4);
  expect(queue.next()).toMatchObject({ offset: INPUT_WINDOW_BYTES, bytes: { length: 4 } });
});

test('a full queue refuses whole pieces', () => {
  const queue = new InputQueue();
  expect(queue.push(new Uint8Array(QUEUE_BYTES_MAX))).toBe(true);
  expect(queue.push(bytes('x'))).toBe(false);
  expect(queue.waiting).toBe(QUEUE_BYTES_MAX);
});

test('another viewer counts from 0 and keeps what was not confirmed', () => {
  const queue = new InputQueue();
  queue.push(bytes('abcd'));
  queue.next();
  queue.ack(2);
  queue.renumber();
  expect(next(queue)).toEqual([0, 'cd']);
});
