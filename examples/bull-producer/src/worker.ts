/** A worker: takes jobs off the queue and writes down that it did. Workers need no leader. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { FINISHED, QUEUE, report } from './names.js';

const port = Number(process.env.DEMO_PORT);
const label = String(process.env.DEMO_LABEL);
const redis = new Redis(port, '127.0.0.1');

const worker = new Worker<{ n: number }>(
  QUEUE,
  async (job) => {
    await redis.xadd(FINISHED, '*', 'n', job.data.n, 'by', label);
  },
  { connection: { host: '127.0.0.1', port }, concurrency: 8 },
);
worker.on('error', (error) => console.error(error));

async function end(): Promise<void> {
  await worker.close();
  redis.disconnect();
  process.exit(0);
}
process.on('SIGTERM', () => void end());
process.stdin.on('end', () => process.exit(1)).resume();

void worker.waitUntilReady().then(() => report({ kind: 'ready' }));
