import type { RunDetail, Step } from '@signalbox/sdk/client/runs.js';

/** Shapes of the REST interface that the typed client of `packages/sdk` has no operation for, and what JSON is. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What is known of an API key. */
export interface ApiKey {
  id: string;
  name: string;
  principal: string;
  principalName: string;
  /** Narrows the principal's roles; empty: it does not. */
  scopes: string[];
  createdAt: string;
  createdBy: string;
  expiresAt?: string | null;
  lastUsedAt?: string | null;
  revokedAt?: string | null;
}

/** Who may act in the workspace, and with which roles. */
export interface Principal {
  id: string;
  kind: 'user' | 'service-account' | 'agent';
  name: string;
  roles: string[];
  disabled: boolean;
  createdAt: string;
}

/** The answer to a create: the only time that the key itself is said. */
export interface CreatedKey extends ApiKey {
  key: string;
}

export type RunStep = Step;

/** A run with all of its steps. */
export type WholeRun = RunDetail;

/** A large value as lists carry it: its beginning, and how long it is. */
export interface CutValue {
  truncated: true;
  bytes: number;
  preview: string;
}

export function isCut(value: unknown): value is CutValue {
  return typeof value === 'object' && value !== null && (value as Partial<CutValue>).truncated === true && 'preview' in value;
}
