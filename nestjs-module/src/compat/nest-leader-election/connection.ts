/**
 * Turns the settings of a DataSource into a URL for libpq, with the same meaning: where TypeORM, and pg below it, would
 * verify a certificate, so does libpq. It reads options only. It must never write a certificate to disk, show a
 * credential, or leave out a setting that decides whom we trust: what libpq can't take is an error that says what to do.
 */
import { existsSync } from 'node:fs';
import type { DataSourceOptions } from 'typeorm';
import { configError } from './config.js';

export type Password = string | (() => string | Promise<string>);

/** Where the DataSource goes: all but the password, which may have to be asked for. */
export interface Connection {
  readonly password: Password | undefined;
  url(password: string | undefined): string;
}

/** As pg names them, after what TypeORM does to them. */
interface Fields {
  host?: string;
  port?: number | string;
  user?: string;
  password?: Password;
  database?: string;
  ssl?: unknown;
  application_name?: string;
  options?: string;
}

const FIELDS = [
  'host',
  'port',
  'user',
  'password',
  'database',
  'ssl',
  'application_name',
  'options',
];

/** Where systems keep the authorities that Node trusts by a list of its own. */
const AUTHORITIES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

const AS_A_FILE =
  'libpq reads it from a file: write it to one, and give the options of the leader elector a URL of its own, ' +
  "url: 'postgres://user:password@host/database?sslmode=verify-full&sslrootcert=/path/to/ca.crt' " +
  '(and sslcert, sslkey)';

export function connectionOf(options: DataSourceOptions): Connection {
  if (options.type !== 'postgres') {
    throw configError(`the DataSource is of type ${options.type}: it must be postgres`);
  }
  const given = options.replication?.master ?? options;
  const extra = (options.extra ?? {}) as Record<string, unknown>;
  const fields: Fields = {
    host: given.host,
    port: given.port,
    user: given.username,
    password: given.password,
    database: given.database,
    ssl: given.ssl,
    application_name: options.applicationName ?? given.applicationName,
    ...Object.fromEntries(Object.entries(extra).filter(([key]) => FIELDS.includes(key))),
  } as Fields;
  const parameters = new Map<string, string>();
  const text = extra['connectionString'] ?? given.url;
  if (typeof text === 'string' && text !== '') readUrl(text, fields, parameters);
  if (fields.application_name) parameters.set('application_name', fields.application_name);
  if (fields.options) parameters.set('options', fields.options);
  if (!parameters.has('sslmode')) secure(fields.ssl, parameters);
  return { password: fields.password, url: (password) => compose(fields, password, parameters) };
}

/** The URL goes before the fields beside it, as it does in pg. */
function readUrl(text: string, fields: Fields, parameters: Map<string, string>): void {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw configError(
      'the url of the DataSource can not be read: is a part of it not percent-encoded?',
    );
  }
  const part = (value: string) => (value === '' ? undefined : decodeURIComponent(value));
  fields.host = part(url.hostname.replace(/^\[|\]$/g, '')) ?? fields.host;
  fields.port = part(url.port) ?? fields.port;
  fields.user = part(url.username) ?? fields.user;
  fields.password = part(url.password) ?? fields.password;
  fields.database = part(url.pathname.slice(1)) ?? fields.database;
  for (const [key, value] of url.searchParams) {
    // Words that pg has, or passes over, and libpq has not; the schema is an option of the elector.
    if (key === 'ssl') fields.ssl = value === 'true' || value === '1';
    else if (key === 'sslmode' && value === 'no-verify') parameters.set(key, 'require');
    else if (key !== 'uselibpqcompat' && key !== 'schema') parameters.set(key, value);
  }
}

function secure(ssl: unknown, parameters: Map<string, string>): void {
  if (ssl === undefined || ssl === null) return;
  if (ssl === false) {
    parameters.set('sslmode', 'disable');
    return;
  }
  const options = (typeof ssl === 'object' ? ssl : {}) as Record<string, unknown>;
  for (const key of ['cert', 'key', 'pfx', 'secureContext']) {
    if (options[key] != null)
      throw configError(`ssl.${key} of the DataSource is no path: ${AS_A_FILE}`);
  }
  if (options['rejectUnauthorized'] === false) {
    parameters.set('sslmode', 'require');
    return;
  }
  if (options['ca'] != null) throw configError(`ssl.ca of the DataSource is no path: ${AS_A_FILE}`);
  parameters.set('sslmode', 'verify-full');
  const authorities = [process.env['SSL_CERT_FILE'] ?? '', ...AUTHORITIES].find(existsSync);
  if (process.env['PGSSLROOTCERT'] === undefined && authorities !== undefined) {
    parameters.set('sslrootcert', authorities);
  }
}

function compose(
  fields: Fields,
  password: string | undefined,
  parameters: Map<string, string>,
): string {
  const code = (value: unknown) => encodeURIComponent(String(value));
  // libpq would take a socket; pg takes TCP where nobody says otherwise.
  const host = fields.host || process.env['PGHOST'] || 'localhost';
  const authority = host.includes(':') ? `[${host}]` : code(host);
  const secret = password ? `:${code(password)}` : '';
  const user = fields.user || secret ? `${code(fields.user ?? '')}${secret}@` : '';
  const port = fields.port ? `:${code(fields.port)}` : '';
  const query = [...parameters].map(([key, value]) => `${code(key)}=${code(value)}`).join('&');
  const end = query === '' ? '' : `?${query}`;
  return `postgres://${user}${authority}${port}/${code(fields.database ?? '')}${end}`;
}
