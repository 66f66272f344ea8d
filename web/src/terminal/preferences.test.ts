import { expect, test } from 'vitest';
import { fontSizeOf, preferences } from './preferences.svelte';

test.each([
  ['13', 13],
  ['28', 28],
  ['29', 13],
  ['8', 13],
  ['x', 13],
  ['', 13],
  [undefined, 13],
])('fontSizeOf(%j) = %d', (stored, expected) => {
  expect(fontSizeOf(stored)).toBe(expected);
});

test('a workspace may use the clipboard once it was allowed, and no other', () => {
  expect(preferences.mayCopy('w1')).toBe(false);
  preferences.allowCopy('w1');
  expect(preferences.mayCopy('w1')).toBe(true);
  expect(preferences.mayCopy('w2')).toBe(false);
});
