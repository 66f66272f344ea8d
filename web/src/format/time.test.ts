import { expect, test } from 'vitest';
import { countdown, duration, relativeTime } from './time';

const now = Date.UTC(2026, 4, 20, 12);
const s = 1000;
const min = 60 * s;
const h = 60 * min;
const d = 24 * h;

test.each([
  [0, 'just now'],
  [-59 * s, 'just now'],
  [10 * s, 'in a moment'],
  [-60 * s, '1 min ago'],
  [-59 * min, '59 min ago'],
  [14.5 * min, 'in 14 min'],
  [-3 * h, '3 h ago'],
  [-1 * d, '1 day ago'],
  [7 * d, 'in 7 days'],
  [-40 * d, 'Apr 10, 2026'],
])('relativeTime(now + %d ms) = %j', (offset, expected) => {
  expect(relativeTime(now + offset, now)).toBe(expected);
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [3_200, '3.2 s'],
  [4 * min + 10 * s, '4 min 10 s'],
  [2 * h, '2 h'],
  [2 * h + 5 * min + 9 * s, '2 h 5 min'],
  [3 * d + 4 * h, '3 d 4 h'],
])('duration(%d) = %j', (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

test.each([
  [14 * min + 2_100, '14:03'],
  [h + 2 * min + 9 * s, '1:02:09'],
  [1, '0:01'],
  [-5 * s, '0:00'],
])('countdown(now + %d ms) = %j', (offset, expected) => {
  expect(countdown(now + offset, now)).toBe(expected);
});
