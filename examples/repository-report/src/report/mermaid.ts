import type { Edge } from '../facts/graph.ts';
import type { PackageFacts } from '../facts/package-facts.ts';

/** With more packages the picture is a ball of wool. */
const nodesMax = 60;

/** The packages and their imports as a Mermaid flow chart: folders are boxes, dotted lines are imports by tests alone. */
export function dependencyChart(packages: readonly PackageFacts[], edges: readonly Edge[]): string {
  const drawn = packages.filter(({ id }) => edges.some((edge) => edge.from === id || edge.to === id)).slice(0, nodesMax);
  const nodeOf = new Map(drawn.map((one, i) => [one.id, `n${i}`]));
  const lines = ['flowchart LR'];
  const folders = [...new Set(drawn.map((one) => one.folder))].sort();
  folders.forEach((folder, i) => {
    lines.push(`  subgraph f${i}["${label(folder)}"]`);
    for (const one of drawn) if (one.folder === folder) lines.push(`    ${nodeOf.get(one.id)}["${label(shortName(one))}"]`);
    lines.push('  end');
  });
  for (const { from, to, files, isTestOnly } of edges) {
    const [a, b] = [nodeOf.get(from), nodeOf.get(to)];
    if (a && b) lines.push(`  ${a} ${isTestOnly ? '-.->' : '-->'}|${files}| ${b}`);
  }
  return lines.join('\n');
}

function shortName({ id, folder }: PackageFacts): string {
  return id === folder ? id : id.slice(folder.length + 1);
}

/** Mermaid reads quotes, brackets and semicolons in labels only as entities. */
function label(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._/@-]/gu, (char) => `#${char.codePointAt(0)};`);
}
