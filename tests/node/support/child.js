'use strict';
// A Node process of a test: a program given as text, its output by lines, and its end.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { LIMIT_MS } = require('./elections.js');

const root = path.join(__dirname, '..', '..', '..');

/** Runs `source` (CommonJS) with `settings` as a variable, from the repository, so that 'interrex' is found. */
function run(t, source, settings = {}, nodeOptions = [], environment = {}) {
  const program = `const settings = ${JSON.stringify(settings)};\n${source}`;
  return watch(t, [...nodeOptions, '-e', program], environment);
}

/** Runs a program, by its path in the repository or a full one. */
function runFile(t, file, environment) {
  return watch(t, [path.resolve(root, file)], environment);
}

function watch(t, args, environment) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [];
  const waiting = new Set();
  let errors = '';
  let closed = false;
  child.stderr.on('data', (data) => (errors += data));
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const wake of waiting) wake();
  });
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => {
      closed = true;
      resolve({ code, signal, lines, errors });
      for (const wake of waiting) wake();
    });
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    lines,
    ended: () =>
      limited(ended, () => `the child did not end; it wrote ${lines.join(' | ')} ${errors}`),
    /** Waits for a line that begins so, and gives what follows. */
    line: (start) =>
      limited(
        new Promise((resolve, reject) => {
          const look = () => {
            const found = lines.find((line) => line.startsWith(start));
            if (found !== undefined) resolve(found.slice(start.length).trim());
            else if (closed) reject(new Error(`the child ended without "${start}": ${errors}`));
          };
          waiting.add(look);
          look();
        }),
        () => `no line "${start}" from the child; it wrote ${lines.join(' | ')} ${errors}`,
      ),
  };
}

async function limited(promise, story) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: story() })), LIMIT_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

module.exports = { run, runFile };
