import interrex from './index.js';

export const { Election, InterrexError, schema, version } = interrex;
