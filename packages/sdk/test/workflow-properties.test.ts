import { expect, test } from '@jest/globals';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { restore } from '@signalbox/workflow/core/restore.js';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import type { StepManifest } from '@signalbox/workflow/language/manifest.js';
import { readSource } from '@signalbox/workflow/language/read-source.js';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { play } from '../src/cli/local/world.ts';
import type { Reply } from '../src/cli/local/world.ts';

/** Any JSON that a file can hold: no NUL, and nothing that only looks like an expression. */
const json = fc
  .jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })
  .filter((value) => !/\$\{\{|\\u0000|__proto__/.test(JSON.stringify(value)))
  // YAML knows a negative zero, JSON does not.
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const duration = fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom('500ms', '30s', '10m', '2h', '1d'));
const retry = fc.record(
  {
    attempts: fc.integer({ min: 1, max: 4 }),
    backoff: fc.record({ initialMs: fc.nat(1_000), factor: fc.integer({ min: 1, max: 3 }), maxMs: fc.nat(60_000) }, { requiredKeys: [] }),
    nonRetryable: fc.uniqueArray(fc.constantFrom('invalid', 'timeout', 'unavailable')),
  },
  { requiredKeys: ['attempts'] },
);

/** A step of any kind, which may look at the steps before it. */
function stepAfter(before: readonly string[]): fc.Arbitrary<StepManifest> {
  const texts = ['text', '${{ input }}', '${{ size(string(run.id)) }}', ...before.map((key) => `\${{ steps.${key}.output }}`)];
  const value = fc.oneof(json, fc.constantFrom(...texts), fc.record({ deep: fc.constantFrom(...texts) })) as fc.Arbitrary<never>;
  const conditions = [
    true,
    false,
    ...before.flatMap((key) => [`\${{ steps.${key}.status == "succeeded" }}`, `size(steps.${key}.errors) == 0`]),
  ];
  const kind: fc.Arbitrary<StepManifest>[] = [
    fc.record({ agent: fc.constantFrom('one', 'two'), with: value }),
    fc.record({ agent: fc.constant('one'), fallback: fc.constant('spare'), retry }),
    fc.record({ tool: fc.constant('files/read'), with: value, retry, timeout: duration }),
    fc.record({ workflow: fc.constantFrom('self', 'other'), with: value }),
    fc.record({ artifact: fc.record({ name: fc.constant('a.md'), content: value }) }),
    fc.record({ value }),
    fc.record({ llm: fc.record({ model: fc.constant('m-1'), prompt: value, tools: fc.constantFrom(['files/read'], []) }), retry }),
    fc.record({
      wait: fc.oneof(
        duration,
        fc.record({ signal: fc.constantFrom('go', 'never') }),
        fc.record({ signal: fc.constant('go'), timeout: duration }),
      ),
    }),
  ];
  const rest = fc.record(
    {
      needs: fc.subarray([...before]),
      if: fc.constantFrom(...conditions),
      forEach: fc.oneof(fc.array(json, { maxLength: 4 }), fc.constantFrom('${{ [1, 2, 3] }}', '${{ input }}')) as fc.Arbitrary<never>,
      maxParallel: fc.integer({ min: 1, max: 3 }),
      repeat: fc.record(
        {
          maxTurns: fc.integer({ min: 1, max: 4 }),
          until: fc.constantFrom('${{ index > 1 }}', 'last == null', 'size(turns) > 2'),
          noProgress: fc.constantFrom(false as const, { turns: 2, similarity: 0.9 }, { turns: 2, of: '${{ string(index) }}' }),
          onLimit: fc.constantFrom('fail' as const, 'continue' as const),
        },
        { requiredKeys: [] },
      ),
      onError: fc.constantFrom('fail' as const, 'continue' as const),
      label: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    },
    { requiredKeys: [] },
  );
  return fc.tuple(fc.oneof(...kind), rest).map(([step, { forEach, maxParallel, repeat, ...more }]) => {
    // A conversation has no items of its own, and what has items has no turns.
    const items = step.llm === undefined && {
      ...(forEach !== undefined && { forEach }),
      ...(forEach === undefined && repeat !== undefined && { repeat }),
      ...(maxParallel !== undefined && repeat === undefined && { maxParallel }),
    };
    return { ...step, ...more, ...items };
  });
}

/** The step with its items from the nearest before it that has some, where it has any and looks at nothing else of that one. */
function streaming(step: StepManifest, before: readonly StepManifest[], keys: readonly string[]): StepManifest {
  if (step.forEach !== '${{ [1, 2, 3] }}') return step;
  const from = before.findLastIndex(({ forEach, repeat }) => (forEach ?? repeat) !== undefined);
  const key = keys[from];
  if (key === undefined || JSON.stringify(step).includes(`steps.${key}.`)) return step;
  const turns = before[from]?.repeat === undefined ? '' : '.turns';
  return { ...step, forEach: { items: `\${{ steps.${key}.output${turns} }}`, stream: true } };
}

const manifests = fc
  .integer({ min: 1, max: 6 })
  .chain((count) => {
    const keys = Array.from({ length: count }, (_, index) => `s${index}`);
    return fc
      .tuple(...keys.map((_, index) => stepAfter(keys.slice(0, index))))
      .map((steps) => steps.map((step, index) => [keys[index], streaming(step, steps.slice(0, index), keys)] as const));
  })
  .chain((steps) =>
    fc.record({
      apiVersion: fc.constant('signalbox.dev/v1'),
      kind: fc.constant('Workflow'),
      metadata: fc.constant({ name: 'self' }),
      spec: fc.record(
        { steps: fc.constant(Object.fromEntries(steps)), outputs: json, timeout: fc.constantFrom('1h', '3d') },
        { requiredKeys: ['steps'] },
      ),
    }),
  );

test('a workflow that is printed and read again is the same', () => {
  fc.assert(
    fc.property(manifests, fc.constantFrom(1, 2, 4), fc.integer({ min: 20, max: 200 }), (manifest, indent, lineWidth) => {
      const once = readSource(stringify(manifest, { indent, lineWidth })).value;
      expect(once).toEqual(JSON.parse(JSON.stringify(manifest)));
      const { definition } = checkDefinition(once);
      const again = readSource(stringify(definition.manifest, { defaultStringType: 'QUOTE_DOUBLE' })).value;
      expect(checkDefinition(again).definition).toEqual(definition);
    }),
    { numRuns: 300 },
  );
});

const reply: fc.Arbitrary<Reply> = fc.record(
  {
    output: json as fc.Arbitrary<never>,
    error: fc.record({
      code: fc.constantFrom('invalid', 'unavailable', 'timeout', 'limited', 'internal', 'not_found'),
      detail: fc.string(),
    }),
    afterMs: fc.oneof(fc.nat(1_000), fc.nat(1_200_000)),
  },
  { requiredKeys: [] },
);

test('every valid workflow ends, whatever its steps give, and its journal alone gives the same end', async () => {
  await fc.assert(
    fc.asyncProperty(
      manifests,
      fc.infiniteStream(reply),
      fc.array(fc.record({ name: fc.constant('go'), afterMs: fc.nat(100_000), data: json as fc.Arbitrary<never> }), { maxLength: 3 }),
      fc.option(fc.nat(200_000), { nil: undefined, freq: 5 }),
      fc.integer(),
      async (manifest, replies, signals, cancelAfterMs, seed) => {
        const { graph } = checkDefinition(manifest);
        const journal: Transition[] = [];
        let children = 0;
        const script = { input: [1, 'two'], startAt: 1_000, signals, seed, ...(cancelAfterMs !== undefined && { cancelAfterMs }) };
        const state = await play(graph, script, {
          reply: () => replies.next().value as Reply,
          // One of the two child workflows is this one again: what starts itself would end by its depth, here it does after 30 runs.
          child: (name) => (name === 'self' && children++ < 30 ? graph : undefined),
          seen: (run, transition) => {
            if (run.parent === undefined) journal.push(structuredClone(transition));
          },
        });
        expect(['succeeded', 'failed', 'cancelled']).toContain(state.status);
        expect(journal.filter(({ t }) => t === 'ended')).toHaveLength(1);
        expect(journal.at(-1)?.t).toBe('ended');
        expect((state.endedAt ?? Infinity) - state.startedAt).toBeLessThanOrEqual(graph.timeoutMs);
        const again = restore(state.run, graph, journal);
        expect([again.status, again.output, again.error]).toEqual([state.status, state.output, state.error]);
        expect(again.steps.map(({ status }) => status)).toEqual(state.steps.map(({ status }) => status));
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
