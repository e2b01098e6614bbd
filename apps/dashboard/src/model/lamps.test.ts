import { expect, test } from '@jest/globals';
import { lampOf, serverLampOf, worstLamp } from './lamps.ts';

test('every status of the board has the shape, tone and word of the design', () => {
  expect(lampOf('done')).toEqual({ shape: 'tick', tone: 'clear', word: 'Done' });
  expect(lampOf('active')).toEqual({ shape: 'moving', tone: 'move', word: 'Active' });
  expect(lampOf('ready')).toEqual({ shape: 'play', tone: 'clear', word: 'Ready' });
  expect(lampOf('waiting')).toEqual({ shape: 'bars', tone: 'caution', word: 'Waiting' });
  expect(lampOf('parallel')).toEqual({ shape: 'lines', tone: 'dark', word: 'Parallel' });
  expect(lampOf('degraded')).toEqual({ shape: 'triangle', tone: 'caution', word: 'Degraded' });
  expect(lampOf('failed')).toEqual({ shape: 'cross', tone: 'stop', word: 'Failed' });
  expect(lampOf('isolated')).toEqual({ shape: 'broken', tone: 'stop', word: 'Isolated' });
});

test('a status that is not known is shown as itself, unlit', () => {
  expect(lampOf('half_asleep')).toEqual({ shape: 'lines', tone: 'dark', word: 'Half asleep' });
});

test('a ready MCP server is well and not something to start', () => {
  expect(serverLampOf('ready')).toEqual({ shape: 'tick', tone: 'clear', word: 'Ready' });
  expect(serverLampOf('failed').shape).toBe('cross');
});

test('the worst of several lamps is the one that hurts most', () => {
  expect(worstLamp([])).toBeNull();
  expect(worstLamp(['healthy', 'failed', 'running'].map(lampOf))?.word).toBe('Failed');
  expect(worstLamp(['healthy', 'degraded', 'idle'].map(lampOf))?.word).toBe('Degraded');
});
