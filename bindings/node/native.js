'use strict';
// Finds the compiled addon: what was built here first, then the binary that came with the package. Decides nothing else.

const fs = require('node:fs');
const path = require('node:path');
const { InterrexError } = require('./error.js');

const root = path.join(__dirname, '..', '..');

function platform() {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return name;
  // A report of a process on glibc names its version; on musl it does not. Its list of sockets can be slow to make.
  process.report.excludeNetwork = true;
  const { header } = process.report.getReport();
  return header.glibcVersionRuntime ? name : `${name}-musl`;
}

function load() {
  const built = path.join(root, 'build', 'Release', 'interrex.node');
  if (fs.existsSync(built)) return require(built);
  const prebuilt = path.join(root, 'prebuilds', platform(), 'interrex.node');
  if (fs.existsSync(prebuilt)) return require(prebuilt);
  throw new InterrexError(
    `interrex has no compiled addon for ${platform()} (looked for ${built} and ${prebuilt}). ` +
      `Build it, with a C++17 compiler, make and Python 3 at hand:\n` +
      `    cd ${root}\n` +
      `    npx node-gyp rebuild --nodedir=${path.dirname(path.dirname(process.execPath))}`,
    'UNSUPPORTED',
  );
}

const native = load();
native.setup(InterrexError);

module.exports = native;
