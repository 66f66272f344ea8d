// Writes src/api/schema.gen.d.ts from the contract's OpenAPI document; with --check, only says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';

const document = new URL('../../components/lib/contract/openapi.json', import.meta.url);
const target = new URL('../src/api/schema.gen.d.ts', import.meta.url);

const ast = await openapiTS(document, { rootTypes: true, rootTypesNoSchemaPrefix: true });
const generated = COMMENT_HEADER + astToString(ast);

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== generated) {
    console.error('src/api/schema.gen.d.ts is older than the OpenAPI document: run npm run gen');
    process.exit(1);
  }
} else {
  writeFileSync(target, generated);
}
