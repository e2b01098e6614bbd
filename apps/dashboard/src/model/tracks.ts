/**
 * Lays out a deployment's dependencies as railway tracks: columns by depth, lines that run level and bend by 45 degrees.
 * Pure: names and dependencies in, numbers out. A layered layout after Sugiyama: depths, one waypoint per column that a long line
 * crosses, order by neighbours' averages, heights by isotonic regression (as near to the neighbours as the distances allow).
 */
export interface TrackInput {
  name: string;
  dependsOn: readonly string[];
}

export interface TrackNode {
  name: string;
  /** Not an agent of this deployment: a service or something else that it needs. */
  external: boolean;
  column: number;
  x: number;
  y: number;
}

export interface TrackLine {
  from: string;
  to: string;
  /** An SVG path of level and 45 degree parts. */
  path: string;
}

export interface Tracks {
  nodes: TrackNode[];
  lines: TrackLine[];
  width: number;
  height: number;
}

export interface TrackSizes {
  nodeWidth: number;
  nodeHeight: number;
  rowHeight: number;
  gapMin: number;
  gapMax: number;
  /** The level part before a node. */
  stub: number;
}

export const trackSizes: TrackSizes = { nodeWidth: 172, nodeHeight: 38, rowHeight: 62, gapMin: 96, gapMax: 208, stub: 20 };
/** A waypoint needs less room than a node: lines run closer together. */
const waypointShare = 0.5;
/** A gap no narrower than this still shows a bend. */
const gapLeast = 52;
/** Rows end on halves, so that lines that could be level are. */
const snap = 2;
/** Rounds of ordering and of placing; the picture no longer changes after a few. */
const rounds = 8;

interface Vertex {
  id: string;
  column: number;
  waypoint: boolean;
  external: boolean;
  before: Vertex[];
  after: Vertex[];
  order: number;
  row: number;
}

export function layTracks(inputs: readonly TrackInput[], sizes: TrackSizes = trackSizes): Tracks {
  const depths = depthsOf(inputs);
  const agents = new Set(inputs.map(({ name }) => name));
  const needed = new Set(inputs.flatMap(({ dependsOn }) => dependsOn));
  const alone = inputs.filter(({ name, dependsOn }) => dependsOn.length === 0 && !needed.has(name)).map(({ name }) => name);
  const aloneSet = new Set(alone);

  const vertices = new Map<string, Vertex>();
  for (const [name, column] of depths) {
    if (!aloneSet.has(name)) vertices.set(name, vertex(name, column, false, !agents.has(name)));
  }
  const chains: { from: string; to: string; through: Vertex[] }[] = [];
  const waypoints: Vertex[] = [];
  for (const { name, dependsOn } of inputs) {
    for (const dependency of direct(dependsOn, inputs)) {
      const from = vertices.get(dependency);
      const to = vertices.get(name);
      if (!from || !to || from.column >= to.column) continue;
      const through = [from];
      for (let column = from.column + 1; column < to.column; column++) {
        const point = vertex(`${dependency}\u0000${name}\u0000${column}`, column, true, false);
        waypoints.push(point);
        through.push(point);
      }
      through.push(to);
      for (let i = 1; i < through.length; i++) {
        through[i - 1]!.after.push(through[i]!);
        through[i]!.before.push(through[i - 1]!);
      }
      chains.push({ from: dependency, to: name, through });
    }
  }

  const columns = columnsOf([...vertices.values(), ...waypoints]);
  orderColumns(columns);
  placeRows(columns);

  const lowest = Math.max(-1, ...columns.flat().map(({ row }) => row));
  const gaps = gapsOf(columns, sizes);
  const lefts = leftsOf(columns.length, gaps, sizes);
  const nodes: TrackNode[] = [...vertices.values()].map(({ id, external, column, row }) => ({
    name: id,
    external,
    column,
    x: lefts[column] ?? 0,
    y: row * sizes.rowHeight,
  }));
  // Those that nothing ties stand below the tracks, side by side.
  const perRow = Math.max(1, columns.length || Math.min(alone.length, 4));
  const aloneLefts = columns.length > 0 ? lefts : leftsOf(perRow, Array<number>(perRow).fill(sizes.gapMin), sizes);
  const aloneTop = columns.length > 0 ? (lowest + 1) * sizes.rowHeight : 0;
  alone.forEach((name, i) => {
    const column = i % perRow;
    nodes.push({ name, external: false, column, x: aloneLefts[column] ?? 0, y: aloneTop + Math.floor(i / perRow) * sizes.rowHeight });
  });

  const middle = sizes.nodeHeight / 2;
  const lines = chains.map(({ from, to, through }) => ({ from, to, path: pathThrough(through, lefts, sizes, middle) }));
  return {
    nodes,
    lines,
    width: Math.max(0, ...nodes.map(({ x }) => x + sizes.nodeWidth)),
    height: Math.max(0, ...nodes.map(({ y }) => y + sizes.nodeHeight)),
  };
}

