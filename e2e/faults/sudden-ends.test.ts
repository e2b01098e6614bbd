import { existsSync } from 'node:fs';
import { afterAll, beforeAll } from '@jest/globals';
import { StackUnderTest, until } from '../stack-under-test.ts';
import { killCases } from './kills.ts';
import { Load } from './load.ts';
import { requestCases } from './requests.ts';
import { serverCases } from './server-kills.ts';
import { standstillCases } from './standstills.ts';
import { stopCases } from './stops.ts';

let stack: StackUnderTest;
let load: Load;

/** CI says by this file that nothing else runs any more: how soon an idle service is back is measured on an idle machine. */
const quietFile = process.env['SIGNALBOX_QUIET_FILE'];
const quietMaxMs = 900_000;

// One stack for all of these: each leaves it whole, and the last ends it and looks at what is left.
beforeAll(async () => {
  if (quietFile) await until('the machine is quiet', async () => existsSync(quietFile), quietMaxMs);
  stack = await StackUnderTest.create();
  await stack.start('--no-example');
  await stack.loadExample();
  load = await Load.on(stack);
}, quietMaxMs + 180_000);

afterAll(async () => {
  await load?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
}, 60_000);

killCases(
  () => stack,
  () => load,
);
standstillCases(() => stack);
serverCases(
  () => stack,
  () => load,
);
requestCases(() => stack);
stopCases(
  () => stack,
  () => load,
);
