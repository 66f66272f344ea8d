// The TypeScript of the contract's OpenAPI document, as a string. Nothing here writes.
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';

const document = new URL('../../components/lib/contract/openapi.json', import.meta.url);

/** @returns {Promise<string>} what `src/api/schema.gen.d.ts` has to be */
export async function openapiTypes() {
  return (
    COMMENT_HEADER +
    astToString(await openapiTS(document, { rootTypes: true, rootTypesNoSchemaPrefix: true }))
  );
}
