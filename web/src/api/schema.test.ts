import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openapiTypes } from '../../scripts/openapi-types.mjs';

test('the checked-in types are those of the OpenAPI document (else: npm run gen)', async () => {
  const checkedIn = readFileSync(new URL('./schema.gen.d.ts', import.meta.url), 'utf8');
  expect(checkedIn === (await openapiTypes())).toBe(true);
});
