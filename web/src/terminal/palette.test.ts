import { expect, test } from 'vitest';
import { hex } from './palette';

test.each([
  ['rgb(1, 2, 255)', '#0102ffff'],
  ['rgba(72, 64, 203, 0.2)', '#4840cb33'],
  ['rgb(0 0 0 / 0)', '#00000000'],
])('hex(%j) = %j', (colour, expected) => {
  expect(hex(colour)).toBe(expected);
});
