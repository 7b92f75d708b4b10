'use strict';
// The one error class. The native side makes its errors of it too, so `instanceof` and `code` always hold.

/** Code is one of a closed list of words: 'CONFIG', 'STOPPED', 'NOT_LEADER', … */
class InterrexError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}
Object.defineProperty(InterrexError.prototype, 'name', {
  value: 'InterrexError',
  configurable: true,
  writable: true,
});

/** An error of the code CONFIG: an option or URL is missing, unknown or unsafe. */
function configError(message) {
  return new InterrexError(message, 'CONFIG');
}

module.exports = { InterrexError, configError };
