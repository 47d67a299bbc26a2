/**
 * Writes src/protocol/schema.gen.ts from the server's OpenAPI document, or, with `--check`, compares.
 *
 * The document comes from Python without a running server. PYTHON names another interpreter than the project's own.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(web, 'src/protocol/schema.gen.ts');
const python = process.env.PYTHON ?? join(web, '../.venv/bin/python');
const DUMP = 'import json; from magisystem.http.openapi import document; print(json.dumps(document()))';

const document = JSON.parse(execFileSync(python, ['-c', DUMP], { encoding: 'utf8', maxBuffer: 1 << 26 }));
// Without a mapping a discriminator's values are the schemas' names, and openapi-typescript would write those in place
// of the events' real types. Each event's own `type` tells them apart.
delete document.components.schemas.Event.discriminator;

const head = '// Generated from the server by `npm run types`. Changes belong there.\n\n';
const options = { rootTypes: true, rootTypesNoSchemaPrefix: true, immutable: true, defaultNonNullable: false };
const wanted = head + astToString(await openapiTS(document, options));

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== wanted) {
    console.error('web/src/protocol/schema.gen.ts is not what the server says. Run `npm run types` in web/.');
    process.exit(1);
  }
} else {
  writeFileSync(target, wanted);
}
