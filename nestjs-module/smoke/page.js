'use strict';
// The programs of the page of nest-leader-election, as they stand: what is put in their place is the import, the port,
// and the "... configuration" that one of them leaves open. page.js HOME VERSION: the modules are those that a file in
// HOME finds, and Nest is of that version. Prints one line.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const ts = require('typescript');
const { startPostgres } = require('../../tests/node/support/postgres.js');

const [home, version] = process.argv.slice(2);
const COMPAT = '@interrex/nestjs/compat/nest-leader-election';
const LIMIT_MS = 60_000; // for a machine under load; nothing is measured
const COMPILER = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2022,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  esModuleInterop: true,
};

async function until(what, check) {
  const signal = AbortSignal.timeout(LIMIT_MS);
  while (!(await check())) {
    if (signal.aborted) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Compiles a program of the page into `directory`, and says where it is. */
let compilations = 0;
function compiled(directory, page, port, edit = (text) => text) {
  const text = fs.readFileSync(path.join(__dirname, 'pages', `${page}.txt`), 'utf8');
  const ours = edit(text)
    .replaceAll(/(['"])nest-leader-election\1/g, `'${COMPAT}'`)
    .replace('port: 5432', `port: ${port}`);
  const { outputText } = ts.transpileModule(ours, { compilerOptions: COMPILER });
  const file = path.join(directory, `${++compilations}-${page}.js`);
  fs.writeFileSync(file, outputText);
  return file;
}

/** What TypeScript has to say of programs of the page, with the old resolution of modules and with the new. */
function complaints(directory) {
  const programs = ['app.module', 'tasks.service', 'migration', 'standalone'].map((page) => {
    const file = path.join(directory, `${page}.ts`);
    const text = fs.readFileSync(path.join(__dirname, 'pages', `${page}.txt`), 'utf8');
    fs.writeFileSync(file, `${text.replaceAll('nest-leader-election', COMPAT)}\nexport {};`);
    return file;
  });
  const { Node10, Node16 } = ts.ModuleResolutionKind;
  const ways = [
    { moduleResolution: Node10, ignoreDeprecations: '6.0' },
    { moduleResolution: Node16, module: ts.ModuleKind.Node20 },
  ];
  return ways.flatMap((way) => {
    const options = {
      ...COMPILER,
      ...way,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    };
    return ts
      .getPreEmitDiagnostics(ts.createProgram(programs, options))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  });
}

/** Boots a module; what it says on the console goes to `said`. */
async function quickStart(nest, modules, said) {
  const { AppModule, TasksService } = modules;
  class Whole {}
  nest.common.Module({ imports: [AppModule], providers: [TasksService] })(Whole);
  const application = await nest.core.NestFactory.createApplicationContext(Whole, {
    logger: ['warn', 'error'],
  });
  const { log } = console;
  console.log = (line) => said.push(line);
  try {
    await until('the task is performed', async () => {
      await application.get(TasksService).performCriticalTask();
      return said.length > 0;
    });
  } finally {
    console.log = log;
  }
  return application;
}

async function main() {
  const directory = fs.mkdtempSync(path.join(home, 'page-'));
  const find = createRequire(path.join(directory, 'page.js'));
  find('reflect-metadata');
  const nest = { common: find('@nestjs/common'), core: find('@nestjs/core') };
  const installed = find('@nestjs/core/package.json').version;
  assert.equal(installed.split('.')[0], version, `this is Nest ${installed}`);
  const typeorm = find('typeorm');
  const compat = find(COMPAT);
  const server = await startPostgres();
  try {
    assert.deepEqual(complaints(directory), []);
    await server.say('CREATE DATABASE test');
    const { port } = server;
    const url = server.url.replace(/postgres$/, 'test');

    // Quick start: two modules, and a schema that nobody has made.
    const modules = {
      ...find(compiled(directory, 'app.module', port)),
      ...find(compiled(directory, 'tasks.service', port)),
    };
    const said = [];
    const first = await quickStart(nest, modules, said);
    assert.equal(said[0], 'Performing leader-only task');
    const [lease] = await first.get(typeorm.DataSource).getRepository(compat.LeaderLease).find();
    assert.equal(lease.id, 1);
    await first.get(compat.LeaderElectorService).release();
    await first.close();

    // The migration makes what the settings leave alone. They name no schema: it is the default one here.
    const { LeaderElectionMigration } = find(
      compiled(
        directory,
        'migration',
        port,
        (text) => `${text}\nexport { LeaderElectionMigration };`,
      ),
    );
    assert.equal(new LeaderElectionMigration().schema, 'leader_schema');
    class InPublic extends LeaderElectionMigration {
      schema = 'public';
      name = 'in_public1800000000000';
    }
    const migrations = [LeaderElectionMigration, InPublic];
    const dataSource = new typeorm.DataSource({ type: 'postgres', url, migrations });
    await dataSource.initialize();
    assert.equal((await dataSource.runMigrations()).length, 2);
    await dataSource.destroy();

    // Settings, in the place of those of the quick start.
    const settings = fs.readFileSync(path.join(__dirname, 'pages', 'settings.txt'), 'utf8');
    const quick = /LeaderElectorModule\.forRoot\(\{\s*schema: 'schema_name',\s*\}\)/;
    const configured = find(
      compiled(directory, 'app.module', port, (text) => text.replace(quick, settings.trim())),
    );
    const second = await quickStart(nest, { ...modules, ...configured }, []);
    const { election } = second.get(compat.LeaderElectorService);
    assert.equal(election.isLeader(), true);
    await second.close();
    assert.equal(election.isLeader(), false);

    // Standalone: a process that nothing but a signal ends.
    const program = compiled(directory, 'standalone', port, (text) =>
      text.replace('// ... configuration', `url: '${url}',`),
    );
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    const exit = once(child, 'exit');
    try {
      await until('it performs', () => output.includes('Performing leader task'));
    } finally {
      child.kill('SIGTERM');
      await exit;
    }
  } finally {
    await server.stop();
    fs.rmSync(directory, { recursive: true });
  }
  console.log(`  ✔ the programs of nest-leader-election's page on Nest ${installed}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
