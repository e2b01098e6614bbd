import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { checkDefinition } from './check-definition.ts';
import { compileWorkflow } from './compile.ts';
import { definitionOf, Graphs } from './definition.ts';
import { diff } from './diff.ts';
import { checkInput, checkInputSchema } from './input-schema.ts';
import type { StepManifest, WorkflowManifest } from './manifest.ts';
import { perhapsMeant } from './closest.ts';
import { checkManifest, workflowSchema } from './read-schema.ts';
import { readSource, withPlaces } from './read-source.ts';
import { timeoutMs } from './timeout.ts';

function manifest(steps: Record<string, StepManifest>, rest: object = {}): WorkflowManifest {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'test' }, spec: { steps, ...rest } };
}

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const compile = (steps: Record<string, StepManifest>, rest: object = {}): ReturnType<typeof compileWorkflow> =>
  compileWorkflow(manifest(steps, rest), 'h');

describe('a workflow', () => {
  test('has limits in the order of their names, whose keys need what they name; each that cannot be is told', () => {
    const graph = compile(
      {
        first: { agent: 'x' },
        then: {
          tool: 'files/read',
          limits: {
            slow: { rate: { max: 10, per: '1m' } },
            each: { key: 'for ${{ steps.first.output }}', concurrency: 2, rate: { max: 5, per: 2_000, burst: 1 } },
          },
        },
      },
      { priority: 2 },
    );
    expect(graph.priority).toBe(2);
    expect(graph.steps[1]).toMatchObject({
      needs: [0],
      limits: [
        { name: 'each', concurrency: 2, rate: { max: 5, perMs: 2_000, burst: 1 } },
        { name: 'slow', rate: { max: 10, perMs: 60_000, burst: 10 } },
      ],
    });
    const fault = faultOf(() =>
      compile({
        a: { value: 1, limits: { n: { concurrency: 1 } } },
        b: { agent: 'x', limits: { n: { key: 'k' } } },
        c: { agent: 'x', limits: { n: { concurrency: 1, key: '${{ steps.nobody.output }}' } } },
        d: { agent: 'x', limits: { n: { concurrency: 1, key: '${{ item }}' } } },
        e: { agent: 'x', limits: { n: { rate: { max: 1, per: '10ms' } } } },
        f: { agent: 'x', limits: { n: { concurrency: 1, key: '${{ input. }}' } } },
        g: { workflow: 'sub', limits: { n: { concurrency: 1 } } },
      }),
    );
    expect(fault.errors?.map(({ pointer }) => pointer)).toEqual([
      '/spec/steps/a/limits/n',
      '/spec/steps/b/limits/n',
      '/spec/steps/c/limits/n/key',
      '/spec/steps/d/limits/n/key',
      '/spec/steps/e/limits/n/rate/per',
      '/spec/steps/f/limits/n/key',
      '/spec/steps/g/limits/n',
    ]);
  });

  test('has limits for its runs, whose keys see what is known before a run begins; each that cannot be is told', () => {
    const steps = { a: { agent: 'x' } };
    const limits = { pace: { rate: { max: 2, per: '1s' } }, customer: { key: '${{ input.of }} ${{ labels.tier }}', concurrency: 2 } };
    const { runLimits } = compile(steps, { limits, onLimit: 'refuse' });
    expect(runLimits).toMatchObject({
      onLimit: 'refuse',
      limits: [
        { name: 'customer', concurrency: 2, pointer: '/spec/limits/customer' },
        { name: 'pace', rate: { max: 2, perMs: 1_000, burst: 2 } },
      ],
    });
    expect(runLimits?.limits[0]?.key?.({ input: { of: 'acme' }, labels: { tier: 'gold' } })).toBe('acme gold');
    expect(compile(steps, { limits }).runLimits?.onLimit).toBe('queue');
    const fault = faultOf(() =>
      compile(steps, {
        limits: {
          a: { key: 'k' },
          b: { concurrency: 1, key: '${{ steps.a.output }}' },
          c: { concurrency: 1, key: '${{ input. }}' },
          d: { rate: { max: 1, per: '2h' } },
        },
      }),
    );
    expect(fault.errors?.map(({ pointer }) => pointer)).toEqual([
      '/spec/limits/a',
      '/spec/limits/b/key',
      '/spec/limits/c/key',
      '/spec/limits/d/rate/per',
    ]);
    expect(faultOf(() => compile(steps, { onLimit: 'refuse' })).errors?.[0]?.pointer).toBe('/spec/onLimit');
    const rateOnly = { pace: { rate: { max: 1, per: '1s' } } };
    expect(faultOf(() => compile(steps, { limits: rateOnly, onLimit: 'replace' })).errors?.[0]?.pointer).toBe('/spec/onLimit');
    const wrong = faultOf(() => {
      checkManifest(manifest(steps, { limits: { a: { concurrency: 0 }, b: { max: 1 } }, onLimit: 'drop' }));
    });
    expect(wrong.errors?.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/spec/limits/a/concurrency', '/spec/limits/b/max', '/spec/onLimit']),
    );
  });

  test('becomes a graph with edges both ways; what an expression names is needed', () => {
    const graph = compile({
      a: { agent: 'x', skill: 's', label: 'First', timeout: '2s', fallback: 'y' },
      b: { tool: 'files/read', with: { of: '${{ steps.a.output }}' }, retry: { attempts: 500, backoff: { initialMs: 1 } } },
      c: { workflow: 'sub', needs: ['a'], if: 'steps.b.output == 1', forEach: '${{ input.list }}', maxParallel: 3, with: '${{ item }}' },
      d: { artifact: { name: 'report.md', content: '${{ steps.c.output }}' } },
      e: { value: [1, '${{ index }}'], forEach: [1, '${{ input.x }}'], if: true },
    });
    expect(graph.steps.map(({ key, kind, needs, dependents, target }) => [key, kind, needs, dependents, target])).toEqual([
      ['a', 'agent', [], [1, 2], 'x'],
      ['b', 'tool', [0], [2], 'files/read'],
      ['c', 'workflow', [0, 1], [3], 'sub'],
      ['d', 'artifact', [2], [], ''],
      ['e', 'value', [], [], ''],
    ]);
    expect(graph.steps[0]).toMatchObject({ skill: 's', label: 'First', timeoutMs: 2_000, fallback: 'y', retry: { attempts: 3 } });
    expect(graph.steps[1]?.retry).toMatchObject({
      attempts: 100,
      initialMs: 1,
      factor: 2,
      nonRetryable: expect.arrayContaining(['invalid']) as unknown as string[],
    });
    expect(graph.timeoutMs).toBe(86_400_000);
    const scope = {
      input: { x: 2 },
      steps: { d: { output: 'ref', status: 'succeeded', errors: [] }, e: { output: [], status: 'succeeded', errors: [] } },
      run: { id: '', workflow: '', startedAt: '' },
    };
    expect(graph.output(scope)).toEqual({ d: 'ref', e: [] });
    expect(graph.steps[4]?.items?.(scope)).toEqual([1, 2]);
    expect(graph.steps[4]?.condition?.(scope)).toBe(true);
    expect(() => graph.steps[2]?.items?.({ ...scope, input: { list: 5 } })).toThrow(/forEach must give a list, not number/);
    expect(() => graph.steps[2]?.items?.({ ...scope, input: { list: null } })).toThrow(/not null/);
    expect(() => compile({ a: { value: 1, if: '${{ input.x }}' } }).steps[0]?.condition?.(scope)).toThrow(/true or false, not number/);
  });

  test('failover names agents, or asks for the skill, and says how long an attempt waits', () => {
    const { steps } = compile({
      a: { agent: 'a', failover: { to: ['b', 'c'], after: '3s' } },
      b: { agent: 'a', skill: 's', failover: { skill: true } },
      c: { value: 1, compensate: { agent: 'a', failover: { to: ['b'] } } },
    });
    expect(steps.map(({ failover }) => failover)).toEqual([
      { to: ['b', 'c'], afterMs: 3_000 },
      { afterMs: 10_000 },
      undefined,
      { to: ['b'], afterMs: 10_000 },
    ]);
  });

  test.each([
    ['of a tool', { tool: 's/t', failover: { to: ['b'] } }, 'failover only a step with an agent has a failover'],
    ['beside a fallback', { agent: 'a', fallback: 'b', failover: { to: ['c'] } }, 'fallback a step has either fallback or failover'],
    ['that says both', { agent: 'a', skill: 's', failover: { to: ['b'], skill: true } }, 'failover give either to'],
    ['that says nothing', { agent: 'a', failover: { after: '1s' } }, 'failover give either to'],
    ['by no skill', { agent: 'a', failover: { skill: true } }, 'failover/skill say which skill'],
    ['to itself', { agent: 'a', failover: { to: ['b', 'a'] } }, 'failover/to/1 a is the step’s own agent'],
  ])('refuses a failover %s', (_, step, wrong) => {
    const fault = faultOf(() => compile({ x: step as StepManifest }));
    expect(fault.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual([expect.stringContaining(`/spec/steps/x/${wrong}`)]);
  });

  test('whenUnavailable says what stands in, and after how long', () => {
    const { steps } = compile({
      a: { agent: 'a', whenUnavailable: { use: { score: '${{ size(steps.c.output) }}' }, after: '3s' } },
      b: { agent: 'a', whenUnavailable: { skip: true } },
      c: { value: [1, 2] },
    });
    expect(steps.map(({ unavailable }) => unavailable)).toEqual([
      { afterMs: 3_000, use: expect.any(Function) },
      { afterMs: 30_000 },
      undefined,
    ]);
    expect(steps[0]?.needs).toEqual([2]);
  });

  test.each([
    ['of a tool', { tool: 's/t', whenUnavailable: { skip: true } }, ' only a step with an agent'],
    ['that says both', { agent: 'a', whenUnavailable: { use: 1, skip: true } }, ' give either use'],
    ['that says nothing', { agent: 'a', whenUnavailable: { after: '1s' } }, ' give either use'],
    ['of turns', { agent: 'a', repeat: {}, whenUnavailable: { use: 1 } }, ' a step with turns has no whenUnavailable'],
    [
      'of a queue that is shorter',
      { agent: 'a', timeouts: { queue: '5s' }, whenUnavailable: { use: 1 } },
      '/after timeouts.queue is over before',
    ],
    [
      'of items that need each other',
      { agent: 'a', forEach: { items: [], key: '${{ item }}', needs: '${{ [] }}' }, whenUnavailable: { skip: true } },
      '/skip items that need each other',
    ],
    ['that names no step', { agent: 'a', whenUnavailable: { use: '${{ steps.y.output }}' } }, '/use there is no step y'],
  ])('refuses a whenUnavailable %s', (_, step, wrong) => {
    const fault = faultOf(() => compile({ x: step as StepManifest }));
    expect(fault.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual([
      expect.stringContaining(`/spec/steps/x/whenUnavailable${wrong}`),
    ]);
  });

  test.each([
    ['of a tool', { tool: 's/t', version: 2 }, 'only a step with an agent has a version'],
    ['beside a fallback', { agent: 'a', version: 2, fallback: 'b' }, 'leave fallback out'],
    ['beside a failover', { agent: 'a', version: 2, failover: { to: ['b'] } }, 'leave failover out'],
    ['of whom an expression chooses', { agent: '${{ input.a }}', agents: ['a', 'b'], version: 2 }, 'leave agents out'],
  ])('refuses a version %s', (_, step, wrong) => {
    const fault = faultOf(() => compile({ x: step as StepManifest }));
    expect(fault.errors).toEqual([{ pointer: '/spec/steps/x/version', detail: expect.stringContaining(wrong) }]);
    expect(compile({ x: { agent: 'a', version: 2 } }).steps[0]).toMatchObject({ target: 'a', version: 2 });
  });

  test('names every wrong place at once', () => {
    const fault = faultOf(() =>
      compile(
        {
          nothing: {},
          both: { agent: 'a', tool: 's/t' },
          skill: { tool: 's/t', skill: 'x' },
          fallback: { workflow: 'w', fallback: 'x' },
          with: { value: 1, with: 1 },
          unknown: { agent: 'a', needs: ['nobody'] },
          refers: { agent: 'a', with: '${{ steps.nobody.output }}' },
          item: { agent: 'a', with: '${{ item }}' },
          where: { agent: 'a', forEach: '${{ [item] }}' },
          asked: { approval: { message: '${{ steps.nobody.output }}' } },
          late: { approval: 'Go?', retry: { attempts: 2 } },
          syntax: { agent: 'a', with: { deep: ['${{ 1 + }}'] } },
          several: {
            agent: 'a',
            needs: ['nobody', 'syntx'],
            if: '${{ item && }}',
            forEach: '${{ [ }}',
            with: ['${{ 2 + }}', '${{ 1 + "x" }}'],
          },
        },
        { outputs: { x: '${{ index }}', y: '${{ steps.ghost.output }}' } },
      ),
    );
    expect(fault.code).toBe('invalid');
    expect(fault.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual([
      expect.stringMatching(/^\/spec\/steps\/nothing the step does not say what it does/),
      expect.stringMatching(/^\/spec\/steps\/both the step says agent and tool/),
      expect.stringMatching(/^\/spec\/steps\/skill\/skill only a step with an agent/),
      expect.stringMatching(/^\/spec\/steps\/fallback\/fallback only/),
      expect.stringMatching(/^\/spec\/steps\/with\/with a step with value takes no with/),
      expect.stringMatching(/^\/spec\/steps\/unknown\/needs\/0 there is no step nobody/),
      expect.stringMatching(/^\/spec\/steps\/refers\/with there is no step nobody/),
      expect.stringMatching(/^\/spec\/steps\/item\/with item is known only inside/),
      expect.stringMatching(/^\/spec\/steps\/where\/forEach item is known only inside/),
      expect.stringMatching(/^\/spec\/steps\/asked\/approval\/message there is no step nobody/),
      expect.stringMatching(/^\/spec\/steps\/late\/retry an approval has no retry/),
      expect.stringMatching(/^\/spec\/steps\/syntax\/with\/deep\/0 Unexpected token/),
      expect.stringMatching(/^\/spec\/steps\/several\/if Unexpected/),
      expect.stringMatching(/^\/spec\/steps\/several\/forEach Unexpected/),
      expect.stringMatching(/^\/spec\/steps\/several\/with\/0 Unexpected/),
      expect.stringMatching(/^\/spec\/steps\/several\/with\/1 no such overload/),
      expect.stringMatching(/^\/spec\/steps\/several\/needs\/0 there is no step nobody/),
      expect.stringMatching(/^\/spec\/steps\/several\/needs\/1 there is no step syntx; is syntax meant\?/),
      expect.stringMatching(/^\/spec\/outputs\/x index is known only inside/),
      expect.stringMatching(/^\/spec\/outputs\/y there is no step ghost/),
    ]);
  });

  test('asks with what is computed, and keeps what it says of every run', () => {
    const form = { type: 'object', properties: { note: { type: 'string', default: '${{ not computed }}' } } };
    const approval = { message: 'Send ${{ input.what }}?', by: { principals: ['${{ input.who }}'] }, notBy: 'starter' as const, form };
    const [full, short] = compile({ full: { approval, with: { what: '${{ input.what }}' } }, short: { approval: 'Go on?' } }).steps;
    const scope = { input: { what: 'it', who: 'ann' }, steps: {}, run: { id: '', workflow: '', startedAt: '' } };
    expect(full?.approval).toEqual({ form, notBy: 'starter', onDeadline: 'fail', onReject: 'fail' });
    expect(full?.input(scope)).toEqual({ approval: { message: 'Send it?', by: { principals: ['ann'] } }, with: { what: 'it' } });
    expect(short?.input(scope)).toEqual({ approval: { message: 'Go on?' } });
    expect(short?.approval).toEqual({ onDeadline: 'fail', onReject: 'fail' });
  });

  test('is undone in the order of its steps, whether all of them can be or not', () => {
    const graph = compile(
      {
        book: { tool: 'a/book', compensate: { tool: 'a/free', with: { id: '${{ steps.book.output.id }}' } } },
        note: { value: '${{ steps.book.output }}' },
        pay: {
          agent: 'bank',
          needs: ['note'],
          forEach: [1, 2],
          maxParallel: 1,
          compensate: { agent: 'bank', skill: 'refund', with: '${{ item }}' },
        },
        send: { agent: 'post', needs: ['pay', 'book'], compensate: { workflow: 'recall', retry: { attempts: 2 } } },
      },
      { compensateOn: ['failed'], compensateTimeout: '2m' },
    );
    expect(graph.undo).toEqual({ on: ['failed'], timeoutMs: 120_000 });
    expect(
      graph.steps
        .slice(4)
        .map(({ key, undoes, needs, dependents, target, skill, part }) => [key, undoes, needs, dependents, target, skill, part]),
    ).toEqual([
      ['book.undo', 0, [6, 5], [], 'a/free', undefined, 'undo'],
      ['pay.undo', 2, [6], [4], 'bank', 'refund', 'undo'],
      ['send.undo', 3, [], [4, 5], 'recall', undefined, 'undo'],
    ]);
    expect(graph.steps[4]?.retry).toMatchObject({ attempts: 10, nonRetryable: expect.arrayContaining(['invalid']) as unknown });
    expect(graph.steps[6]?.retry.attempts).toBe(2);
    expect(graph.steps[5]).toMatchObject({ maxParallel: 1 });
    const scope = { input: {}, steps: {}, run: { id: '', workflow: '', startedAt: '' } };
    expect(graph.steps[5]?.items?.(scope)).toEqual([1, 2]);
    expect(graph.output({ ...scope, steps: { send: { output: 's', status: 'succeeded', errors: [] } } })).toEqual({ send: 's' });
  });

  test('tidies up with steps that see all others and wait for each other alone', () => {
    const graph = compile(
      { a: { agent: 'x' }, b: { agent: 'x' } },
      {
        finally: {
          tell: {
            agent: 'y',
            with: { how: '${{ run.status }}', why: '${{ run.error }}', did: '${{ steps.a.output }}', after: '${{ steps.close.status }}' },
          },
          close: { tool: 's/close' },
        },
        finallyTimeout: '30s',
      },
    );
    expect(graph.finally).toEqual({ timeoutMs: 30_000 });
    expect(graph.steps.map(({ key, needs, part }) => [key, needs, part])).toEqual([
      ['a', [], undefined],
      ['b', [], undefined],
      ['tell', [3], 'finally'],
      ['close', [], 'finally'],
    ]);
    expect(graph.output({ input: {}, steps: {}, run: { id: '', workflow: '', startedAt: '' } })).toEqual({ a: null, b: null });
    expect(compile({ a: { value: 1 } }, { finally: { t: { value: 1 } } }).finally).toEqual({ timeoutMs: 600_000 });
  });

  test('says how long what may take, how many items may fail, and what follows a crash', () => {
    const graph = compile({
      a: { agent: 'x', timeouts: { queue: '1m', start: 5_000, attempt: '2m', total: '1h' }, onCrash: 'ask' },
      b: { agent: 'x', forEach: [1], maxFailures: '10%', onCrash: 'retry' },
      c: { workflow: 'w', timeouts: { total: '1h' }, forEach: [1], maxFailures: 3 },
    });
    expect(graph.steps[0]).toMatchObject({
      timeoutMs: 120_000,
      timeouts: { queueMs: 60_000, startMs: 5_000, totalMs: 3_600_000 },
      onCrash: 'ask',
    });
    expect([9, 10, 99, 10_000].map((items) => graph.steps[1]?.maxFailures?.(items))).toEqual([0, 1, 9, 1_000]);
    expect(graph.steps[1]?.onCrash).toBeUndefined();
    expect(graph.steps[2]?.maxFailures?.(1)).toBe(3);
  });

  test('names what a step of its kind cannot have', () => {
    const fault = faultOf(() =>
      compile(
        {
          value: { value: 1, timeouts: { total: 1 } },
          wait: { wait: 1, onCrash: 'ask' },
          child: { workflow: 'w', timeouts: { queue: 1 } },
          both: { agent: 'a', timeout: 1, timeouts: { attempt: 2 } },
          single: { agent: 'a', maxFailures: 1 },
          item: { agent: 'a', compensate: { agent: 'b', with: '${{ item }}' } },
          none: { agent: 'a', compensate: {} },
          early: { agent: 'a', with: '${{ steps.tell.output }}' },
        },
        { finally: { both: { value: 1 }, tell: { agent: 'a', compensate: { agent: 'b' } }, lost: { value: '${{ steps.ghost.output }}' } } },
      ),
    );
    expect(fault.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual([
      expect.stringMatching(/^\/spec\/steps\/value\/timeouts\/total a step with value has no timeout total$/),
      expect.stringMatching(/^\/spec\/steps\/wait\/onCrash a step with wait has no executor/),
      expect.stringMatching(/^\/spec\/steps\/child\/timeouts\/queue a step with workflow has no timeout queue, only total$/),
      expect.stringMatching(/^\/spec\/steps\/both\/timeouts\/attempt timeout and/),
      expect.stringMatching(/^\/spec\/steps\/single\/maxFailures only a step with forEach/),
      expect.stringMatching(/^\/spec\/steps\/early\/with there is no step tell/),
      expect.stringMatching(/^\/spec\/steps\/item\/compensate\/with item is known only inside/),
      expect.stringMatching(/^\/spec\/steps\/none\/compensate the step does not say what it does/),
      expect.stringMatching(/^\/spec\/finally\/both a step of steps has the same key/),
      expect.stringMatching(/^\/spec\/finally\/tell\/compensate what tidies up is not undone/),
      expect.stringMatching(/^\/spec\/finally\/lost\/value there is no step ghost/),
    ]);
    const cycle = faultOf(() =>
      compile({ a: { value: 1 } }, { finally: { x: { agent: 'a', needs: ['y'] }, y: { agent: 'a', needs: ['x'] } } }),
    );
    expect(cycle.errors?.[0]?.pointer).toMatch(/^\/spec\/finally\//);
  });

  test('says by its schema what these may hold', () => {
    const check = (step: object, rest: object = {}) =>
      checkManifest({
        apiVersion: 'signalbox.dev/v1',
        kind: 'Workflow',
        metadata: { name: 't' },
        spec: { steps: { a: { agent: 'x', ...step } }, ...rest },
      });
    const good = {
      timeouts: { queue: '1s', total: 5 },
      maxFailures: '100%',
      onCrash: 'ask',
      compensate: { tool: 's/t', retry: { attempts: 3 } },
    };
    expect(
      check(good, { finally: { f: { value: 1 } }, finallyTimeout: '1m', compensateOn: ['failed'], compensateTimeout: '1m' }),
    ).toBeDefined();
    for (const wrong of [
      { timeouts: { run: 1 } },
      { maxFailures: '101%' },
      { maxFailures: -1 },
      { onCrash: 'no' },
      { compensate: { wait: 1 } },
    ])
      expect(() => check(wrong)).toThrow();
    for (const wrong of [{ finally: {} }, { compensateOn: [] }, { compensateOn: ['succeeded'] }]) expect(() => check({}, wrong)).toThrow();
  });

  test('names the steps of a cycle in their order', () => {
    const fault = faultOf(() =>
      compile({
        a: { value: 1 },
        b: { agent: 'x', needs: ['d', 'a'] },
        c: { agent: 'x', needs: ['b'] },
        d: { agent: 'x', with: '${{ steps.c.output }}' },
      }),
    );
    expect(fault.detail).toMatch(/wait for each other: b needs d needs c needs b/);
    expect(faultOf(() => compile({ a: { agent: 'x', needs: ['a'] } })).detail).toMatch(/a needs a/);
  });

  test('with needs to earlier steps alone always compiles, one with a backward edge never', () => {
    const graphs = fc
      .integer({ min: 2, max: 12 })
      .chain((count) => fc.tuple(fc.constant(count), fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 30 })));
    fc.assert(
      fc.property(graphs, ([count, edges]) => {
        const steps: Record<string, StepManifest> = {};
        for (let id = 0; id < count; id++) {
          steps[`s${id}`] = {
            agent: 'a',
            needs: [...new Set(edges.filter(([from, to]) => from === id && to < id).map(([, to]) => `s${to}`))],
          };
        }
        expect(compile(steps).steps).toHaveLength(count);
        (steps['s0'] as StepManifest).needs = [`s${count - 1}`];
        (steps[`s${count - 1}`] as StepManifest).needs = ['s0'];
        expect(() => compile(steps)).toThrow(/wait for each other/);
      }),
    );
  });

  test('takes durations as milliseconds or with a unit', () => {
    expect(['500ms', '30s', '10m', '2h', '1d', 7].map(timeoutMs)).toEqual([500, 30_000, 600_000, 7_200_000, 86_400_000, 7]);
    expect(timeoutMs('999999999d')).toBe(30 * 86_400_000);
  });

  test('is compiled once for each definition, and its name and labels do not change it', () => {
    const graphs = new Graphs();
    const first = definitionOf(manifest({ a: { value: 1 } }));
    const labelled = definitionOf({ ...manifest({ a: { value: 1 } }), metadata: { name: 'test', labels: { x: 'y' } } });
    expect(labelled.hash).toBe(first.hash);
    expect(definitionOf(manifest({ a: { value: 2 } })).hash).not.toBe(first.hash);
    expect(graphs.of(first)).toBe(graphs.of(labelled));
    expect(graphs.find(first.hash)).toBe(graphs.of(first));
    for (let other = 0; other < 1_100; other++) graphs.of(definitionOf(manifest({ a: { value: other } })));
    expect(graphs.find(definitionOf(manifest({ a: { value: 3 } })).hash)).toBeUndefined();
  });
});

describe('a manifest', () => {
  test('that is right passes the published schema', () => {
    expect(checkManifest(manifest({ a: { agent: 'x' } }, { timeout: '1h', input: { type: 'object' }, outputs: '${{ 1 }}' }))).toBeDefined();
  });

  test.each([
    [{ kind: 'Agent' }, '/kind', /must be Workflow, not "Agent"/],
    [{ apiVersion: 'signalbox.dev/v2' }, '/apiVersion', /must be signalbox.dev\/v1, not "signalbox.dev\/v2"/],
    [{ spec: { steps: { a: { agent: 'x' } }, ouputs: 1 } }, '/spec/ouputs', /not a known field; is outputs meant\?/],
    [{ spec: { steps: { a: { wait: { untill: 'x' } } } } }, '/spec/steps/a/wait/untill', /is until meant\?/],
    [{ spec: { steps: { a: { agent: 'x', timeout: '5 minutes' } } } }, '/spec/steps/a/timeout', /pattern/],
    [{ spec: { steps: { a: { agent: 'x', onError: 'contineu' } } } }, '/spec/steps/a/onError', /is continue meant\?/],
    [{ spec: { steps: {} } }, '/spec/steps', /fewer than 1/],
    [{ spec: { steps: { 'a b': { agent: 'x' } } } }, '/spec/steps', /pattern|name/],
    [{ spec: { steps: { a: { agnet: 'x' } } } }, '/spec/steps/a/agnet', /not a known field; is agent meant\?/],
    [{ spec: { steps: { a: { agent: 'X Y' } } } }, '/spec/steps/a/agent', /must be a name: lower-case letters.*or an expression/],
    [{ spec: { steps: { a: { tool: 'no-server' } } } }, '/spec/steps/a/tool', /pattern/],
    [{ spec: { steps: { a: { approval: { by: { roles: ['admin'] } } } } } }, '/spec/steps/a/approval', /must have message/],
    [{ spec: { steps: { a: { approval: { message: 'x', by: {} } } } } }, '/spec/steps/a/approval/by', /fewer than 1/],
    [{ spec: { steps: { a: { agent: 'x', retry: { attempts: 0 } } } } }, '/spec/steps/a/retry/attempts', />= 1/],
    [
      { spec: { steps: { a: { agent: 'x', retry: { attempts: 1, nonRetryable: ['oops'] } } } } },
      '/spec/steps/a/retry/nonRetryable/0',
      /one of invalid/,
    ],
    [{ metadata: { name: 'x', labels: { a: 1 } } }, '/metadata/labels/a', /string/],
    [{ spec: 'x' }, '/spec', /object/],
  ])('that is wrong is refused with its place: %j', (wrong, pointer, detail) => {
    const fault = faultOf(() => checkManifest({ ...manifest({ a: { agent: 'x' } }), ...wrong }));
    expect(fault.code).toBe('invalid');
    expect(fault.errors?.find((error) => error.pointer === pointer)?.detail).toMatch(detail);
  });

  test('holds no NUL: the database cannot keep it', () => {
    expect(
      faultOf(() => checkManifest({ ...manifest({ a: { agent: 'x' } }), metadata: { name: 'x', description: 'a\0b' } })).detail,
    ).toMatch(/NUL/);
  });
});

describe('a YAML file', () => {
  const good = 'apiVersion: signalbox.dev/v1\nkind: Workflow\nmetadata: { name: test }\nspec:\n  steps:\n    a:\n      agent: x\n';

  test('is read, and its places are known by line and column', () => {
    const read = readSource(good);
    expect(read.value).toMatchObject({ metadata: { name: 'test' } });
    expect(read.placeOf('/spec/steps/a/agent')).toEqual({ line: 7, column: 7 });
    expect(read.placeOf('/spec/steps/a/missing')).toEqual({ line: 6, column: 5 });
    expect(readSource('a: [1, {b: 2}]').placeOf('/a/1/b')).toEqual({ line: 1, column: 9 });
    expect(readSource('a: 1').placeOf('/a/b/c')).toEqual({ line: 1, column: 1 });
  });

  test.each([
    ['a: [1, 2', /line 1, column \d+/],
    [`${good}  steps: {}\n`, /line 8, column 3: Map keys must be unique/],
    ['a: b: c', /line 1, column \d+: /],
    ['a: &x [1]\nb: *x\n', /aliases are not allowed/],
    ['a: 1\nb: [2, .inf]\n', /line 2, column 8: Infinity is no number/],
    ['\t- x', /line 1/],
    [`${'['.repeat(80)}${']'.repeat(80)}`, /line 1, column 65: nested more than 64 levels/],
    [Array.from({ length: 80 }, (_, level) => `${' '.repeat(level)}k:`).join('\n'), /nested more than 64 levels/],
    [`${'- '.repeat(200)}x`, /nested more than 64 levels/],
    ['a: 1\n---\nb: 2\n', /line 3, column 1: a second document/],
    ['', /the file is empty/],
    [`a: ${'x'.repeat(262_144)}`, /more than 262144 characters/],
  ])('that is wrong is refused with line and column: %j', (source, detail) => {
    const before = process.cpuUsage(); // a busy machine takes longer, not more
    const fault = faultOf(() => readSource(source));
    expect(fault.code).toBe('invalid');
    expect(fault.detail).toMatch(detail);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(500);
  });

  test('tells every wrong place of its YAML, with line and column', () => {
    expect(faultOf(() => readSource('a: 1\na: 2\nb: [1\nc: *x\n')).errors).toEqual([
      expect.objectContaining({ line: 2, column: 1 }),
      expect.objectContaining({ line: 4, column: 1 }),
    ]);
    expect(faultOf(() => readSource('a: &x 1\nb: *x\nc: *x\n')).errors).toEqual([
      { pointer: '', detail: 'aliases are not allowed: write out what *x stands for', line: 2, column: 4 },
      { pointer: '', detail: 'aliases are not allowed: write out what *x stands for', line: 3, column: 4 },
    ]);
  });

  test('A15: a bomb of aliases, or 10,000 levels, is refused in no time', () => {
    let bomb = 'a0: &a0 [x, x, x, x, x, x, x, x, x]\n';
    for (let level = 1; level < 10; level++)
      bomb += `a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]\n`;
    const before = process.cpuUsage(); // a busy machine takes longer, not more
    expect(() => readSource(bomb)).toThrow(/aliases/);
    expect(() => readSource('{a: '.repeat(10_000))).toThrow(/nested/);
    expect(() => readSource(`${'? '.repeat(10_000)}x`)).toThrow();
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  });

  test('gives line and column to what its contents lack', () => {
    const source = readSource(good.replace('agent: x', 'agent: x\n      needs: [nobody]'));
    const fault = faultOf(() => withPlaces(source, () => compileWorkflow(checkManifest(source.value), 'h')));
    expect(fault.detail).toMatch(/^line 8, column 15: there is no step nobody/);
    const two = readSource(good.replace('agent: x', 'agent: x\n      oops: 1\n      more: 2'));
    expect(faultOf(() => withPlaces(two, () => checkManifest(two.value))).detail).toMatch(/2 places.*the first at line 8, column 7/);
    expect(() => withPlaces(source, () => JSON.parse('{') as unknown)).toThrow(SyntaxError);
  });
});

describe('an input', () => {
  test('is checked against the schema of the workflow', () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
    expect(() => checkInput(schema, { n: 1 })).not.toThrow();
    expect(() => checkInput(undefined, 'anything')).not.toThrow();
    expect(faultOf(() => checkInput(schema, { n: 'x' })).errors).toEqual([{ pointer: '/input/n', detail: 'must be integer' }]);
    expect(faultOf(() => checkInput(schema, {})).detail).toMatch(/must have required property 'n'/);
  });

  test.each([
    [{ $ref: 'https://example.com/schema.json' }, /leads outside/],
    [{ type: 'nonsense' }, /not a JSON Schema/],
    [{ properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, id) => [`p${id}`, {}])) }, /larger than|more than/],
    [{ enum: Array.from({ length: 3_000 }, (_, id) => id) }, /more than 2000 places/],
    [{ pattern: '(' }, /not a JSON Schema/],
  ])('A23: a schema that is no schema of an input is refused: %#', (schema, detail) => {
    expect(faultOf(() => checkInputSchema(schema as never)).detail).toMatch(detail);
  });

  test('A22: a pattern that would backtrack for ever is checked in linear time', () => {
    const schema = { type: 'string', pattern: '^(a+)+$' };
    checkInputSchema(schema);
    const before = process.cpuUsage(); // a busy machine takes longer, not more
    expect(() => checkInput(schema, `${'a'.repeat(50_000)}!`)).toThrow(Fault);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  });

  test('each field is held against a pattern of its own', () => {
    const schema = { properties: { a: { type: 'string', pattern: '^a' }, b: { type: 'string', pattern: '^b' } } };
    expect(() => checkInput(schema, { a: 'a', b: 'b' })).not.toThrow();
    expect(faultOf(() => checkInput(schema, { a: 'a', b: 'a' })).errors).toEqual([
      { pointer: '/input/b', detail: 'must match pattern "^b"' },
    ]);
  });

  test('A23: a schema that refers to itself without end is said to be so', () => {
    const schema = { $ref: '#/definitions/a', definitions: { a: { $ref: '#/definitions/b' }, b: { $ref: '#/definitions/a' } } };
    expect(() => checkInputSchema(schema)).toThrow('refers to itself without end');
    expect(() => checkInput(schema, 1)).toThrow(Fault);
  });
});

