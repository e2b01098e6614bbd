import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, ended } from '../processes.ts';
import { StackFault } from '../stack-fault.ts';
import type { Part, RunningPart } from './supervised.ts';

export interface ServiceOptions {
  name: string;
  /** Of the app: where it runs. */
  folder: string;
  /** The file to run. */
  main: string;
  env: Record<string, string>;
  /** Of its health pages, on loopback. */
  managementPort: number;
  write: (text: string) => void;
}

const nodeFlags = ['--import', new URL('end-with-launcher.js', import.meta.url).href];
/** Small young generations: a service that waits for messages has little garbage, and 10 MB less memory each. Who runs steps has much. */
const semiSpaceMb = (service: string): number => (service.startsWith('execution') ? 16 : 4);
const readyTimeoutMs = 60_000;
const stopGraceMs = 12_000;
/** Asked more often, seven services that start would wait for us. */
const pollMs = 100;
/** The end of what a service said, for the sentence about why it did not start. */
const tailMax = 4_000;

/** A service as a part of the stack: ready when its `/readyz` says so. */
export function servicePart(options: ServiceOptions): Part {
  return { name: options.name, start: (signal) => startService(options, signal) };
}

async function startService(options: ServiceOptions, signal: AbortSignal): Promise<RunningPart> {
  const { name, folder, main, env, managementPort, write } = options;
  let tail = '';
  const child = spawn(process.execPath, [`--max-semi-space-size=${semiSpaceMb(name)}`, ...nodeFlags, main], {
    cwd: folder,
    env: { ...env, MANAGEMENT_PORT: String(managementPort), SIGNALBOX_SERVICE: name },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true, // Ctrl-C in the terminal is for the launcher, which stops all in order
  });
  child.on('error', (error) => (tail += error.message));
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      tail = (tail + text).slice(-tailMax);
      write(text);
    });
  }
  const exited = ended(child);
  try {
    await untilReady(child, options, signal);
  } catch (error) {
    child.kill('SIGKILL');
    throw new StackFault(`${name} ${(error as Error).message}${said(tail)}`, `Look into its log, then start again.`);
  }
  return {
    pid: child.pid!,
    exited: exited.then(({ code, signal }) => (signal ? `was ended by ${signal}` : `ended with code ${code}`)),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) await endProcess(child.pid!, ['SIGTERM'], stopGraceMs);
    },
  };
}

async function untilReady(child: ChildProcess, { managementPort }: ServiceOptions, signal: AbortSignal): Promise<void> {
  let last = 'it did not answer';
  for (const end = performance.now() + readyTimeoutMs; performance.now() < end; await sleep(pollMs)) {
    if (signal.aborted) throw new Error('was stopped while it started.');
    if (child.pid === undefined) throw new Error('could not be started.');
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`ended at its start (${child.signalCode ?? `code ${child.exitCode}`}).`);
    const response = await fetch(`http://127.0.0.1:${managementPort}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
    if (response?.ok) return;
    if (response) last = await response.text();
  }
  throw new Error(`was not ready within ${readyTimeoutMs / 1000} s (${last}).`);
}

/** The last lines that a service said, as sentences where they are its JSON logs. */
function said(tail: string): string {
  const lines = tail
    .trim()
    .split('\n')
    .slice(-5)
    .map((line) => {
      try {
        const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
        return `  ${msg ?? line}${err?.message ? `: ${err.message}` : ''}`;
      } catch {
        return `  ${line}`;
      }
    });
  return tail.trim() ? ` It said:\n${lines.join('\n')}` : '';
}