/** Sizes whose gaps fill a width, as far as gaps may shrink and grow; wider tracks scroll. */
export function sizesFor(width: number, columns: number, sizes: TrackSizes = trackSizes): TrackSizes {
  if (columns < 2) return sizes;
  const gap = Math.floor((width - columns * sizes.nodeWidth) / (columns - 1));
  return { ...sizes, gapMin: Math.max(gapLeast, Math.min(sizes.gapMax, gap)) };
}

function vertex(id: string, column: number, waypoint: boolean, external: boolean): Vertex {
  return { id, column, waypoint, external, before: [], after: [], order: 0, row: 0 };
}

/** The longest way from something that needs nothing. A cycle, which `apply` refuses, would end where it closes. */
export function depthsOf(inputs: readonly TrackInput[]): Map<string, number> {
  const byName = new Map(inputs.map((input) => [input.name, input]));
  const depths = new Map<string, number>();
  const open = new Set<string>();
  const visit = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    if (open.has(name)) return 0;
    open.add(name);
    const depth = Math.max(-1, ...(byName.get(name)?.dependsOn ?? []).map(visit)) + 1;
    open.delete(name);
    depths.set(name, depth);
    return depth;
  };
  for (const { name } of inputs) visit(name);
  return depths;
}

/** The dependencies that no other one implies: a line that says nothing new is not drawn. */
function direct(dependsOn: readonly string[], inputs: readonly TrackInput[]): Set<string> {
  const byName = new Map(inputs.map((input) => [input.name, input]));
  const implied = new Set<string>();
  const visit = (name: string): void => {
    for (const next of byName.get(name)?.dependsOn ?? []) {
      if (implied.has(next)) continue;
      implied.add(next);
      visit(next);
    }
  };
  for (const name of dependsOn) visit(name);
  return new Set(dependsOn.filter((name) => !implied.has(name)));
}

function columnsOf(vertices: readonly Vertex[]): Vertex[][] {
  const columns: Vertex[][] = [];
  for (const each of vertices) {
    while (columns.length <= each.column) columns.push([]);
    columns[each.column]!.push(each);
  }
  return columns;
}

function orderColumns(columns: Vertex[][]): void {
  for (const column of columns) column.forEach((each, i) => (each.order = i));
  for (let round = 0; round < rounds; round++) {
    const forward = round % 2 === 0;
    for (const column of forward ? columns : columns.toReversed()) {
      const wish = new Map(column.map((each) => [each, average(forward ? each.before : each.after, (other) => other.order) ?? each.order]));
      column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0) || a.order - b.order);
      column.forEach((each, i) => (each.order = i));
    }
  }
}

