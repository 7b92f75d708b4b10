'use strict';
// The SQL of what a postgres:// election needs, for a migration or an administrator. The text is the core's; this file
// only checks what was asked for.

const native = require('./native.js');
const { configError } = require('./error.js');
const { textsOf } = require('./options.js');

/** What psql or a migration runs once; running it again changes nothing. */
function schema(options = {}) {
  const { schema: name = null, namespace = null } = textsOf(options, ['schema', 'namespace']);
  const text = native.schema(name, namespace);
  if (text === null) {
    throw configError(
      `schema ${JSON.stringify(name)} and namespace ${JSON.stringify(namespace)} make no table's name in PostgreSQL: ` +
        'a schema has up to 63 bytes, a namespace 1 to 56',
    );
  }
  return text;
}

module.exports = { schema };
