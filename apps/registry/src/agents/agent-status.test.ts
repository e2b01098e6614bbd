import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { agentKinds } from '@signalbox/shared/contracts/registry/agent.js';
import { healthOf, type HealthFacts } from './agent-status.ts';

const nothing = { live: 0, lost: 0, wanted: 0 };
const worker = (facts: Partial<HealthFacts>): unknown => healthOf({ kind: 'worker', ...nothing, ...facts });
const mcp = (status: string, reason?: string): unknown =>
  healthOf({ kind: 'mcp', ...nothing, server: { name: 'files', status, ...(reason !== undefined && { reason }) } });

describe('the status of an agent', () => {
  test('of kind worker follows its instances', () => {
    expect(worker({})).toEqual({ status: 'idle', reason: 'no instance is there' });
    expect(worker({ wanted: 1 })).toEqual({ status: 'idle', reason: 'its first instance is awaited' });
    expect(worker({ live: 2, wanted: 2 })).toEqual({ status: 'healthy' });
    expect(worker({ live: 1, wanted: 2 })).toEqual({ status: 'degraded', reason: '1 of 2 instances is there' });
    expect(worker({ live: 2, wanted: 3 })).toEqual({ status: 'degraded', reason: '2 of 3 instances are there' });
    expect(worker({ lost: 1 })).toEqual({ status: 'failed', reason: 'no instance is left: 1 instance was lost' });
    expect(worker({ lost: 2 })).toEqual({ status: 'failed', reason: 'no instance is left: 2 instances were lost' });
    expect(worker({ live: 1, lost: 3 })).toEqual({ status: 'healthy' });
  });

  test('of kind worker says when its runner has given up', () => {
    expect(worker({ wanted: 1, runnerFailure: 'it ended 6 times within 9 s' })).toEqual({
      status: 'failed',
      reason: 'it ended 6 times within 9 s',
    });
    expect(worker({ live: 1, wanted: 2, runnerFailure: 'it ended' })).toEqual({ status: 'degraded', reason: 'it ended' });
  });

  test('of kind mcp follows its server', () => {
    expect(healthOf({ kind: 'mcp', ...nothing })).toEqual({ status: 'unknown', reason: 'its MCP server has not been heard of' });
    expect(mcp('ready')).toEqual({ status: 'healthy' });
    expect(mcp('starting')).toEqual({ status: 'unknown', reason: 'its MCP server files is starting' });
    expect(mcp('stopped')).toEqual({ status: 'idle', reason: 'its MCP server files is stopped' });
    expect(mcp('failed', 'exits at once')).toEqual({ status: 'failed', reason: 'its MCP server files is failed: exits at once' });
    expect(mcp('degraded')).toEqual({ status: 'degraded', reason: 'its MCP server files is degraded' });
  });

  test('of kinds that are called follows their probe, else their calls', () => {
    for (const kind of ['llm', 'http'] as const) {
      expect(healthOf({ kind, ...nothing })).toEqual({ status: 'unknown', reason: 'it has not been called yet' });
      expect(healthOf({ kind, ...nothing, breaker: 'closed' })).toEqual({ status: 'healthy' });
      expect(healthOf({ kind, ...nothing, probe: { isWell: true, note: 'x' } })).toEqual({ status: 'healthy' });
      expect(healthOf({ kind, ...nothing, probe: { isWell: false, note: 'no such model' } })).toEqual({
        status: 'failed',
        reason: 'no such model',
      });
      expect(healthOf({ kind, ...nothing, probe: { isWell: false } })).toEqual({ status: 'failed', reason: 'its last probe failed' });
    }
  });

  test('of every kind is never better than its circuit breaker says', () => {
    for (const kind of agentKinds) {
      expect(healthOf({ kind, ...nothing, live: 1, breaker: 'open' }).status).toBe('failed');
      expect(healthOf({ kind, ...nothing, live: 1, breaker: 'half-open' }).status).toBe('degraded');
    }
    expect(worker({ lost: 1, breaker: 'half-open' })).toMatchObject({ status: 'failed' });
  });
});
