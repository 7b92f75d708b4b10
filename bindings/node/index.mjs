import interrex from './index.js';

export const { Election, InterrexError, version } = interrex;
