import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { signalbox as run, temporaryFolder } from './terminal-double.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(
    join(folder.path, 'w.yaml'),
    `apiVersion: signalbox.dev/v1
kind: Workflow
metadata: { name: w }
spec:
  steps:
    ask:
      approval:
        message: 'Pay \${{ input.sum }}?'
        by: { principals: [ann] }
        form: { type: object, required: [account], properties: { account: { type: string } } }
        deadline: 2h
        escalate: [{ after: 1h, by: { roles: [operator] } }]
      with: '\${{ input.sum }}'
    pay: { value: '\${{ steps.ask.output.by.name }} to \${{ steps.ask.output.data.account }}' }
`,
  );
});
afterEach(() => folder[Symbol.asyncDispose]());

test('a workflow that asks people is tested with who answers what and when, or with nobody', async () => {
  await writeFile(
    join(folder.path, 'w.test.yaml'),
    `apiVersion: signalbox.dev/v1
kind: WorkflowTest
spec:
  workflow: ./w.yaml
  cases:
    - name: ann approves
      input: { sum: 40 }
      mocks: { steps: { ask: { when: '\${{ input.shown == 40 && input.message == "Pay 40?" }}', output: { approved: true, data: { account: DE1 } }, after: 30m } } }
      expect: { output: { pay: ann to DE1 }, within: 30m }
    - name: bob, an operator, approves once he is asked
      input: { sum: 40 }
      mocks: { steps: { ask: { output: { approved: true, by: bob, data: { account: DE2 } }, after: 90m } } }
      expect: { output: { pay: bob to DE2 }, that: ['\${{ run.tookMs == 5400000 }}'] }
    - name: ann rejects
      input: { sum: 40 }
      mocks: { steps: { ask: { output: { approved: false, comment: too dear } } } }
      expect: { status: failed, error: { code: rejected, detail: too dear } }
    - name: nobody answers
      input: { sum: 40 }
      expect: { status: failed, error: { code: timeout } }
`,
  );
  const { exit, out, err } = await run(['test'], { cwd: folder.path });
  expect([exit, err]).toEqual([0, '']);
  expect(out).toContain('4 cases');
});

test('an answer that the form does not take is said', async () => {
  await writeFile(join(folder.path, 'mocks.yaml'), 'steps: { ask: { output: { approved: true, data: { account: 7 } } } }\n');
  expect(await run(['run', '--local', 'w.yaml', '--input', 'sum=1', '--mock', 'mocks.yaml'], { cwd: folder.path })).toMatchObject({
    exit: 2,
    err: expect.stringContaining('/data/account must be string') as unknown,
  });
});