test('what was meant is found when it differs by little, and nothing else', () => {
  const words = ['agent', 'tool', 'workflow', 'needs', 'if'];
  expect(['agnet', 'agents', 'Agent', 'workfow', 'need', 'banana', 'x', 'fi', ''].map((word) => perhapsMeant(word, words))).toEqual([
    '; is agent meant?',
    '; is agent meant?',
    '; is agent meant?',
    '; is workflow meant?',
    '; is needs meant?',
    '',
    '',
    '; is if meant?',
    '',
  ]);
});

test('the published schema explains every field to an editor', () => {
  const silent: string[] = [];
  const visit = (schema: Record<string, unknown>, at: string): void => {
    for (const [key, value] of Object.entries(schema)) {
      if (typeof value !== 'object' || value === null || key === 'examples') continue;
      if (key === 'properties') {
        for (const [name, field] of Object.entries(value as Record<string, Record<string, unknown>>))
          if (typeof field['description'] !== 'string') silent.push(`${at}/${name}`);
      }
      visit(value as Record<string, unknown>, `${at}/${key}`);
    }
  };
  visit(workflowSchema, '');
  expect(silent).toEqual([]);
});

test('a difference names each place that changed', () => {
  const from = { spec: { steps: { a: { agent: 'x', needs: ['b', 'c'] } } }, gone: 1 };
  const to = { spec: { steps: { a: { agent: 'y', needs: ['b'] }, new: { value: 1 } } } };
  expect(diff(from, to)).toEqual([
    { path: 'spec.steps.a.agent', from: 'x', to: 'y' },
    { path: 'spec.steps.a.needs[1]', from: 'c' },
    { path: 'spec.steps.new', to: { value: 1 } },
    { path: 'gone', from: 1 },
  ]);
  expect(diff(undefined, { a: 1 })).toEqual([{ path: '', to: { a: 1 } }]);
  expect(diff(from, structuredClone(from))).toEqual([]);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, id) => [`k${id}`, id]));
  expect(diff({}, many)).toHaveLength(200);
});

