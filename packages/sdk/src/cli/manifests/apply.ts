import { ApiError } from '../../client/api-error.ts';
import type { SignalboxClient } from '../../client/client.ts';
import type { Applied, Manifest } from '../../client/schema.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure, wordsOf } from '../failure.ts';
import type { PlacedFault } from '../failure.ts';
import { kinds, type Kind } from './kinds.ts';
import type { Loaded } from './load.ts';

/** Reported last: a report names its deployment. */
const ranks = [...kinds.map(({ kind }) => kind), 'StepReport'];

/** One manifest with what applying it does or did. */
export interface Planned extends Loaded {
  /** `agent/librarian`. */
  title: string;
  /** `unchecked`: it needs what this same apply will create, and is checked when that is there. */
  action: Applied['action'] | 'unchecked';
  changes: Applied['changes'];
  because?: string;
  rollout?: Applied['rollout'];
}

/** Puts manifests in the order in which they can be applied; those of one kind stay as they stand. */
export function inOrder(loaded: readonly Loaded[]): Loaded[] {
  const rank = ({ manifest, where }: Loaded): number => {
    const at = ranks.indexOf(manifest.kind);
    if (at >= 0) return at;
    throw new CliFailure(exitCode.usage, `${where} has the unknown kind ${manifest.kind}`, `Known kinds: ${ranks.join(', ')}.`);
  };
  return loaded
    .map((one) => [rank(one), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

/** Asks what applying would change, and changes nothing. */
export async function plan(client: SignalboxClient, loaded: readonly Loaded[], signal: AbortSignal): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const one of inOrder(loaded)) {
    const title = titleOf(one.manifest);
    try {
      planned.push({ ...one, title, ...pick(await applyOne(client, one.manifest, true, signal)) });
    } catch (error) {
      const creates = planned.some(({ action }) => action === 'created' || action === 'unchecked');
      if (!(error instanceof ApiError) || !creates || (error.code !== 'not_found' && error.code !== 'invalid')) throw inFile(error, one);
      planned.push({ ...one, title, action: 'unchecked', changes: [], because: error.message });
    }
  }
  return planned;
}

/** Applies one manifest. */
export async function carryOut(client: SignalboxClient, one: Planned, signal: AbortSignal): Promise<Planned> {
  try {
    return { ...one, ...pick(await applyOne(client, one.manifest, false, signal)) };
  } catch (error) {
    throw inFile(error, one);
  }
}

function applyOne(client: SignalboxClient, manifest: Manifest, dryRun: boolean, signal: AbortSignal): Promise<Applied> {
  const query = dryRun ? { dryRun } : {};
  if (manifest.kind === 'StepReport') return client.deployments.report(manifest.spec as never, query, { signal });
  return kindOf(manifest).of(client).apply(manifest, query, { signal });
}

function kindOf(manifest: Manifest): Kind {
  return kinds.find(({ kind }) => kind === manifest.kind)!; // `inOrder` has refused others
}

function titleOf(manifest: Manifest): string {
  if (manifest.kind === 'StepReport') {
    const { deployment, agent, step } = manifest.spec as { deployment: string; agent: string; step: string };
    return `step/${deployment}/${agent}/${step}`;
  }
  return `${kindOf(manifest).word}/${manifest.metadata.name}`;
}

function pick({ action, changes, rollout }: Applied): Pick<Planned, 'action' | 'changes' | 'rollout'> {
  return { action, changes, ...(rollout && { rollout }) };
}

/** Says in which file, on which line, what was refused stands. */
function inFile(error: unknown, { where, placeOf }: Loaded): unknown {
  if (!(error instanceof ApiError)) return error;
  const errors: PlacedFault[] = error.errors.map((fault) => ({ ...fault, ...placeOf(fault.pointer) }));
  const [only, second] = errors;
  const place = only !== undefined && second === undefined ? wordsOf(only).place : where;
  const detail = `${place}: ${error.message}`;
  return new ApiError(error.status, { ...error.problem, detail, ...(errors.length > 0 && { errors }) }, error.retryAfterMs);
}
