import { expect, test } from '@jest/globals';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import { readSource } from '@signalbox/workflow/language/read-source.js';
import { stringify } from 'yaml';
import { cel } from '../src/workflow/reference.ts';
import { workflow } from '../src/workflow/workflow.ts';

/** Printed as YAML, read, checked and compiled as the service does it. */
function hashOf(source: string): string {
  return checkDefinition(readSource(source).value).definition.hash;
}

test('a workflow that is built is the same document as its YAML', () => {
  const built = workflow<{ folder: string; deep: { 'with-dash': number[] } }>(
    'review',
    (w) => {
      const list = w.tool<{ text: string }>('list', 'files/list_directory', { path: w.input.folder });
      const read = w.each(
        cel<string[]>`${list.output.text}.split("\n")`,
        (name, number) =>
          w.agent<string>(
            'read',
            'reader',
            { name, number },
            {
              skill: 'read',
              retry: { attempts: 3 },
              timeout: '2m',
              onError: 'continue',
              limits: { reader: { key: w.input.folder, concurrency: 2 } },
              priority: 2,
            },
          ),
        { maxParallel: 4 },
      );
      const first = w.value('first', [w.input.deep['with-dash'][0], cel<number>`size(${read.errors}) + ${1}`]);
      const write = w.agent<string>(
        'write',
        'writer',
        { notes: read.output },
        { if: cel<boolean>`size(${read.output}) > 0`, fallback: 'template-writer' },
      );
      const approved = w.wait<{ by: string }>('approved', { signal: 'approved', timeout: '2d' }, { needs: [write, first] });
      const asked = w.approval<{ percent: number }>(
        'ask',
        {
          message: `Send ${write.output}?`,
          by: { roles: ['admin'], principals: [approved.output.by] },
          form: { type: 'object' },
          deadline: '2d',
          onReject: 'continue',
          escalate: [{ after: '1d', by: { principals: ['bob'] } }],
          remind: ['4h'],
        },
        { notes: read.output },
      );
      w.approval('go', 'Go on?', undefined, { if: cel<boolean>`${asked.output.data.percent} > 10` });
      w.wait('pause', { until: w.run.startedAt });
      const sub = w.workflow<number>('sub', 'other', w.input);
      const kept = w.artifact('keep', { name: 'summary.md', content: `By ${approved.output.by}: ${write.output}` }, { label: 'Keep it' });
      const board = w.readState<string[]>('board', { scope: 'workspace', key: 'board' });
      w.writeState('noted', { scope: 'workspace', key: 'board', set: [write.output], version: board.output.version });
      return { summary: write.output, id: kept.output.id, sub: sub.output, status: write.status };
    },
    {
      description: 'Reads and writes.',
      labels: { team: 'docs' },
      input: { type: 'object' },
      timeout: '3d',
      limits: (start) => ({ folder: { key: cel`${start.input.folder} + ${start.labels['tier']}`, concurrency: 1 } }),
      onLimit: 'refuse',
    },
  );
  const written = `
apiVersion: signalbox.dev/v1
kind: Workflow
metadata: { name: review, description: Reads and writes., labels: { team: docs } }
spec:
  input: { type: object }
  timeout: 3d
  limits: { folder: { key: '\${{ input.folder + labels.tier }}', concurrency: 1 } }
  onLimit: refuse
  steps:
    list: { tool: files/list_directory, with: { path: '\${{ input.folder }}' } }
    read:
      forEach: \${{ steps.list.output.text.split("\\n") }}
      maxParallel: 4
      agent: reader
      skill: read
      with: { name: '\${{ item }}', number: '\${{ index }}' }
      retry: { attempts: 3 }
      timeout: 2m
      onError: continue
      limits: { reader: { key: '\${{ input.folder }}', concurrency: 2 } }
      priority: 2
    first: { value: ['\${{ input.deep["with-dash"][0] }}', '\${{ size(steps.read.errors) + 1 }}'] }
    write:
      if: \${{ size(steps.read.output) > 0 }}
      agent: writer
      fallback: template-writer
      with: { notes: '\${{ steps.read.output }}' }
    approved: { needs: [write, first], wait: { signal: approved, timeout: 2d } }
    ask:
      approval:
        message: 'Send \${{ steps.write.output }}?'
        by: { roles: [admin], principals: ['\${{ steps.approved.output.by }}'] }
        form: { type: object }
        deadline: 2d
        onReject: continue
        escalate: [{ after: 1d, by: { principals: [bob] } }]
        remind: [4h]
      with: { notes: '\${{ steps.read.output }}' }
    go: { approval: Go on?, if: '\${{ steps.ask.output.data.percent > 10 }}' }
    pause: { wait: { until: '\${{ run.startedAt }}' } }
    sub: { workflow: other, with: '\${{ input }}' }
    keep: { label: Keep it, artifact: { name: summary.md, content: 'By \${{ steps.approved.output.by }}: \${{ steps.write.output }}' } }
    board: { state: { scope: workspace, key: board } }
    noted: { state: { scope: workspace, key: board, set: ['\${{ steps.write.output }}'], version: '\${{ steps.board.output.version }}' } }
  outputs:
    summary: \${{ steps.write.output }}
    id: \${{ steps.keep.output.id }}
    sub: \${{ steps.sub.output }}
    status: \${{ steps.write.status }}
`;
  expect(built).toEqual(readSource(written).value);
  expect(hashOf(stringify(built))).toBe(hashOf(written));
});