describe('a step with llm', () => {
  test('has a model, what it may call, and limits', () => {
    const graph = compile({
      list: { tool: 'files/list' },
      ask: {
        llm: {
          model: 'gpt-5-mini',
          fallback: 'gpt-5-nano',
          instructions: 'You know ${{ steps.list.output }}.',
          prompt: '${{ input.q }}',
          tools: ['files/*', { agent: 'reader', skill: 'sum' }],
          output: { type: 'object', required: ['n'] },
          limits: { turns: 3, costUsd: 0.5, time: '2m' },
        },
      },
    });
    const step = graph.steps[1];
    expect(step).toMatchObject({
      kind: 'llm',
      target: 'gpt-5-mini',
      fallback: 'gpt-5-nano',
      needs: [0],
      maxParallel: 8,
      llm: {
        tools: [{ tool: 'files/*' }, { agent: 'reader', skill: 'sum' }],
        limits: { turns: 3, tokens: 200_000, costUsd: 0.5, timeMs: 120_000 },
      },
    });
    const steps = { list: { output: 'x', status: 'succeeded', errors: [] } };
    const scope = { input: { q: [1] }, steps, run: { id: '', workflow: '', startedAt: '' } };
    expect(step?.input(scope)).toEqual({ instructions: 'You know x.', prompt: [1] });
    expect(step?.llm?.output?.check({ n: 1 })).toBeUndefined();
    expect(step?.llm?.output?.check({})).toBe("it must have required property 'n'");
  });

  test.each<[string, Partial<StepManifest>, object, string]>([
    ['neither prompt nor messages', {}, { prompt: undefined }, '/llm'],
    ['both prompt and messages', {}, { messages: '${{ input.m }}' }, '/llm'],
    ['items', { forEach: [1] }, {}, '/forEach'],
    ['an input', { with: 1 }, {}, '/with'],
    ['a fallback agent', { fallback: 'x' }, {}, '/fallback'],
    ['items at once', { maxParallel: 2 }, {}, '/maxParallel'],
    ['what undoes it', { compensate: { tool: 'a/b' } }, {}, '/compensate'],
    ['an approval for what it may not call', {}, { tools: ['files/read'], approve: ['files/write'] }, '/llm/approve/0'],
    ['a schema that is none', {}, { output: { type: 'nonsense' } }, '/llm/output'],
  ])('is refused with %s', (_, step, llm, pointer) => {
    const fault = faultOf(() => compile({ a: { llm: { model: 'm', prompt: 'x', ...llm }, ...step } }));
    expect(fault.errors?.map((error) => error.pointer)).toEqual([`/spec/steps/a${pointer}`]);
  });

  test.each<[string, object]>([
    ['no model', { prompt: 'x' }],
    ['a tool without a server', { model: 'm', prompt: 'x', tools: ['read'] }],
    ['no turns', { model: 'm', prompt: 'x', limits: { turns: 0 } }],
    ['a limit that is not known', { model: 'm', prompt: 'x', limits: { money: 1 } }],
  ])('does not fit the schema with %s', (_, llm) => {
    expect(faultOf(() => checkManifest(manifest({ a: { llm } as StepManifest }))).code).toBe('invalid');
  });
});

