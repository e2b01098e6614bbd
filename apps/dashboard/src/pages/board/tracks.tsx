import type { Board, BoardAgent } from '@signalbox/sdk/client/deployments.js';
import { useId, useLayoutEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from 'react';
import { Link } from 'react-router';
import { criticalLines, lineKey, shortNameOf, thingOf } from '../../model/board.ts';
import { lampOf } from '../../model/lamps.ts';
import { formatPercent, shortenMiddle } from '../../model/text.ts';
import { depthsOf, layTracks, sizesFor, trackSizes, type TrackInput } from '../../model/tracks.ts';
import { LampShapes, toneClass } from '../../parts/lamp.tsx';
import styles from './tracks.module.css';

const { nodeWidth, nodeHeight } = trackSizes;
const margin = 14;
/** The padding of the scrolled box, on each side. */
const edge = 4;
/** Characters of a name that fit into a node. */
const nameMax = 19;

/** The deployment's agents and what they wait for, as tracks. The thick ones are those that its end hangs on. */
export function Tracks({
  board,
  selected,
  hrefOf,
}: {
  board: Board;
  selected: string | null;
  hrefOf: (agent: string) => { search: string };
}): ReactNode {
  const shape = JSON.stringify(board.agents.map(({ name, dependsOn }) => ({ name, dependsOn })));
  // The shape of the tracks rarely changes, their lamps do.
  const { width, box } = useWidth();
  const tracks = useMemo(() => {
    const inputs = JSON.parse(shape) as TrackInput[];
    const columns = Math.max(-1, ...depthsOf(inputs).values()) + 1;
    return layTracks(inputs, width === 0 ? trackSizes : sizesFor(width - margin * 2 - edge * 2, columns));
  }, [shape, width]);
  const critical = criticalLines(board);
  const agents = new Map(board.agents.map((agent) => [agent.name, agent]));
  const missing = new Map(board.agents.flatMap(({ waitingFor }) => waitingFor.map(({ on, because }) => [on, because] as const)));
  const title = useId();
  const ordered = tracks.lines.toSorted(
    (a, b) => Number(critical.has(lineKey(a.from, a.to))) - Number(critical.has(lineKey(b.from, b.to))),
  );

  return (
    <div ref={box} className={styles.scroll} tabIndex={0} role="region" aria-labelledby={title}>
      <svg
        className={styles.tracks}
        width={tracks.width + margin * 2}
        height={tracks.height + margin * 2}
        viewBox={`${-margin} ${-margin} ${tracks.width + margin * 2} ${tracks.height + margin * 2}`}
        role="group"
        aria-labelledby={title}
      >
        <title id={title}>Agents and what they depend on; the table below says the same in words</title>
        <g aria-hidden="true">
          {ordered.map(({ from, to, path }) => (
            <path key={lineKey(from, to)} d={path} className={critical.has(lineKey(from, to)) ? styles.critical : styles.line} />
          ))}
        </g>
        {tracks.nodes.map(({ name, external, x, y }) => (
          <g key={name} transform={`translate(${x} ${y})`}>
            {external ? (
              <Thing name={name} because={missing.get(name) ?? null} />
            ) : (
              <Agent agent={agents.get(name)} isSelected={selected === name} to={hrefOf(name)} />
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}

/** The width of an element, followed. 0 before it is known. */
function useWidth(): { width: number; box: RefObject<HTMLDivElement | null> } {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { width, box };
}

function Agent({ agent, isSelected, to }: { agent: BoardAgent | undefined; isSelected: boolean; to: { search: string } }): ReactNode {
  if (!agent) return null;
  const lamp = lampOf(agent.status);
  return (
    <Link
      to={to}
      replace
      preventScrollReset
      className={`${styles.node} ${lamp.shape === 'bars' ? styles.calm : ''} ${toneClass(lamp.tone)} ${isSelected ? styles.selected : ''}`}
      aria-label={`${agent.name}, ${lamp.word.toLowerCase()}, ${formatPercent(agent.progress)}`}
    >
      <Box name={agent.name} shape={lamp.shape} />
      {agent.progress > 0 && (
        <path className={styles.done} d={`M10 ${nodeHeight - 5}h${Math.max(2, (nodeWidth - 20) * Math.min(1, agent.progress))}`} />
      )}
    </Link>
  );
}

/** Something that an agent needs and that is no agent of this deployment. It is there unless somebody waits for it. */
function Thing({ name, because }: { name: string; because: string | null }): ReactNode {
  const lamp = lampOf(because === null ? 'up' : 'waiting');
  return (
    <g className={`${styles.node} ${styles.thing} ${toneClass(lamp.tone)}`} role="img" aria-label={`${thingOf(name)}, ${because ?? 'up'}`}>
      <Box name={shortNameOf(name)} shape={lamp.shape} />
    </g>
  );
}

function Box({ name, shape }: { name: string; shape: Parameters<typeof LampShapes>[0]['shape'] }): ReactNode {
  return (
    <>
      <title>{name}</title>
      <rect className={styles.box} width={nodeWidth} height={nodeHeight} rx="6" />
      <svg x="11" y="11.5" width="15" height="15" viewBox="0 0 16 16">
        <LampShapes shape={shape} />
      </svg>
      <text className={styles.name} x="34" y="23.5">
        {shortenMiddle(name, nameMax)}
      </text>
    </>
  );
}
