import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { leaseTasks, type LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

// A worker that gives back what it gets, over the contracts that the gateway's door speaks. Its token comes from who started it.
const [natsUrl = '', natsCreds = '', agent = ''] = process.argv.slice(2);
const instance = `bench-${process.pid}`;
const credit = 256;
const session = randomUUID();

let [{ token }] = (await once(process, 'message')) as [{ token: string }];
process.on('message', (message: { token: string }) => ({ token } = message));
const bus = new Bus('api-gateway', await connectBus({ natsUrl, natsCreds, name: 'api-gateway' }));
const caller: Caller = {
  workspace: '01900000-0000-7000-8000-000000000001',
  principal: `agent_${agent}`,
  name: agent,
  roles: ['agent'],
  scopes: [],
  tokenFor: () => Promise.resolve(token),
};

async function perform({ task, input, isAccepted }: LeasedTask): Promise<void> {
  const options = { shard: shardOfTask(task) };
  if (!isAccepted) await bus.request(acceptWork, { task, instance }, caller, options);
  const { tasks = [] } = await bus.request(completeWork, { task, instance, session, output: input }, caller, options);
  for (const next of tasks) void perform(next);
}

for (;;) {
  try {
    const { tasks } = await bus.request(leaseTasks, { agent, instance, credit, waitMs: 20_000, session }, caller, { timeoutMs: 25_000 });
    for (const task of tasks) void perform(task);
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
