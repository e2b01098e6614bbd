import { afterAll, beforeAll } from '@jest/globals';
import { StackUnderTest } from '../stack-under-test.ts';
import { killCases } from './kills.ts';
import { Load } from './load.ts';
import { requestCases } from './requests.ts';
import { serverCases } from './server-kills.ts';
import { slowCommitCases } from './slow-commits.ts';
import { standstillCases } from './standstills.ts';
import { stopCases } from './stops.ts';

let stack: StackUnderTest;
let load: Load;

// One stack for all of these: each leaves it whole, and the last ends it and looks at what is left.
beforeAll(async () => {
  stack = await StackUnderTest.create({ RATE_MAX: '1000000' }); // what is refused, the engine refuses
  await stack.start('--no-example');
  await stack.loadExample();
  load = await Load.on(stack);
}, 180_000);

afterAll(async () => {
  await load?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
}, 60_000);

// While the stack of the outages, which runs beside this one, mostly waits for its servers.
slowCommitCases(
  () => stack,
  () => stack.databaseUrl('superuser'),
  () => load,
);
serverCases(
  () => stack,
  () => load,
);
requestCases(() => stack);
standstillCases(() => stack);
// Timed to the second: last, when no other file's stack runs beside this one.
killCases(
  () => stack,
  () => load,
);
stopCases(
  () => stack,
  () => load,
);
