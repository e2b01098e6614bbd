import { worker } from '@signalbox/sdk/worker/worker.js';
import type { TaskContext } from '@signalbox/sdk/worker/skill.js';
import { analyseUnit } from './facts/analyse-unit.ts';
import type { PackageFacts } from './facts/package-facts.ts';
import { Library } from './read/library.ts';
import { pathsIn, planUnits } from './read/plan.ts';
import type { Unit } from './read/plan.ts';
import { combine } from './report/combine.ts';
import type { Combined } from './report/combine.ts';
import { isReadable } from './scan/languages.ts';
import { arrayOf, objectWith, text } from './schemas.ts';

/** The MCP server behind the librarian. */
const server = 'filesystem';

/**
 * The analyst: divides the folders into packages, analyses one package a task, and puts the facts together. It opens no file itself: all
 * reading goes through the librarian's server, by the REST API and with the analyst's own key.
 */
export const analystSkills = {
  plan: {
    description: 'Divides folders into packages, from the lists of manifests that the librarian found',
    input: objectWith({ folders: arrayOf(text), lists: { type: 'array' } }),
    run: ({ folders, lists }: { folders: string[]; lists: unknown[] }): { units: Unit[] } => ({
      units: planUnits(
        folders,
        lists.map((list) => pathsIn(listedText(list))),
      ),
    }),
  },
  analyse: {
    description: 'Analyses one package: files, lines, languages, exports, imports, tests, documentation, dependencies',
    input: objectWith({ id: text, folder: text, root: text, hasManifest: { type: 'boolean' }, without: arrayOf(text) }),
    run: async (unit: Unit, ctx: TaskContext): Promise<PackageFacts> => {
      const library = new Library(ctx.client, server, ctx.signal);
      ctx.progress(`listing ${unit.id}`);
      const all = await library.filesBelow(unit.root);
      const paths = all.filter((path) => !unit.without.some((other) => path.startsWith(`${other}/`)));
      const readable = paths.filter(isReadable);
      const files = await library.read(readable, (done) =>
        ctx.progress(`read ${done} of ${readable.length} files`, done / readable.length),
      );
      return analyseUnit(unit, paths, files);
    },
  },
  combine: {
    description: 'Puts the facts of all packages together: tables, the dependency picture, observations, and what the keeper stores',
    input: objectWith({ facts: arrayOf({ type: 'object' }) }),
    run: ({ facts }: { facts: PackageFacts[] }): Combined => combine(facts),
  },
};

/** The text in what the librarian answered: a tool's answer, its structured part, or the text itself. */
function listedText(list: unknown): string {
  if (typeof list === 'string') return list;
  if (list === null || typeof list !== 'object') return '';
  if ('structuredContent' in list && list.structuredContent !== undefined && list.structuredContent !== null)
    return listedText(list.structuredContent);
  if ('content' in list) return Array.isArray(list.content) ? list.content.map(listedText).join('\n') : listedText(list.content);
  return 'text' in list && typeof list.text === 'string' ? list.text : '';
}

if (process.argv[1] === import.meta.filename) {
  await worker({ agent: 'analyst', skills: analystSkills, concurrency: 4 }).run();
}
