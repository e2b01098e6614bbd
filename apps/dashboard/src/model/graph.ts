import type { RunStep } from '../api/shapes.ts';

/** A node of a run's graph: one step of the workflow with all its items. */
export interface GraphNode {
  step: string;
  kind: string;
  /** Agent and skill, or tool: who does it. */
  by: string | null;
  status: string;
  critical: boolean;
  items: { key: string; status: string }[];
}

export interface GraphEdge {
  from: string;
  to: string;
  critical: boolean;
  /** It is no need: what is undone, or what the tidying up comes after. */
  isEnding?: true;
}

/** What undoes a step has its name with this. */
const undoEnding = '.undo';

/** The steps of a run as a graph. Items of a `forEach` are one node, so that ten thousand of them stay one picture. */
export function graphOf(steps: readonly RunStep[]): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const groups = new Map<string, RunStep[]>();
  const stepOfKey = new Map<string, string>();
  for (const step of steps) {
    stepOfKey.set(step.key, step.step);
    groups.set(step.step, [...(groups.get(step.step) ?? []), step]);
  }
  const nodes: GraphNode[] = [];
  const edges = new Map<string, GraphEdge>();
  for (const [name, members] of groups) {
    const first = members[0]!;
    nodes.push({
      step: name,
      kind: first.kind,
      by: doerOf(members),
      status: groupStatus(members.map(({ status }) => status)),
      critical: members.some(({ onCriticalPath }) => onCriticalPath === true),
      items: members.map(({ key, status }) => ({ key, status })),
    });
    for (const need of new Set(members.flatMap(({ needs }) => needs))) {
      const from = groups.has(need) ? need : stepOfKey.get(need);
      if (from === undefined || from === name) continue;
      const critical =
        members.some((step) => step.onCriticalPath === true) && groups.get(from)!.some((step) => step.onCriticalPath === true);
      edges.set(`${from}\u0000${name}`, { from, to: name, critical });
    }
  }
  return { nodes, edges: [...edges.values(), ...endingEdges(groups, [...edges.values()])] };
}

/** From each step to what undoes it, and from the last of the main part to the first of those that tidy up. */
function endingEdges(groups: ReadonlyMap<string, readonly RunStep[]>, needs: readonly GraphEdge[]): GraphEdge[] {
  const partOf = (name: string): string => groups.get(name)?.[0]?.part ?? 'main';
  const ofPart = (part: string): string[] => [...groups.keys()].filter((name) => partOf(name) === part);
  const edge = (from: string, to: string): GraphEdge => ({ from, to, critical: false, isEnding: true });
  const undone = ofPart('main').filter((name) => groups.has(`${name}${undoEnding}`));
  const last = ofPart('main').filter((name) => !needs.some(({ from, to }) => from === name && partOf(to) === 'main'));
  const first = ofPart('finally').filter((name) => !needs.some(({ from, to }) => to === name && partOf(from) === 'finally'));
  return [...undone.map((name) => edge(name, `${name}${undoEnding}`)), ...first.flatMap((to) => last.map((from) => edge(from, to)))];
}

/** Who does a step: of one in turns, or whose agent is chosen item by item, all who have. */
function doerOf(members: readonly RunStep[]): string | null {
  const { kind, agent, skill, tool } = members[0]!;
  const agents = new Set(members.flatMap((step) => step.agent || []));
  if (kind === 'agent' && agents.size > 1) return [...agents].join(', ');
  return agent ? (skill ? `${agent} · ${skill}` : agent) : (tool ?? null);
}

/** One status for many items: what hurts wins, then what moves, then what waits; only all done is done. */
export function groupStatus(statuses: readonly string[]): string {
  const has = (status: string): boolean => statuses.includes(status);
  for (const status of ['failed', 'running', 'waiting', 'queued']) if (has(status)) return status;
  if (has('pending')) return has('succeeded') ? 'running' : 'pending';
  if (has('cancelled')) return 'cancelled';
  return has('succeeded') ? 'succeeded' : (statuses[0] ?? 'pending');
}

export interface Point {
  x: number;
  y: number;
}

/** A line of level and upright parts as an SVG path whose corners are cut by 45 degrees. */
export function trackPath(points: readonly Point[], corner = 12): string {
  const first = points[0];
  if (!first) return '';
  let path = `M${first.x} ${first.y}`;
  for (let i = 1; i < points.length; i++) {
    const point = points[i]!;
    const before = points[i - 1]!;
    const after = points[i + 1];
    if (!after) {
      path += `L${point.x} ${point.y}`;
      continue;
    }
    const cut = Math.min(corner, distance(before, point) / 2, distance(point, after) / 2);
    const from = towards(point, before, cut);
    const to = towards(point, after, cut);
    path += `L${from.x} ${from.y}L${to.x} ${to.y}`;
  }
  return path;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

function towards(from: Point, to: Point, by: number): Point {
  const length = distance(from, to) || 1;
  return { x: round(from.x + ((to.x - from.x) / length) * by), y: round(from.y + ((to.y - from.y) / length) * by) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
