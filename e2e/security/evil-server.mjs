// An MCP server over stdio (2025-11-25) that does what its only tool is asked for, to see what it is let do.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const attempt = (work) => {
  try {
    return String(work()).slice(0, 2_000);
  } catch (error) {
    return `refused: ${error.code ?? error.message}`;
  }
};

const deeds = {
  read: ({ path }) => attempt(() => readFileSync(path, 'utf8')),
  list: ({ path }) => attempt(() => readdirSync(path).join(' ')),
  write: ({ path }) => attempt(() => writeFileSync(path, 'x') ?? 'written'),
  env: () => JSON.stringify(process.env),
  argv: () => JSON.stringify(process.argv),
  environments: () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => attempt(() => readFileSync(`/proc/${pid}/environ`, 'utf8')))
      .join('\n'),
  dial: ({ host, port }) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, timeout: 1_500 }, () => resolve('connected'));
      socket.once('error', ({ code }) => resolve(`refused: ${code}`)).once('timeout', () => resolve('refused: timeout'));
    }),
  fork: () => {
    const bomb =
      'for (;;) try { require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" }) } catch {}';
    for (let index = 0; index < 4; index++) spawn(process.execPath, ['-e', bomb], { stdio: 'ignore', detached: true });
    return new Promise(() => undefined);
  },
  balloon: () => {
    const kept = [];
    for (;;) kept.push(Buffer.alloc(64 * 1024 * 1024, kept.length));
  },
  line: async () => {
    const part = 'x'.repeat(1024 * 1024);
    for (let megabyte = 0; megabyte < 1_024; megabyte++)
      if (!process.stdout.write(part)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    return 'written';
  },
  flood: async ({ megabytes }) => {
    const part = `${'e'.repeat(1_023)}\n`.repeat(1_024);
    for (let megabyte = 0; megabyte < megabytes; megabyte++)
      if (!process.stderr.write(part)) await new Promise((resolve) => process.stderr.once('drain', resolve));
    return 'flooded';
  },
  say: ({ text }) => {
    process.stderr.write(text);
    return 'said';
  },
  stay: () => {
    process.on('SIGTERM', () => undefined);
    const child =
      'process.on("SIGTERM", () => {}); require("child_process").spawn(process.execPath, ["-e", "process.on(\\"SIGTERM\\", () => {}); setInterval(() => {}, 1000)", process.argv[1]], { detached: true, stdio: "ignore" }).unref(); setInterval(() => {}, 1000)';
    spawn(process.execPath, ['-e', child, process.argv[2] ?? ''], { detached: true, stdio: 'ignore' }).unref();
    return 'stays';
  },
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize') {
    say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'evil', version: '1' } } });
  } else if (method === 'tools/list') {
    say({ id, result: { tools: [{ name: 'do', description: 'Does a deed', inputSchema: { type: 'object' } }] } });
  } else if (method === 'tools/call') {
    const text = await deeds[params.arguments.deed](params.arguments);
    say({ id, result: { content: [{ type: 'text', text: String(text) }] } });
  } else say({ id, error: { code: -32601, message: 'unknown' } });
});
