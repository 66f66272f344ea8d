import { expect, test } from 'vitest';
import { pauseMs } from './backoff';

test.each([
  [0, 0, 50],
  [0, 1, 400],
  [0, 0.5, 225],
  [3, 1, 3_200],
  [50, 1, 15_000],
  [50, 0, 50],
])('pauseMs(%d, %d) = %d', (attempt, random, expected) => {
  expect(pauseMs(attempt, random)).toBe(expected);
});