function placeRows(columns: Vertex[][]): void {
  for (const column of columns) settle(column, (each) => each.order);
  for (let round = 0; round < rounds; round++) {
    const forward = round % 2 === 0;
    for (const column of forward ? columns : columns.toReversed()) {
      settle(column, (each) => average(forward ? each.before : each.after, (other) => other.row) ?? each.row);
    }
  }
  const all = columns.flat();
  const top = Math.min(...all.map(({ row }) => row));
  for (const each of all) each.row -= top;
}

/** Puts a column's vertices as near to their wishes as the distances between them allow (pool adjacent violators). */
function settle(column: readonly Vertex[], wishOf: (each: Vertex) => number): void {
  const offsets: number[] = [];
  column.forEach((each, i) => {
    const above = column[i - 1];
    offsets.push(above ? (offsets[i - 1] ?? 0) + (above.waypoint || each.waypoint ? waypointShare : 1) : 0);
  });
  const pools: { sum: number; count: number }[] = [];
  column.forEach((each, i) => {
    pools.push({ sum: wishOf(each) - (offsets[i] ?? 0), count: 1 });
    while (pools.length > 1) {
      const last = pools.at(-1)!;
      const before = pools.at(-2)!;
      if (before.sum / before.count <= last.sum / last.count) break;
      before.sum += last.sum;
      before.count += last.count;
      pools.pop();
    }
  });
  let i = 0;
  for (const { sum, count } of pools) {
    const base = Math.round((sum / count) * snap) / snap;
    for (let n = 0; n < count; n++, i++) column[i]!.row = base + (offsets[i] ?? 0);
  }
}

function gapsOf(columns: Vertex[][], { rowHeight, gapMin, gapMax, stub }: TrackSizes): number[] {
  return columns.map((column) => {
    const steepest = Math.max(0, ...column.flatMap((each) => each.after.map((next) => Math.abs(next.row - each.row) * rowHeight)));
    return Math.min(gapMax, Math.max(gapMin, steepest + 2 * stub));
  });
}

function leftsOf(count: number, gaps: readonly number[], { nodeWidth }: TrackSizes): number[] {
  const lefts: number[] = [];
  for (let column = 0; column < count; column++)
    lefts.push(column === 0 ? 0 : (lefts[column - 1] ?? 0) + nodeWidth + (gaps[column - 1] ?? 0));
  return lefts;
}

function pathThrough(
  through: readonly Vertex[],
  lefts: readonly number[],
  { nodeWidth, rowHeight, stub }: TrackSizes,
  middle: number,
): string {
  let path = '';
  let lastY = 0;
  through.forEach((each, i) => {
    const y = round(each.row * rowHeight + middle);
    const left = lefts[each.column] ?? 0;
    if (i === 0) {
      path = `M${round(left + nodeWidth)} ${y}`;
    } else {
      const before = (lefts[each.column - 1] ?? 0) + nodeWidth;
      path += bend(before, lastY, left, y, stub) + `H${round(left)}`;
      if (each.waypoint) path += `H${round(left + nodeWidth)}`;
    }
    lastY = y;
  });
  return path;
}

/** Level, then 45 degrees just before the target; where the gap is too narrow for that, 45 degree corners around an upright part. */
function bend(fromX: number, fromY: number, toX: number, toY: number, stub: number): string {
  const rise = toY - fromY;
  const height = Math.abs(rise);
  if (height < 0.5) return '';
  const end = toX - stub;
  if (end - height >= fromX + stub / 2) return `H${round(end - height)}L${round(end)} ${toY}`;
  const corner = Math.min(14, height / 2);
  const sign = Math.sign(rise);
  const upright = end - corner;
  return `H${round(upright - corner)}L${round(upright)} ${round(fromY + sign * corner)}V${round(toY - sign * corner)}L${round(end)} ${toY}`;
}

function average(vertices: readonly Vertex[], of: (each: Vertex) => number): number | null {
  return vertices.length === 0 ? null : vertices.reduce((sum, each) => sum + of(each), 0) / vertices.length;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
