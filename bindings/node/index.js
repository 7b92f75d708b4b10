'use strict';
// Interrex for Node: exactly one of several instances leads.

const native = require('./native.js');
const { Election } = require('./election.js');
const { InterrexError } = require('./error.js');

module.exports = { Election, InterrexError, version: native.version };
