'use strict';
// Where tools that do not know about "exports" look for it.
module.exports = require('../dist/compat/nest-leader-election/index.js');
