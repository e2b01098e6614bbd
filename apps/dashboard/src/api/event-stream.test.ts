import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventStream, type StreamOptions, type StreamState } from './event-stream.ts';

let server: Server;
let url: string;
let asked: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let stream: EventStream | null = null;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
});

afterEach(async () => {
  stream?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(more: Partial<StreamOptions> = {}): { events: string[]; states: StreamState['kind'][]; gaps: () => number } {
  const events: string[] = [];
  const states: StreamState['kind'][] = [];
  let gaps = 0;
  stream = new EventStream({
    url,
    onEvent: ({ id, event, data }) => events.push(`${id} ${event} ${data}`),
    onState: ({ kind }) => states.push(kind),
    onGap: () => (gaps += 1),
    ...more,
  });
  return { events, states, gaps: () => gaps };
}

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 8_000;
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not become so');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('events arrive, and a broken connection resumes behind the last of them', async () => {
  answer = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (request.headers['last-event-id'] === '2') response.write('id: 3\nevent: run.changed\ndata: c\n\n');
    else response.end('retry: 20\n\nid: 1\nevent: run.changed\ndata: a\n\nid: 2\nevent: run.changed\ndata: b\n\n');
  };
  const seen = open();
  await until(() => seen.events.length === 3);
  expect(seen.events).toEqual(['1 run.changed a', '2 run.changed b', '3 run.changed c']);
  expect(seen.states).toEqual(['live']);
  expect(seen.gaps()).toBe(1);
});

test('an id that the server no longer knows makes a fresh start, which is told as a gap', async () => {
  answer = (request, response) => {
    if (request.headers['last-event-id'] !== undefined) return response.writeHead(400).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: fresh\n\n');
  };
  const seen = open({ lastEventId: 'gone' });
  await until(() => seen.events.length === 1);
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual(['gone', undefined]);
  expect(seen.gaps()).toBe(1);
});

test('silence makes it stale, and a heartbeat alone keeps it live', async () => {
  let isQuiet = false;
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const beat = setInterval(() => !isQuiet && response.write(': here\n\n'), 20);
    response.on('close', () => clearInterval(beat));
  };
  const seen = open({ staleAfterMs: 1_500 });
  await new Promise((resolve) => setTimeout(resolve, 2_600));
  expect(seen.states).toEqual(['live']);
  isQuiet = true;
  await until(() => seen.states.includes('stale'));
  isQuiet = false;
  stream?.retryNow();
  await until(() => seen.states.at(-1) === 'live');
  expect(asked.length).toBeGreaterThan(1);
});

test('time in which the page stood still does not count as silence', async () => {
  let now = 0;
  answer = (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
  const seen = open({ now: () => now });
  await until(() => seen.states.length === 1);
  now += 600_000;
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  expect(seen.states).toEqual(['live']);
});

test('being signed out ends it, and is told', async () => {
  let isSignedOut = false;
  answer = (_, response) => response.writeHead(401).end();
  const seen = open({ onSignedOut: () => (isSignedOut = true) });
  await until(() => isSignedOut);
  expect(seen.states).toEqual(['closed']);
});

test('a stream that has nothing more to say is not asked again', async () => {
  answer = (_, response) => response.writeHead(204).end();
  const seen = open();
  await until(() => seen.states.includes('closed'));
  expect(asked).toHaveLength(1);
});

test('a refusal for the moment is tried again', async () => {
  answer = (_, response) =>
    asked.length < 2
      ? response.writeHead(503).end()
      : response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n');
  const seen = open();
  await until(() => seen.events.length === 1);
  expect(asked).toHaveLength(2);
});

test('a paused stream lets go of its connection and resumes where it was', async () => {
  answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(asked.length === 1 ? 'id: 7\ndata: a\n\n' : ': here\n\n');
  const seen = open();
  await until(() => seen.events.length === 1);
  stream?.pause();
  await until(() => asked[0]!.destroyed || asked[0]!.closed);
  stream?.retryNow();
  expect(asked).toHaveLength(1);
  stream?.resume();
  await until(() => asked.length === 2);
  expect(asked[1]!.headers['last-event-id']).toBe('7');
});

test('after it was closed nothing starts it again', async () => {
  answer = (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
  const seen = open();
  await until(() => seen.states.includes('live'));
  stream?.close();
  stream?.resume();
  stream?.pause();
  stream?.retryNow();
  expect(seen.states).toEqual(['live', 'closed']);
  expect(asked).toHaveLength(1);
});
