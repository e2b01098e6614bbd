import '@xyflow/react/dist/base.css';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import {
  BaseEdge,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Edge,
  type EdgeProps,
  type Node,
  type NodeProps,
} from '@xyflow/react';
import { useEffect, useMemo, useState, type CSSProperties, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { WholeRun } from '../../api/shapes.ts';
import { graphOf, trackPath, type GraphNode, type Point } from '../../model/graph.ts';
import { lampOf } from '../../model/lamps.ts';
import { LampSign } from '../../parts/lamp.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useSelection } from '../../routing/selection.ts';
import { layOut } from './elk.ts';
import './graph.css';
import styles from './run.module.css';

const nodeWidth = 190;
const nodeHeight = 62;
/** Items drawn as cells of a step; more are counted only. */
const cellsMax = 48;

type StepNode = Node<{ step: GraphNode; isSelected: boolean }, 'step'>;
type Track = Edge<{ path: string }, 'track'>;
interface Layout {
  places: ReadonlyMap<string, Point>;
  /** SVG paths by edge. */
  paths: ReadonlyMap<string, string>;
  width: number;
  height: number;
}

/** On narrow screens the graph runs downwards. */
const isNarrow = window.matchMedia('(max-width: 760px)').matches;

const nodeTypes = { step: StepBox };
const edgeTypes = { track: TrackLine };

/** The steps and what they need, laid out from left to right. */
export default function RunGraph({ run, selected }: { run: WholeRun; selected: string | null }): ReactNode {
  const graph = useMemo(() => graphOf(run.steps), [run.steps]);
  const shape = `${graph.nodes.map(({ step }) => step).join(' ')}|${graph.edges.map(({ from, to }) => `${from} ${to}`).join(',')}`;
  const { layout, error } = useLayout(shape);
  if (error) return <ProblemNote error={error} title="The graph could not be laid out." />;
  if (!layout) return <div className={styles.graph} role="status" aria-label="Laying out the graph" />;
  const nodes: StepNode[] = graph.nodes.map((step) => ({
    id: step.step,
    type: 'step',
    position: layout.places.get(step.step) ?? { x: 0, y: 0 },
    data: { step, isSelected: step.items.some(({ key }) => key === selected) },
    draggable: false,
    connectable: false,
    focusable: false,
    width: nodeWidth,
    height: nodeHeight,
  }));
  const edges: Track[] = graph.edges.map(({ from, to, critical, isEnding }) => ({
    id: `${from} ${to}`,
    type: 'track',
    data: { path: layout.paths.get(`${from} ${to}`) ?? '' },
    source: from,
    target: to,
    focusable: false,
    className: critical ? 'critical' : isEnding ? 'ending' : '',
    markerEnd: {
      type: MarkerType.ArrowClosed,
      markerUnits: 'userSpaceOnUse',
      width: 16,
      height: 16,
      color: critical ? 'var(--ink)' : 'var(--track)',
    },
  }));
  return (
    <div
      className={styles.graph}
      style={{
        // As high as the steps are at the scale at which they fit the width, with room for the levers.
        aspectRatio: `${layout.width * 1.08} / ${layout.height + 110}`,
        maxHeight: `${Math.min(isNarrow ? 1_100 : 620, layout.height + 110)}px`,
      }}
    >
      <div className={styles.canvas}>
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          fitView
          fitViewOptions={{ padding: 0.06, maxZoom: 1 }}
          minZoom={0.15}
          maxZoom={1.8}
          nodesDraggable={false}
          nodesConnectable={false}
          elementsSelectable={false}
          zoomOnScroll={false}
          preventScrolling={false}
          proOptions={{ hideAttribution: false }}
          aria-label="Steps of the run and what they need"
        >
          <Controls showInteractive={false} position="bottom-left" orientation="horizontal" />
        </ReactFlow>
      </div>
    </div>
  );
}

function useLayout(shape: string): { layout: Layout | null; error: unknown } {
  const [state, setState] = useState<{ layout: Layout | null; error: unknown }>({ layout: null, error: null });
  useEffect(() => {
    let isWanted = true;
    layOut(elkGraph(shape)).then(
      (laid) => isWanted && setState({ layout: layoutOf(laid), error: null }),
      (error: unknown) => isWanted && setState({ layout: null, error }),
    );
    return () => {
      isWanted = false;
    };
  }, [shape]);
  return state;
}

function elkGraph(shape: string): ElkNode {
  const [names = '', lines = ''] = shape.split('|');
  return {
    id: 'run',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': isNarrow ? 'DOWN' : 'RIGHT',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '52',
      'elk.layered.spacing.edgeNodeBetweenLayers': '18',
      'elk.spacing.nodeNode': '24',
      'elk.spacing.edgeNode': '18',
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
    },
    children: names
      .split(' ')
      .filter(Boolean)
      .map((id) => ({ id, width: nodeWidth, height: nodeHeight })),
    edges: lines
      .split(',')
      .filter(Boolean)
      .map((line) => {
        const [from = '', to = ''] = line.split(' ');
        return { id: line, sources: [from], targets: [to] };
      }),
  };
}

function layoutOf({ children = [], edges = [], width = 0, height = 0 }: ElkNode): Layout {
  return {
    places: new Map(children.map(({ id, x = 0, y = 0 }) => [id, { x, y }])),
    paths: new Map(
      edges.map(({ id, sections = [] }) => [
        id,
        sections.map(({ startPoint, bendPoints = [], endPoint }) => trackPath([startPoint, ...bendPoints, endPoint])).join(''),
      ]),
    ),
    width,
    height,
  };
}

/** A line as a track: where the layouter put it, with its corners cut by 45 degrees as on the board. */
function TrackLine({ data, markerEnd }: EdgeProps<Track>): ReactNode {
  return <BaseEdge path={data?.path ?? ''} {...(markerEnd !== undefined && { markerEnd })} />;
}

function StepBox({ data: { step, isSelected } }: NodeProps<StepNode>): ReactNode {
  const { hrefOf } = useSelection('step');
  const lamp = lampOf(step.status);
  const target =
    step.items.find(({ status }) => status === 'failed') ?? step.items.find(({ status }) => status === 'running') ?? step.items[0];
  const done = step.items.filter(({ status }) => status === 'succeeded' || status === 'skipped').length;
  return (
    <>
      <Handle type="target" position={isNarrow ? Position.Top : Position.Left} isConnectable={false} />
      <Link
        to={hrefOf(target?.key ?? step.step)}
        replace
        preventScrollReset
        className={`${styles.node} ${isSelected ? styles.nodeSelected : ''} nopan`}
        style={{ '--tone': `var(--${lamp.tone})` } as CSSProperties}
        {...(isSelected && { 'aria-current': 'true' })}
      >
        <span className={styles.nodeHead}>
          <LampSign lamp={lamp} alone />
          <span className={styles.nodeName}>{step.step}</span>
          {step.items.length > 1 && (
            <span className={styles.nodeCount}>
              {done} of {step.items.length}
            </span>
          )}
        </span>
        <span className={styles.nodeBy}>{step.by ?? step.kind}</span>
        {step.items.length > 1 && step.items.length <= cellsMax && (
          <span className={styles.cells} aria-hidden="true">
            {step.items.map(({ key, status }) => (
              <span key={key} className={styles.cell} style={{ '--tone': `var(--${lampOf(status).tone})` } as CSSProperties} />
            ))}
          </span>
        )}
      </Link>
      <Handle type="source" position={isNarrow ? Position.Bottom : Position.Right} isConnectable={false} />
    </>
  );
}
