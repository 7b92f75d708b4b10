'use strict';
// Interrex for Node: exactly one of several instances leads.

const native = require('./native.js');
const { Election } = require('./election.js');
const { InterrexError } = require('./error.js');
const { schema } = require('./schema.js');

module.exports = { Election, InterrexError, schema, version: native.version };
