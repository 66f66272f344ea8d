// `npm run gen`: writes the checked-in types anew. `src/api/schema.test.ts` compares them.
import { writeFileSync } from 'node:fs';
import { openapiTypes } from './openapi-types.mjs';

writeFileSync(new URL('../src/api/schema.gen.d.ts', import.meta.url), await openapiTypes());