test('what undoes and tidies up is built too', () => {
  const built = workflow<{ guests: string[] }>(
    'trip',
    (w) => {
      const book = w.tool<{ id: string }>('book', 'hotel/book', {}, { timeouts: { queue: '1m', total: '1h' }, onCrash: 'ask' });
      w.compensate(book, { tool: 'hotel/cancel', with: { booking: book.output.id }, retry: { attempts: 3 } });
      w.each(
        w.input.guests,
        (guest) => {
          const pay = w.tool<{ id: string }>('pay', 'bank/charge', { guest });
          w.compensate(pay, { agent: 'bank', skill: 'refund', with: { charge: pay.output.id, guest } });
          return pay;
        },
        { maxFailures: '10%' },
      );
      w.finally((f, run) => {
        const report = f.agent('report', 'writer', { status: run.status, why: run.error, booked: book.status });
        f.value('told', report.status);
      });
    },
    { compensateOn: ['failed'], compensateTimeout: '5m', finallyTimeout: '1m' },
  );
  const written = `
apiVersion: signalbox.dev/v1
kind: Workflow
metadata: { name: trip }
spec:
  steps:
    book:
      tool: hotel/book
      with: {}
      timeouts: { queue: 1m, total: 1h }
      onCrash: ask
      compensate: { tool: hotel/cancel, with: { booking: '\${{ steps.book.output.id }}' }, retry: { attempts: 3 } }
    pay:
      forEach: \${{ input.guests }}
      maxFailures: 10%
      tool: bank/charge
      with: { guest: '\${{ item }}' }
      compensate: { agent: bank, skill: refund, with: { charge: '\${{ steps.pay.output.id }}', guest: '\${{ item }}' } }
  finally:
    report: { agent: writer, with: { status: '\${{ run.status }}', why: '\${{ run.error }}', booked: '\${{ steps.book.status }}' } }
    told: { value: '\${{ steps.report.status }}' }
  compensateOn: [failed]
  compensateTimeout: 5m
  finallyTimeout: 1m
`;
  expect(JSON.parse(JSON.stringify(built))).toEqual(readSource(written).value);
  expect(hashOf(stringify(built))).toBe(hashOf(written));
});

test('a reference prints as its expression, wherever it is put', () => {
  const built = workflow<Record<string, string>>('names', (w) => {
    const step = w.value('with-dash', { in: w.input['in'], odd: w.input['a b'], json: JSON.stringify({ at: w.input['x'] }) });
    return [cel`${step.output} == ${'text "quoted"'}`, `${step.status}`, null, undefined];
  });
  expect(built.spec).toEqual({
    steps: {
      'with-dash': { value: { in: '${{ input["in"] }}', odd: '${{ input["a b"] }}', json: '{"at":"${{ input.x }}"}' } },
    },
    outputs: ['${{ steps["with-dash"].output == "text \\"quoted\\"" }}', '${{ steps["with-dash"].status }}', null, undefined],
  });
  expect(() => checkDefinition(JSON.parse(JSON.stringify(built)))).not.toThrow();
});

