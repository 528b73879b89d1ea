import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { apiDocument } from '../../src/api/routes/all-routes.ts';

/** Writes the types of the OpenAPI document: `generate-client-types.ts <file> <first line>`. */
const [file, firstLine] = process.argv.slice(2);
if (file === undefined || firstLine === undefined) throw new Error('which file, which first line?');
const types = await openapiTS(JSON.stringify(apiDocument()), { defaultNonNullable: false });
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${firstLine}\n${astToString(types)}`);
