/** The SQL of this module: files beside the build, with names put in. It runs nothing. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { schema as ledger } from 'interrex';
import { DEFAULT_SCHEMA } from './config.js';

const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
// E'…' means the same whatever standard_conforming_strings says.
const literal = (value: string) => `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function read(file: string, schema: string): string {
  const text = readFileSync(path.join(__dirname, '../../../sql', `${file}.sql`), 'utf8');
  return text
    .replaceAll('{schema_literal}', () => literal(schema))
    .replaceAll('{ledger_literal}', () => literal(`${identifier(schema)}.interrex_ledger`))
    .replaceAll('{schema}', () => identifier(schema));
}

/** Makes the view, where nothing of its name exists; the ledger must be there. */
export const viewSql = (schema = DEFAULT_SCHEMA) => read('leader_lease', schema);
/** Makes schema, ledger and view. */
export const migrationSql = (schema = DEFAULT_SCHEMA) =>
  `${ledger({ schema })}\n${viewSql(schema)}`;
/** Takes back what {@link migrationSql} made. */
export const dropSql = (schema = DEFAULT_SCHEMA) => read('leader_lease_drop', schema);
/** $1: the schema. */
export const kindSql = () => read('leader_lease_kind', '');
/** $1: the lock. */
export const seenSql = (schema: string) => read('leader_lease_seen', schema);
