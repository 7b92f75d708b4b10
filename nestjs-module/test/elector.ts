/** An elector in a process of its own, for tests that stop and kill it. It answers each line with whether it leads. */
import { createInterface } from 'node:readline';
import { LeaderElectorCore, LeaderLease } from '@interrex/nestjs/compat/nest-leader-election';
import { DataSource } from 'typeorm';

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const [url, config] = process.argv.slice(2);
  const dataSource = new DataSource({ type: 'postgres', url: url!, entities: [LeaderLease] });
  await dataSource.initialize();
  const elector = new LeaderElectorCore(
    dataSource.getRepository(LeaderLease),
    JSON.parse(config!) as object,
  );
  elector.election!.on('elected', () => say('leads'));
  elector.election!.on('defeated', ({ reason }) => say(`defeated ${reason}`));
  createInterface({ input: process.stdin }).on('line', () => say(`answer ${elector.amILeader()}`));
}

void main();