test('what is wrong by the schema hides nothing that the compiler would say of the rest', () => {
  const step = (rest: object): object => ({ agent: 'x', ...rest });
  const fault = faultOf(() =>
    checkDefinition({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: 'w' },
      spec: {
        steps: { a: { agnet: 'x', needs: ['nobody'] }, b: step({ needs: ['a', 'c'] }), d: { value: '${{ 1 + }}' } },
        outputs: '${{ steps.e.output }}',
        retention: { succeeded: '10m', failed: '9000d' },
        timeout: 'never',
      },
    }),
  );
  expect(fault.errors?.map(({ pointer }) => pointer)).toEqual([
    '/spec/steps/a/agnet',
    '/spec/timeout',
    '/spec/retention/succeeded',
    '/spec/steps/b/needs/1',
    '/spec/steps/d/value',
    '/spec/outputs',
  ]);
  const kept = (retention: object): unknown =>
    faultOf(() =>
      checkDefinition({
        apiVersion: 'signalbox.dev/v1',
        kind: 'Workflow',
        metadata: { name: 'w' },
        spec: { steps: { a: { value: 1 } }, retention },
      }),
    ).errors;
  expect(kept({ failed: '9000d' })).toEqual([{ pointer: '/spec/retention/failed', detail: 'must be from 1h to 3650d' }]);
  expect(kept({ succeeded: '0h' })).toEqual([{ pointer: '/spec/retention/succeeded', detail: 'must be from 1h to 3650d' }]);
});

