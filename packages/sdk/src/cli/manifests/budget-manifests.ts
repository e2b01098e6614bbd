import { ApiError } from '../../client/api-error.ts';
import type { Budget, Budgets, BudgetSpec } from '../../client/budgets.ts';
import type { Labels, Manifest } from '../../client/schema.ts';
import type { Collection } from './kinds.ts';

/** Budgets as manifests: the name is the scope, as `workspace` or `workflow/report`. */
export function budgetManifests(budgets: Budgets): Collection {
  return {
    list: (query, options) => ({
      take: async (max) => (await budgets.list(query, options).take(max)).map(({ scope, labels }) => ({ name: scope, labels })),
    }),
    get: async (name, options) => ({ manifest: manifestOf(await budgets.get(name, options)) }),
    apply: async ({ metadata: { name, labels = {}, description = '' }, spec }, query, options) => {
      try {
        return await budgets.apply(name, { ...(spec as BudgetSpec), labels, description }, query, options);
      } catch (error) {
        throw inManifest(error, labels);
      }
    },
    remove: (name, options) => budgets.remove(name, options),
  };
}

function manifestOf({ scope, description, labels, limit, perCall, period }: Budget): Manifest<BudgetSpec> {
  return {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Budget',
    metadata: { name: scope, ...(Object.keys(labels).length > 0 && { labels }), ...(description !== null && { description }) },
    spec: { limit, ...(Object.keys(perCall).length > 0 && { perCall }), period },
  };
}

/** What is wrong is named where it stands in the manifest. */
function inManifest(error: unknown, labels: Labels): unknown {
  if (!(error instanceof ApiError)) return error;
  const errors = error.errors.map((fault) => ({ ...fault, pointer: pointerOf(fault.pointer, labels) }));
  return new ApiError(error.status, { ...error.problem, ...(errors.length > 0 && { errors }) }, error.retryAfterMs);
}

function pointerOf(pointer: string, labels: Labels): string {
  if (pointer === '/scope') return '/metadata/name';
  if (pointer === '/description' || (pointer.startsWith('/labels') && Object.keys(labels).length > 0)) return `/metadata${pointer}`;
  return `/spec${pointer}`;
}
