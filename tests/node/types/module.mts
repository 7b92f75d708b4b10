// The same types through an ES module.
import { Election, InterrexError, schema, version, type Leadership } from 'interrex';
import { exactly } from './exact.js';

const election = new Election({ name: 'billing', url: 'memory:' });
exactly<Promise<Leadership>>()(election.whenLeader(), true);
exactly<string>()(version, true);
exactly<string>()(schema({ schema: 'app' }), true);
election.on('error', (error) => exactly<InterrexError>()(error, true));
// @ts-expect-error there is no default export
import interrex from 'interrex';
void interrex;