describe('items, turns and who does them', () => {
  const team = { agents: ['writer', 'critic'], agent: '${{ index % 2 == 0 ? "writer" : "critic" }}' };

  test('compile to what the core does', () => {
    const plan = { items: '${{ input.plan }}', max: 2, schema: { type: 'object' }, key: '${{ item.id }}', needs: '${{ item.after }}' };
    const graph = compile({
      draft: { ...team, repeat: { until: '${{ last.isGood }}', noProgress: { turns: 2, of: '${{ last.text }}' } }, with: '${{ turns }}' },
      poll: { tool: 'a/b', repeat: { maxTurns: 3 } },
      carry: { ...team, agent: '${{ item.agent }}', forEach: plan, with: '${{ results }}' },
      check: { agent: 'critic', forEach: { items: '${{ steps.carry.output }}', stream: true }, with: '${{ item }}' },
      tell: { agent: 'critic', forEach: { items: '${{ steps["draft"].output.turns }}', stream: true }, with: '${{ item }}' },
    });
    const [draft, poll, carry, check, tell] = graph.steps;
    expect(draft).toMatchObject({ target: '', chooses: { agents: ['writer', 'critic'] }, repeat: { maxTurns: 10, onLimit: 'fail' } });
    expect(draft?.repeat?.noProgress).toMatchObject({ turns: 2, similarity: 1 });
    expect(poll?.repeat).toEqual({ maxTurns: 3, onLimit: 'fail' });
    expect([check?.stream, tell?.stream, check?.needs]).toEqual([2, 0, [2]]);
    const scope = { input: { plan: [{}, {}, {}] }, steps: {}, run: { id: '', workflow: '', startedAt: '' } };
    expect(() => carry?.items?.(scope)).toThrow('forEach gives 3 items, max is 2');
    expect(() => carry?.items?.({ ...scope, input: { plan: [{}, 1] } })).toThrow('item 1 does not fit schema');
    expect(draft?.repeat?.until?.({ ...scope, last: { isGood: true } })).toBe(true);
    expect(() => draft?.repeat?.until?.({ ...scope, last: { isGood: 1 } })).toThrow('until must give true or false, not number');
  });

  test.each<[string, Record<string, StepManifest>, string]>([
    ['an agent that is chosen of nobody', { a: { agent: '${{ input.who }}' } }, '/a/agent'],
    ['agents of which none is chosen', { a: { agent: 'x', agents: ['x', 'y'] } }, '/a/agents'],
    ['turns of items', { a: { agent: 'x', repeat: {}, forEach: [1] } }, '/a/forEach'],
    ['turns of a conversation', { a: { llm: { model: 'm', prompt: 'x' }, repeat: {} } }, '/a/llm'],
    ['turns that are undone', { a: { agent: 'x', repeat: {}, compensate: { agent: 'y' } } }, '/a/compensate'],
    ['what a turn sees elsewhere', { a: { agent: 'x', with: '${{ last }}' } }, '/a/with'],
    ['an item in a turn', { a: { agent: 'x', repeat: { until: '${{ item }}' } } }, '/a/repeat/until'],
    ['results of items that need none', { a: { agent: 'x', forEach: [1], with: '${{ results }}' } }, '/a/with'],
    [
      'results in whom an item is of',
      { a: { ...team, agent: '${{ results.a }}', forEach: { items: [], key: 'item', needs: '[]' } } },
      '/a/agent',
    ],
    ['a key without needs', { a: { agent: 'x', forEach: { items: [1], key: 'item' } } }, '/a/forEach'],
    ['a schema that is none', { a: { agent: 'x', forEach: { items: [1], schema: { type: 'nonsense' } } } }, '/a/forEach/schema'],
    [
      'items that need each other and are undone',
      { a: { agent: 'x', forEach: { items: [], key: 'item', needs: '[]' }, compensate: { agent: 'y' } } },
      '/a/compensate',
    ],
    ['a stream of something computed', { a: { agent: 'x', forEach: { items: '${{ input.x }}', stream: true } } }, '/a/forEach/items'],
    ['a stream with a bound', { a: { agent: 'x', forEach: { items: '${{ steps.a.output }}', stream: true, max: 3 } } }, '/a/forEach/max'],
    [
      'a stream of no items',
      { a: { agent: 'x' }, b: { agent: 'x', forEach: { items: '${{ steps.a.output }}', stream: true } } },
      '/b/forEach/items',
    ],
    [
      'a stream of turns as items',
      { a: { agent: 'x', repeat: {} }, b: { agent: 'x', forEach: { items: '${{ steps.a.output }}', stream: true } } },
      '/b/forEach/items',
    ],
    [
      'a list that is not whole yet',
      {
        a: { agent: 'x', forEach: [1] },
        b: { agent: 'x', forEach: { items: '${{ steps.a.output }}', stream: true }, with: '${{ steps.a.output }}' },
      },
      '/b/with',
    ],
  ])('are refused with %s', (_, steps, pointer) => {
    expect(faultOf(() => compile(steps)).errors?.map((error) => error.pointer)).toEqual([`/spec/steps${pointer}`]);
  });

  test('of finally cannot stream what has ended', () => {
    const finish = { b: { agent: 'x', forEach: { items: '${{ steps.a.output }}', stream: true } } };
    expect(faultOf(() => compile({ a: { agent: 'x', forEach: [1] } }, { finally: finish })).detail).toContain('has ended by then');
  });

  test.each<[string, object]>([
    ['an agent that is text and expression', { agent: 'team-${{ input.x }}', agents: ['a'] }],
    ['no turns', { agent: 'x', repeat: { maxTurns: 0 } }],
    ['a field of turns that is not known', { agent: 'x', repeat: { max: 3 } }],
    ['no items', { agent: 'x', forEach: { stream: true } }],
    ['a reminder of no deadline', { approval: { message: 'Go?', remind: ['1h'] } }],
  ])('do not fit the schema with %s', (_, step) => {
    expect(faultOf(() => checkManifest(manifest({ a: step as StepManifest }))).code).toBe('invalid');
  });
});
