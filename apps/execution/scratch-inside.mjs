import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { Journal } from './dist/journal/journal.js';
import { Owner } from './dist/shards/owner.js';
import { Alarm } from './dist/timers/alarm.js';
import { newRunUuid } from './dist/journal/identifiers.js';
import { compileWorkflow } from './dist/workflows/compile.js';
import { randomUUID } from 'node:crypto';
const db = await TestDatabase.create('execution');
await db.migrate(await loadMigrations(new URL('./dist/migrations', import.meta.url).pathname));
const owner0 = randomUUID();
const journal = new Journal(db.url('system'), () => `${owner0}:1`);
const alarm = new Alarm(() => true);
const owner = new Owner(journal, alarm);
const ws = '01900000-0000-7000-8000-000000000001';
owner.connect({ dispatch: (run, e) => { owner.feed(run, { type: 'completed', s: e.s, i: e.i, n: e.n, output: e.s }); }, attemptEnded() {}, startChild() {}, published() {}, eventsOf: () => [], reload() {} });
const seqGraph = (n) => compileWorkflow({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'seq' }, spec: { steps: Object.fromEntries(Array.from({ length: n }, (_, i) => [`s${i}`, { agent: 'a', ...(i ? { needs: [`s${i - 1}`] } : {}), with: { n: i } }])), outputs: { n: n } } }, 'h' + n);
const fanGraph = (w) => compileWorkflow({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'fan' }, spec: { steps: { map: { forEach: Array.from({ length: w }, (_, i) => i), agent: 'a', with: '${{ item }}' } }, outputs: '${{ size(steps.map.output) }}' } }, 'f' + w);
const g = { 3: seqGraph(3), 10: seqGraph(10), f100: fanGraph(100), f1000: fanGraph(1000) };
async function run(graph) { const id = newRunUuid(Date.now()); let done; const ended = new Promise((r) => (done = r)); 
  await owner.start(id, graph, { workspace: ws, workflow: 'seq', definition: 'h', shard: 1, labels: {}, principal: 'p', principalName: 'p', grant: 'g', parent: null, timeoutMs: 86400000, createdAt: new Date() }, { type: 'start', input: {}, depth: 0 });
  await owner.untilEnded(id, new AbortController().signal); }
const p = (a, q) => a.sort((x, y) => x - y)[Math.floor(a.length * q)];
async function lat(graph, n) { const t = []; for (let i = 0; i < n; i++) { const s = performance.now(); await run(graph); t.push(performance.now() - s); } return `p50 ${p(t, .5).toFixed(2)} p95 ${p(t, .95).toFixed(2)}`; }
for (let i = 0; i < 100; i++) await run(g[3]);
console.log('3 steps', await lat(g[3], 200)); console.log('10 steps', await lat(g[10], 100));
let s = performance.now(); await Promise.all(Array.from({ length: 200 }, () => run(g[3]))); console.log('200x3 runs/s', 200 / (performance.now() - s) * 1000);
async function thru() { let left = 1000; s = performance.now(); const c0 = process.cpuUsage(); await Promise.all(Array.from({ length: 100 }, async () => { while (left-- > 0) await run(g[10]); })); const el = performance.now() - s; const c = process.cpuUsage(c0); console.log('1000x10 steps/s', Math.round(10000 / el * 1000), 'cpu ms/step', ((c.user + c.system) / 1e3 / 10000).toFixed(4)); }
await thru(); await thru();
console.log('fan100', await lat(g.f100, 10)); console.log('fan1000', await lat(g.f1000, 10));
await journal.stop(); alarm.stop(); owner.dropAll(new Error('x')); await db[Symbol.asyncDispose](); process.exit(0);