test('types follow the references', () => {
  workflow<{ list: string[]; n: number }>('typed', (w) => {
    const step = w.each(w.input.list, (item) => w.value('lengths', { of: item, n: w.input.n }));
    // @ts-expect-error the input has no such field
    void w.input.missing;
    // @ts-expect-error the output is a list, of things that have no such field
    void step.output[0].missing;
    // @ts-expect-error no step has this option
    w.agent('typo', 'a', {}, { tiemout: '2m' });
    return step.output;
  });
});

test('two steps of one key, and items of items, are refused as they are built', () => {
  expect(() => workflow('twice', (w) => [w.value('a', 1), w.value('a', 2)])).toThrow(/two steps a/);
  expect(() => workflow('nested', (w) => w.each([1], () => w.each([2], () => w.value('a', 1))))).toThrow(/has items or turns already/);
});

test('a model that calls tools is built too', () => {
  const built = workflow<{ question: string }>('ask', (w) => {
    const research = w.llm<{ answer: string }>(
      'research',
      {
        model: 'gpt-5-mini',
        instructions: 'Be brief.',
        prompt: w.input.question,
        tools: ['files/read_text_file', { agent: 'reader', skill: 'read' }],
        output: { type: 'object' },
        limits: { turns: 5, costUsd: 0.5, time: '10m' },
      },
      { retry: { attempts: 2 } },
    );
    return { answer: research.output.answer };
  });
  const written = `
apiVersion: signalbox.dev/v1
kind: Workflow
metadata: { name: ask }
spec:
  steps:
    research:
      llm:
        model: gpt-5-mini
        instructions: Be brief.
        prompt: \${{ input.question }}
        tools: [files/read_text_file, { agent: reader, skill: read }]
        output: { type: object }
        limits: { turns: 5, costUsd: 0.5, time: 10m }
      retry: { attempts: 2 }
  outputs: { answer: '\${{ steps.research.output.answer }}' }
`;
  expect(built).toEqual(readSource(written).value);
  expect(hashOf(stringify(built))).toBe(hashOf(written));
});

test('items that need each other, streams and turns are the same document as their YAML', () => {
  interface Part {
    id: string;
    agent: string;
    dependsOn: string[];
  }
  const built = workflow<{ parts: Part[] }>('team', (w) => {
    const carry = w.each(
      w.input.parts,
      (part) => w.agent<string>('carry', part.agent, { part, results: cel`results` }, { agents: ['reader', 'writer'] }),
      { max: 20, schema: { type: 'object' }, key: (part) => part.id, needs: (part) => part.dependsOn },
    );
    w.each(carry.output, (done) => w.agent('check', 'critic', { done }), { stream: true, maxParallel: 2 });
    const talk = w.repeat<{ text: string; isGood: boolean }>(
      ({ turns, index }) =>
        w.agent('talk', cel<string>`${index} % 2 == 0 ? "writer" : "critic"`, { turns }, { agents: ['writer', 'critic'] }),
      { maxTurns: 6, until: ({ last }) => last.isGood, noProgress: { turns: 2, of: ({ last }) => last.text }, onLimit: 'continue' },
    );
    return { text: talk.output.last.text, end: talk.output.end };
  });
  const written = `
apiVersion: signalbox.dev/v1
kind: Workflow
metadata: { name: team }
spec:
  steps:
    carry:
      forEach: { items: '\${{ input.parts }}', max: 20, schema: { type: object }, key: '\${{ item.id }}', needs: '\${{ item.dependsOn }}' }
      agent: \${{ item.agent }}
      agents: [reader, writer]
      with: { part: '\${{ item }}', results: '\${{ results }}' }
    check:
      forEach: { items: '\${{ steps.carry.output }}', stream: true }
      maxParallel: 2
      agent: critic
      with: { done: '\${{ item }}' }
    talk:
      repeat:
        maxTurns: 6
        until: \${{ last.isGood }}
        noProgress: { turns: 2, of: '\${{ last.text }}' }
        onLimit: continue
      agent: '\${{ index % 2 == 0 ? "writer" : "critic" }}'
      agents: [writer, critic]
      with: { turns: '\${{ turns }}' }
  outputs: { text: '\${{ steps.talk.output.last.text }}', end: '\${{ steps.talk.output.end }}' }
`;
  expect(hashOf(stringify(built))).toBe(hashOf(written));
});
