import { expect, test } from 'vitest';
import { byteSize } from './bytes';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [10 * 1024, '10 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [12.4 * 1024 ** 3, '12 GiB'],
])('byteSize(%d) = %j', (bytes, expected) => {
  expect(byteSize(bytes)).toBe(expected);
});
