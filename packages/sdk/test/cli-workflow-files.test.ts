import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RestDouble, problem } from './rest-double.ts';
import { signalbox as run, temporaryFolder } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

const examples = join(dirname(fileURLToPath(import.meta.url)), '../../../examples');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

/** Nothing listens at this address: what must work offline would fail by asking. */
function signalbox(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  return run(args, {
    cwd: folder.path,
    ...surroundings,
    env: { SIGNALBOX_URL: 'http://127.0.0.1:1', SIGNALBOX_API_KEY: 'x', ...surroundings.env },
  });
}

async function file(name: string, text: string): Promise<void> {
  await mkdir(join(folder.path, name, '..'), { recursive: true });
  await writeFile(join(folder.path, name), text);
}

const head = 'apiVersion: signalbox.dev/v1\nkind: Workflow\nmetadata: { name: w }\nspec:\n  steps:\n';
const good = `${head}    a: { agent: reader, with: { n: '\${{ input.n }}' } }\n    b: { value: '\${{ steps.a.output }}' }\n`;

describe('validate', () => {
  test('says of each file that it is right, or every wrong place of it', async () => {
    await file('good.yaml', good);
    await file('bad.yaml', `${head}    a: { agnet: reader }\n    b: { agent: Reader! }\n`);
    expect(await signalbox(['validate', 'good.yaml', 'bad.yaml'])).toEqual({
      exit: 2,
      out:
        '✔ good.yaml  workflow w, 2 steps\n' +
        '✖ bad.yaml:6:10: /spec/steps/a/agnet: is not a known field; is agent meant?\n' +
        '✖ bad.yaml:7:10: /spec/steps/b/agent: must be a name: lower-case letters, digits and hyphens, at most 63, no hyphen at either end; or an expression: ' +
        'The agent that does the work, by its name, or an expression that chooses one of `agents`; `with` is its input.\n',
      err: 'error: 1 of 2 files cannot be applied\n',
    });
    expect(JSON.parse((await signalbox(['validate', 'bad.yaml', '--json'])).out)).toEqual([
      {
        file: 'bad.yaml',
        workflow: null,
        errors: [
          expect.objectContaining({ file: 'bad.yaml', line: 6, column: 10, pointer: '/spec/steps/a/agnet' }),
          expect.objectContaining({ file: 'bad.yaml', line: 7, column: 10, pointer: '/spec/steps/b/agent' }),
        ],
      },
    ]);
  });

  test('reads standard input, and of a folder its workflows alone', async () => {
    expect((await signalbox(['validate', '-'], { stdin: good })).out).toBe('✔ standard input  workflow w, 2 steps\n');
    await file('all/deep/w.yaml', good);
    await file('all/agent.yaml', 'kind: Agent\n');
    await file('all/w.test.yaml', 'kind: WorkflowTest\n');
    expect((await signalbox(['validate', 'all'])).out).toBe('✔ all/deep/w.yaml  workflow w, 2 steps\n');
    await file('none/agent.yaml', 'kind: Agent\n');
    expect((await signalbox(['validate', 'none'])).err).toMatch(/no workflow file in none/);
    expect((await signalbox(['validate', 'nowhere.yaml'])).err).toMatch(/cannot read nowhere.yaml/);
  });

  const deep = `${head}    a: { value: ${'['.repeat(10_000)}${']'.repeat(10_000)} }\n`;
  const bomb = `x0: &x0 [lol]\n${Array.from({ length: 40 }, (_, n) => `x${n + 1}: &x${n + 1} [*x${n}, *x${n}]\n`).join('')}`;
  const bad: [string, string, RegExp][] = [
    [
      'a cycle',
      `${head}    a: { agent: x, needs: [b] }\n    b: { agent: x, needs: [a] }\n`,
      /bad.yaml:\d+:\d+: .*wait for each other: a needs b needs a/,
    ],
    [
      'an unknown step',
      `${head}    list: { agent: x }\n    b: { agent: x, needs: [lst] }\n`,
      /bad.yaml:7:28: .*no step lst; is list meant\?/,
    ],
    [
      'an unknown step in an expression',
      `${head}    list: { agent: x }\n    b: { value: '\${{ steps.lst.output }}' }\n`,
      /bad.yaml:7:10: .*is list meant\?/,
    ],
    ['an expression that cannot be parsed', `${head}    a: { value: '\${{ 1 + }}' }\n`, /bad.yaml:6:10: .*in: 1 \+/],
    ['an expression of wrong types', `${head}    a: { value: '\${{ 1 + "x" }}' }\n`, /bad.yaml:6:10: .*no such overload/],
    ['an expression over what is not there', `${head}    a: { value: '\${{ process.env }}' }\n`, /bad.yaml:6:10: .*process/],
    ['an expression that is not ended', `${head}    a: { value: '\${{ 1' }\n`, /bad.yaml:6:10: .*is not ended/],
    ['an expression too long', `${head}    a: { value: '\${{ ${'1+'.repeat(3_000)}1 }}' }\n`, /bad.yaml:6:10: .*at most 4096/],
    ['an expression too deep', `${head}    a: { value: '\${{ ${'('.repeat(500)}1${')'.repeat(500)} }}' }\n`, /bad.yaml:6:10: /],
    ['10,000 levels', deep, /bad.yaml:6:\d+: nested more than 64 levels/],
    ['a key twice', `${head}    a: { agent: x }\n    a: { agent: y }\n`, /bad.yaml:7:5: Map keys must be unique/],
    ['a bomb of aliases', bomb, /bad.yaml:2:\d+: aliases are not allowed/],
    ['a tab', `${head}\ta: { agent: x }\n`, /bad.yaml:6:\d+: /],
    ['two documents', `${good}---\n${good}`, /bad.yaml:\d+:1: a second document begins here/],
    ['nothing', '', /bad.yaml:1:1: the file is empty/],
    ['another apiVersion', good.replace('/v1', '/v2'), /bad.yaml:1:1: \/apiVersion: must be signalbox.dev\/v1, not "signalbox.dev\/v2"/],
    ['another kind', good.replace('kind: Workflow', 'kind: Workflwo'), /bad.yaml:2:1: \/kind: must be Workflow, not "Workflwo"/],
    ['an unknown field', good.replace('spec:\n', 'spec:\n  ouputs: 1\n'), /bad.yaml:5:3: .*is outputs meant\?/],
    ['a list', '- 1\n', /bad.yaml:1:1: must be object/],
    ['an input that is no schema', `${good}  input: { type: nonsense }\n`, /bad.yaml:8:3: .*not a JSON Schema/],
  ];

  test.each(bad)('tells file, line and column of %s, and nothing is started', async (_, source, told) => {
    await file('bad.yaml', source);
    const before = performance.now();
    const validated = await signalbox(['validate', 'bad.yaml']);
    expect({ ...validated, isTold: told.test(validated.out) }).toMatchObject({ exit: 2, isTold: true });
    expect(performance.now() - before).toBeLessThan(2_000);
    const played = await signalbox(['run', '--local', 'bad.yaml', '--input', 'n=1']);
    expect(played).toMatchObject({ exit: 2, out: '' });
    expect(played.err).toMatch(/bad.yaml/);
  });

  test.each([
    ['does not end', 'input.list.all(a, input.list.all(b, input.list.all(c, a + b + c >= 0)))', /takes too long/],
    ['grows without bound', 'input.list.map(a, input.list.map(b, input.list)).map(x, toJson(x)).join("")', /too large|takes too long/],
  ])('an expression that %s ends the local run in no time', async (_, expression, told) => {
    await file('slow.yaml', `${head}    a: { value: '\${{ ${expression} }}' }\n`);
    const list = JSON.stringify({ list: Array.from({ length: 2_000 }, (__, n) => n) });
    const before = performance.now();
    const played = await signalbox(['run', '--local', 'slow.yaml', '--input', list]);
    expect(played.exit).toBe(1);
    expect(played.err).toMatch(told);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  test('fills in the parameters of the bundle that the file is of', async () => {
    const validated = await signalbox(['validate', join(examples, 'repository-report/workflow.yaml'), '--set', 'model=none']);
    expect(validated).toMatchObject({ exit: 0, err: '' });
    expect((await signalbox(['validate', join(examples, 'repository-report/workflow.yaml'), '--set', 'modle=none'])).err).toMatch(
      /no parameter modle/,
    );
  });
});

describe('run --local', () => {
  test('plays a file with mocks, shows its steps, and gives its output; a wait takes no time', async () => {
    await file('w.yaml', `${good}    c: { needs: [b], wait: 2h }\n`);
    await file('mocks.yaml', "agents:\n  reader: { output: 'read \${{ input.n }}', after: 90s }\n");
    const played = await signalbox(['run', '--local', 'w.yaml', '--input', 'n=7', '--mock', 'mocks.yaml']);
    expect(played).toMatchObject({ exit: 0, err: '' });
    expect(played.out).toContain('2026-11-24 12:00:10.000  ◐ started   a  reader (local)\n');
    expect(played.out).toContain('2026-11-24 12:01:40.000  ✔ succeeded b\n');
    expect(played.out).toContain('2026-11-24 14:01:40.000  ✔ succeeded run\n');
    const json = await signalbox(['run', '--local', 'w.yaml', '--input', 'n=7', '--mock', 'mocks.yaml', '--json']);
    const last = JSON.parse(json.out.trim().split('\n').at(-1) ?? '') as unknown;
    expect(last).toEqual({ type: 'result', run: { status: 'succeeded', output: { c: null }, error: null, tookMs: 7_290_000 } });
  });

  test('holds limits in virtual time, by key and rate, and loses no place with what fails or is late', async () => {
    const step = (limits: string, rest = ''): string =>
      `${head}    a: { forEach: [1, 2, 3, 4], agent: reader, with: '\${{ item }}', ${rest}limits: { ${limits} } }\n`;
    await file('mocks.yaml', 'agents:\n  reader: { output: 1, after: 10s }\n');
    const took = async (limits: string, rest?: string): Promise<number> => {
      await file('w.yaml', step(limits, rest));
      const { out, err } = await signalbox(['run', '--local', 'w.yaml', '--mock', 'mocks.yaml', '--json']);
      expect(err).toBe('');
      return (JSON.parse(out.trim().split('\n').at(-1) ?? '') as { run: { tookMs: number } }).run.tookMs;
    };
    expect(await took('x: { concurrency: 4 }')).toBe(10_000);
    expect(await took('x: { concurrency: 1 }')).toBe(40_000);
    expect(await took("x: { key: '\${{ item % 2 }}', concurrency: 1 }")).toBe(20_000);
    expect(await took('x: { concurrency: 3 }, y: { concurrency: 2 }')).toBe(20_000);
    // The first two at once, then one each minute.
    expect(await took('x: { rate: { max: 1, per: 1m, burst: 2 } }')).toBe(130_000);
    // Each is late after 5 s, and gives its place to the next.
    expect(await took('x: { concurrency: 1 }', 'onError: continue, timeouts: { attempt: 5s }, retry: { attempts: 1 }, ')).toBe(20_000);
  });

  test('holds limits of whole runs among child runs, which are within what the run above has', async () => {
    const limits = "  limits: { team: { key: '\${{ labels.team }}', concurrency: 1 } }\n";
    const spec = (name: string, rest: string, step: string): string =>
      `${head.replace('name: w', `name: ${name}`).replace('spec:\n', `spec:\n${rest}`)}    a: ${step}\n`;
    await file('mocks.yaml', 'agents:\n  reader: { output: 1, after: 10s }\n');
    await file('w.yaml', spec('w', limits, '{ forEach: [1, 2, 3], workflow: child }'));
    const took = async (childLimits: string): Promise<number> => {
      await file('child.yaml', spec('child', childLimits, '{ agent: reader }'));
      const args = ['run', '--local', 'w.yaml', '--child', 'child.yaml', '--mock', 'mocks.yaml', '--label', 'team=docs', '--json'];
      const { out, err } = await signalbox(args);
      expect(err).toBe('');
      return (JSON.parse(out.trim().split('\n').at(-1) ?? '') as { run: { tookMs: number } }).run.tookMs;
    };
    expect(await took(limits)).toBe(10_000);
    expect(await took('  limits: { each: { concurrency: 1 } }\n')).toBe(30_000);
    await file('child.yaml', spec('child', '  limits: { each: { concurrency: 1 } }\n  onLimit: refuse\n', '{ agent: reader }'));
    const refused = await signalbox(['run', '--local', 'w.yaml', '--child', 'child.yaml', '--mock', 'mocks.yaml', '--label', 'team=docs']);
    expect(refused.err).toContain('no place of runs:each is free');
    await file('w.yaml', spec('w', limits, '{ forEach: [1, 2, 3], workflow: child, maxFailures: 2 }'));
    expect(await took('  limits: { each: { concurrency: 1 } }\n  onLimit: replace\n')).toBe(10_000);
    const unlabelled = await signalbox(['run', '--local', 'w.yaml', '--child', 'child.yaml', '--mock', 'mocks.yaml']);
    expect(unlabelled).toMatchObject({ exit: 2 });
    expect(unlabelled.err).toContain('/spec/limits/team/key');
  });

  test('takes signals, child workflows by their files, and fails as the run does', async () => {
    await file(
      'w.yaml',
      `${head}    ask: { wait: { signal: yes } }\n    sub: { workflow: child, with: { of: '\${{ steps.ask.output.by }}' } }\n`,
    );
    await file(
      'child.yaml',
      `${good.replace('name: w', 'name: child').replace("{ agent: reader, with: { n: '${{ input.n }}' } }", "{ value: 'for ${{ input.of }}' }")}`,
    );
    const played = await signalbox(['run', '--local', 'w.yaml', '--child', 'child.yaml', '--send', 'yes@1h={"by":"ann"}']);
    expect(played).toMatchObject({ exit: 0, err: '' });
    expect(played.out).toMatch(/sub: {"b":"for ann"}\n$/);
    expect((await signalbox(['run', '--local', 'w.yaml', '--send', 'yes@1h={"by":"ann"}'])).err).toMatch(
      /nothing answers for the workflow child.*\n.*--mock/,
    );
    expect((await signalbox(['run', '--local', 'w.yaml'])).err).toMatch(/failed after 1 d 0 h: the run took longer than its timeout/);
    expect((await signalbox(['run', '--local', 'w.yaml', '--send', 'yes'])).err).toMatch(/yes is no signal/);
    expect((await signalbox(['run', 'w', '--mock', 'x'])).err).toMatch(/--mock is for --local/);
  });

  test('has the server’s agents and tools do what nothing mocks, with --live', async () => {
    const rest = await RestDouble.start();
    try {
      rest.on('POST /agents/reader/invoke', () => ({ id: 'run_1', status: 'queued' }));
      rest.on('GET /runs/run_1', () => ({
        id: 'run_1',
        status: 'succeeded',
        output: 'from the agent',
        usage: { inputTokens: 1, outputTokens: 2, costUsd: 0 },
        steps: [],
      }));
      rest.on('POST /tools/files/list/call', () => ({ content: [{ type: 'text', text: 'a\nb' }], isError: false }));
      await file(
        'w.yaml',
        `${head}    a: { agent: reader }\n    t: { tool: files/list }\n    gone: { agent: nobody, onError: continue }\n`,
      );
      rest.on('POST /agents/nobody/invoke', problem(404, 'not_found', 'there is no agent nobody'));
      const played = await signalbox(['run', '--local', 'w.yaml', '--live'], { env: { SIGNALBOX_URL: rest.url } });
      expect(played).toMatchObject({ exit: 0, err: '' });
      expect(played.out).toContain('not_found: there is no agent nobody');
      expect(played.out).toContain('a: from the agent\nt: {"text":"a\\nb"}\ngone: null\n');
    } finally {
      await rest.stop();
    }
  });
});

describe('test', () => {
  const suite = (cases: string): string =>
    `apiVersion: signalbox.dev/v1\nkind: WorkflowTest\nspec:\n  workflow: ./w.yaml\n  mocks: { agents: { reader: { output: 5 } } }\n  cases:\n${cases}`;

  test('plays the examples', async () => {
    expect(await signalbox(['test'], { cwd: examples })).toMatchObject({ exit: 0, err: '' });
  });

  test('a model that calls what people approve goes on by what they say', async () => {
    const llm = '{ model: m, prompt: x, tools: [files/write], approve: [files/write] }';
    await file('ask.yaml', `${head}    ask: { llm: ${llm} }\n`);
    const models = 'models: { m: [{ calls: [{ tool: files/write, with: { path: a } }] }, { output: done }] }';
    const says = (approved: boolean): string => `approvals: { files/write: { output: { approved: ${approved}, by: ann, comment: no } } }`;
    const one = (name: string, mocks: string, that: string): string =>
      `    - name: ${name}\n      mocks: { ${mocks} }\n      expect: { that: ['${that}'], steps: { ask: { items: 3 } } }\n`;
    await file(
      'ask.test.yaml',
      'apiVersion: signalbox.dev/v1\nkind: WorkflowTest\nspec:\n  workflow: ask.yaml\n  cases:\n' +
        one('approved', `${models}, ${says(true)}, tools: { files/write: { output: written } }`, 'steps.ask.output.text == "done"') +
        // What is rejected is not called: nothing answers for it.
        one('rejected', `${models}, ${says(false)}`, 'steps.ask.output.text == "done"'),
    );
    expect(await signalbox(['test', 'ask.test.yaml'])).toMatchObject({ exit: 0, err: '' });
  });

  test('tells each expectation that fails, with its line and what differs', async () => {
    await file('w.yaml', good);
    await file(
      'w.test.yaml',
      suite(
        '    - name: is right\n      input: { n: 1 }\n      expect: { output: { b: 5 }, steps: { a: { attempts: 1 }, b: succeeded }, order: [a, b], within: 0, that: [steps.b.output == 5] }\n' +
          '    - name: is wrong\n      input: { n: 1 }\n      expect:\n        status: failed\n        output: { b: 6 }\n        error: { code: timeout }\n        steps:\n          a: { attempts: 2 }\n          bb: succeeded\n        order: [b, a]\n        that: [steps.b.output == 6, steps.c.output]\n',
      ),
    );
    const tested = await signalbox(['test', 'w.test.yaml']);
    expect(tested.exit).toBe(1);
    expect(tested.err).toBe('error: 1 of 2 cases failed\n');
    expect(tested.out.replace(/in \d+ ms/, 'in 0 ms').split('\n')).toEqual([
      'w.test.yaml',
      '  ✔ is right',
      '  ✖ is wrong',
      '      w.test.yaml:13:9: the run succeeded, not failed',
      '      w.test.yaml:14:9: the output is another',
      '        - b: 6',
      '        + b: 5',
      '      w.test.yaml:15:9: the run has no error',
      '      w.test.yaml:17:16: a: attempts is 1, not 2',
      '      w.test.yaml:18:11: the workflow has no step bb; is b meant?',
      '      w.test.yaml:19:20: a began before b had ended',
      '      w.test.yaml:20:16: this gives false',
      '      w.test.yaml:20:37: No such key: c, in: steps.c.output',
      '',
      '2 cases: 1 passed, 1 failed in 0 ms',
      '',
    ]);
  });

  test('names who answers nothing, an input that the workflow does not take, and a run that takes too long', async () => {
    await file('w.yaml', good.replace('spec:\n', 'spec:\n  input: { type: object, required: [n] }\n'));
    await file(
      'w.test.yaml',
      suite(
        '    - name: slow\n      input: { n: 1 }\n      mocks: { steps: { a: { output: 5, after: 10m } } }\n      expect: { within: 9m }\n' +
          '    - { name: no input }\n',
      ).replace('agents: { reader', 'agents: { somebody'),
    );
    const { out } = await signalbox(['test']);
    expect(out).toContain('w.test.yaml:10:17: the run took 10 min 0 s, more than 9 min 0 s');
    expect(out).toContain("w.test.yaml:11:7: the input is not what the workflow takes: /input must have required property 'n'");
    await file('w.test.yaml', suite('    - { name: alone, input: { n: 1 } }\n').replace('agents: { reader', 'agents: { somebody'));
    expect((await signalbox(['test'])).out).toContain('w.test.yaml:7:7: nothing answers for the agent reader: mock it');
  });

  test('a failed attempt is followed by the next reply; a condition chooses among them', async () => {
    await file('w.yaml', `${head}    a: { forEach: [1, 2], agent: reader, with: { n: '\${{ item }}' }, retry: { attempts: 3 } }\n`);
    await file(
      'w.test.yaml',
      suite(
        '    - name: in turn\n      mocks:\n        agents:\n          reader:\n' +
          '            - { when: input.n == 1, error: { code: unavailable, detail: away } }\n' +
          "            - { output: '${{ input.n * 10 }}' }\n" +
          '      expect: { output: { a: [10, 20] }, steps: { a: { attempts: 3, items: 2 } } }\n',
      ),
    );
    expect(await signalbox(['test'])).toMatchObject({ exit: 0, err: '' });
  });

  test('a golden run is written on demand alone, and must go the same way again', async () => {
    await file('w.yaml', good);
    await file('w.test.yaml', suite('    - { name: golden, input: { n: 1 }, golden: w.golden.json }\n'));
    expect((await signalbox(['test'])).out).toContain('w.test.yaml:7:40: the golden run is not written yet: --update writes it');
    expect((await signalbox(['test', '--update'])).out).toContain('✔ golden  golden run written');
    expect(JSON.parse(await readFile(join(folder.path, 'w.golden.json'), 'utf8'))).toMatchObject({
      status: 'succeeded',
      output: { b: 5 },
      steps: { a: { attempts: 1 } },
      events: expect.arrayContaining(['0 step.succeeded b']) as unknown as string[],
    });
    expect((await signalbox(['test', '--update'])).out).toMatch(/✔ golden\n/);
    await file('w.yaml', good.replace("'${{ steps.a.output }}'", '6'));
    const { exit, out } = await signalbox(['test']);
    expect(exit).toBe(1);
    expect(out).toContain('        - output.b: 5\n        + output.b: 6\n');
  });

  test('tells results as JSON and as JUnit', async () => {
    await file('w.yaml', good);
    await file(
      'w.test.yaml',
      suite('    - { name: "a <b>", input: { n: 1 }, expect: { output: 1 } }\n    - { name: right, input: { n: 1 } }\n'),
    );
    const junit = await signalbox(['test', '--reporter', 'junit']);
    expect(junit.exit).toBe(1);
    expect(junit.out).toContain('<testsuites tests="2" failures="1">');
    expect(junit.out).toContain('<testcase classname="w.test.yaml" name="a &lt;b&gt;"');
    expect(junit.out).toContain('<failure message="the output is another">');
    expect(JSON.parse((await signalbox(['test', '--json'])).out)).toMatchObject([
      { name: 'a <b>', failing: [{ line: 7, pointer: '/spec/cases/0/expect/output' }] },
      { name: 'right', failing: [] },
    ]);
    expect((await signalbox(['test', '--filter', 'right'])).exit).toBe(0);
    expect((await signalbox(['test', '--filter', 'nothing'])).err).toMatch(/no case nothing/);
  });

  test('a test file that is wrong itself is refused with line and column', async () => {
    await file('w.yaml', good);
    await file('w.test.yaml', suite('    - { name: a, expekt: {} }\n'));
    expect((await signalbox(['test'])).err).toMatch(/w.test.yaml:7:18: .*is not a known field; is expect meant\?/);
    await file('w.test.yaml', suite('    - { name: a, expect: { that: ["1 +"] } }\n'));
    expect((await signalbox(['test'])).err).toMatch(/w.test.yaml:7:35: .*Unexpected token/);
    await file('w.test.yaml', suite('    - { name: a, startAt: yesterday }\n'));
    expect((await signalbox(['test'])).err).toMatch(/w.test.yaml:7:18: .*startAt must be a time/);
    expect((await signalbox(['test', 'nowhere'])).err).toMatch(/cannot read nowhere/);
  });
});

test('diff says step by step how two files differ, or a file from what is applied', async () => {
  const rest = await RestDouble.start();
  try {
    await file('old.yaml', good);
    await file('new.yaml', `${good.replace('reader', 'scribe').replace('    b:', '    c:')}  timeout: 2h\n`);
    const told =
      'workflow w\n' +
      '  ~ step a\n      ~ agent: "reader" → "scribe"\n' +
      '  - step b removed\n      - value: "${{ steps.a.output }}"\n' +
      '  + step c added\n      + value: "${{ steps.a.output }}"\n' +
      '  + spec.timeout: "2h"\n';
    expect(await signalbox(['diff', 'old.yaml', 'new.yaml'])).toEqual({ exit: 0, out: told, err: '' });
    expect((await signalbox(['diff', 'old.yaml', 'old.yaml'])).out).toBe('w is the same.\n');
    const spec = { steps: { a: { agent: 'reader', with: { n: '${{ input.n }}' } }, b: { value: '${{ steps.a.output }}' } } };
    rest.on('GET /workflows/w', () => ({
      name: 'w',
      manifest: { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'w' }, spec },
    }));
    const env = { SIGNALBOX_URL: rest.url };
    expect((await signalbox(['diff', 'new.yaml'], { env })).out).toBe(told);
    rest.on('GET /workflows/w', problem(404, 'not_found', 'there is no workflow w'));
    expect(await signalbox(['diff', 'new.yaml'], { env })).toMatchObject({
      exit: 5,
      err: expect.stringMatching(/no workflow w is applied yet/) as unknown,
    });
  } finally {
    await rest.stop();
  }
});

test('schema prints what editors read, with words on every field', async () => {
  expect(JSON.parse((await signalbox(['schema', 'workflow'])).out)).toMatchObject({ title: 'Signalbox workflow' });
  expect(JSON.parse((await signalbox(['schema', 'workflow-test'])).out)).toMatchObject({ title: 'Signalbox workflow test' });
  expect(await signalbox(['schema', 'constructor'])).toMatchObject({ exit: 2 });
  const silent: string[] = [];
  const visit = (schema: object): void => {
    for (const [key, value] of Object.entries(schema) as [string, Record<string, { description?: string }>][]) {
      if (typeof value !== 'object' || key === 'examples') continue;
      if (key === 'properties') silent.push(...Object.keys(value).filter((name) => value[name]?.description === undefined));
      visit(value);
    }
  };
  visit(JSON.parse((await signalbox(['schema', 'workflow-test'])).out) as object);
  expect(silent).toEqual([]);
});

test('apply says on which line of which file stands what the server refuses', async () => {
  const rest = await RestDouble.start();
  try {
    await file('w.yaml', good);
    const errors = [{ pointer: '/spec/steps/a/agent', detail: 'there is no agent reader' }];
    rest.on('PUT /workflows/w', problem(400, 'invalid', '/spec/steps/a/agent: there is no agent reader', { errors }));
    const env = { SIGNALBOX_URL: rest.url };
    expect((await signalbox(['apply', '-f', 'w.yaml', '--yes'], { env })).err).toBe(
      'error: w.yaml:6:10: /spec/steps/a/agent: there is no agent reader\n',
    );
    errors.push({ pointer: '/spec/steps/b/value', detail: 'is wrong' });
    rest.on('PUT /workflows/w', problem(400, 'invalid', '2 places of the workflow are wrong', { errors }));
    expect((await signalbox(['apply', '-f', 'w.yaml', '--yes'], { env })).err).toBe(
      'error: w.yaml: 2 places of the workflow are wrong\n  w.yaml:6:10: /spec/steps/a/agent: there is no agent reader\n  w.yaml:7:10: /spec/steps/b/value: is wrong\n',
    );
  } finally {
    await rest.stop();
  }
});
