import type {
  MirrorFigures,
  MirrorResult,
  RolloutCheck,
  RolloutDetail,
  RolloutEntry,
  RolloutFigures,
  RolloutPair,
} from '@signalbox/sdk/client/rollouts.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { shareText } from '../../model/evals.ts';
import { lampOf } from '../../model/lamps.ts';
import { checkLamp, isOpen, mirrorText, stepLamp, stepText } from '../../model/rollouts.ts';
import { formatSpan } from '../../model/time.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './stages.module.css';

/** What is measured is no event: it is looked at so often while calls go to both versions. */
const lookMs = 3_000;

/** Characters of what was asked or answered that a table shows. */
const cutMax = 240;

const figureColumns: readonly Column<RolloutFigures>[] = [
  {
    id: 'version',
    header: 'Version',
    width: 'minmax(90px, 1fr)',
    place: 'title',
    cell: ({ version }) => <strong>Version {version}</strong>,
  },
  { id: 'calls', header: 'Calls', width: '90px', align: 'end', cell: ({ calls }) => calls },
  { id: 'errors', header: 'Errors', width: '90px', align: 'end', cell: ({ errorRate }) => errorRate !== undefined && shareText(errorRate) },
  {
    id: 'p95',
    header: 'p95',
    width: '124px',
    align: 'end',
    cell: ({ latencyP95Ms }) => latencyP95Ms !== undefined && formatSpan(latencyP95Ms),
  },
  {
    id: 'mean',
    header: 'Mean',
    width: '90px',
    align: 'end',
    cell: ({ latencyMeanMs }) => latencyMeanMs !== undefined && formatSpan(latencyMeanMs),
  },
  { id: 'cost', header: 'USD a call', width: '100px', align: 'end', cell: ({ costUsd }) => costUsd?.toFixed(4) },
];

const mirrorColumns: readonly Column<MirrorFigures>[] = [
  { id: 'version', header: 'Version', width: 'minmax(90px, 1fr)', place: 'title', cell: ({ version }) => <strong>{version}</strong> },
  { id: 'errors', header: 'Errors', width: '90px', align: 'end', cell: ({ errorRate }) => errorRate !== undefined && shareText(errorRate) },
  { id: 'valid', header: 'As promised', width: '104px', align: 'end', cell: ({ valid }) => valid !== undefined && shareText(valid) },
  { id: 'p50', header: 'Half within', width: '104px', align: 'end', cell: ({ p50Ms }) => p50Ms !== undefined && formatSpan(p50Ms) },
  { id: 'p95', header: '95 of 100 within', width: '124px', align: 'end', cell: ({ p95Ms }) => p95Ms !== undefined && formatSpan(p95Ms) },
  { id: 'cost', header: 'USD a call', width: '100px', align: 'end', cell: ({ costUsd }) => costUsd?.toFixed(4) },
];

const scoreColumns: readonly Column<MirrorResult['scores'][number]>[] = [
  { id: 'grader', header: 'Grader', width: 'minmax(120px, 1fr)', place: 'title', cell: ({ grader }) => <strong>{grader}</strong> },
  { id: 'pairs', header: 'Pairs', width: '80px', align: 'end', cell: ({ pairs }) => pairs },
  { id: 'stable', header: 'Stable', width: '90px', align: 'end', cell: ({ stable }) => stable.toFixed(3) },
  { id: 'candidate', header: 'New', width: '90px', align: 'end', cell: ({ candidate }) => candidate.toFixed(3) },
  {
    id: 'change',
    header: 'Change, with 95 %',
    width: '150px',
    align: 'end',
    cell: ({ change: { low, high } }) => `${low.toFixed(3)} to ${high.toFixed(3)}`,
  },
];

const pairColumns: readonly Column<RolloutPair>[] = [
  {
    id: 'because',
    header: 'In which way',
    width: 'minmax(120px, 0.8fr)',
    place: 'title',
    cell: ({ because }) => <strong>{because}</strong>,
  },
  { id: 'input', header: 'Asked', width: 'minmax(110px, 1fr)', cell: ({ input }) => <Cut text={input} /> },
  { id: 'stable', header: 'Stable version', width: 'minmax(110px, 1fr)', cell: ({ stable }) => <Cut text={stable} /> },
  { id: 'candidate', header: 'New version', width: 'minmax(110px, 1fr)', cell: ({ candidate }) => <Cut text={candidate} /> },
  {
    id: 'took',
    header: 'Took',
    width: '130px',
    align: 'end',
    cell: ({ stableMs, candidateMs }) => `${formatSpan(stableMs)}, ${formatSpan(candidateMs)}`,
  },
  { id: 'at', header: 'When', width: '104px', align: 'end', place: 'corner', cell: ({ at }) => <Moment at={at} /> },
];

const checkColumns: readonly Column<RolloutCheck>[] = [
  { id: 'metric', header: 'Measure', width: 'minmax(130px, 0.7fr)', place: 'title', cell: ({ metric }) => <strong>{metric}</strong> },
  { id: 'standing', header: 'Holds', width: '116px', place: 'corner', cell: (check) => <LampWord lamp={checkLamp(check)} /> },
  { id: 'says', header: 'What is found', width: 'minmax(160px, 1.6fr)', cell: ({ says }) => says },
];

const entryColumns: readonly Column<RolloutEntry>[] = [
  { id: 'move', header: 'What happened', width: '124px', place: 'title', cell: ({ move }) => <strong>{move}</strong> },
  { id: 'text', header: 'Why', width: 'minmax(160px, 1.6fr)', cell: ({ text }) => text },
  { id: 'by', header: 'By', width: 'minmax(90px, 0.5fr)', cell: ({ by }) => (by === 'registry' ? by : <CopyId id={by} max={16} />) },
  { id: 'at', header: 'When', width: '104px', align: 'end', place: 'corner', cell: ({ at }) => <Moment at={at} /> },
];

/** One rollout: its steps, both versions side by side, what decides, what happened, and the levers. */
export function OneRollout({ id }: { id: string }): ReactNode {
  const one = useQuery({ ...queries.rollout(id), refetchInterval: ({ state }) => (state.data && isOpen(state.data) ? lookMs : false) });
  return (
    <Loaded query={one} rows={6}>
      {(data) => (
        <Panel
          title={`Version ${data.version} in place of version ${data.stable}`}
          note={<CopyId id={id} max={20} />}
          actions={isOpen(data) && <Levers rollout={data} />}
          flush
        >
          <PanelPart>
            <LampWord lamp={lampOf(data.status)} />
            <p className={styles.says}>{data.reason}.</p>
            <ol className={styles.steps}>
              {data.plan.steps.map((step, at) => (
                <li key={at}>
                  <LampWord lamp={{ ...stepLamp(data, at), word: stepText(step) }} />
                </li>
              ))}
            </ol>
          </PanelPart>
          <DataTable
            label="Both versions"
            columns={figureColumns}
            rows={[data.stableFigures, data.figures]}
            keyOf={({ version }) => String(version)}
          />
          {data.mirror && <Mirrored mirror={data.mirror} pairs={data.pairs ?? []} />}
          <DataTable
            label="Measures"
            columns={checkColumns}
            rows={data.checks}
            keyOf={({ metric }) => metric}
            empty={<Empty title="Nothing was measured yet." />}
          />
          <DataTable label="History" columns={entryColumns} rows={data.history} keyOf={({ at, move }) => `${at} ${move}`} />
        </Panel>
      )}
    </Loaded>
  );
}

/** As much of a text as a table has room for. */
function Cut({ text }: { text: string }): ReactNode {
  return <code title={text}>{text.length > cutMax ? `${text.slice(0, cutMax)}…` : text}</code>;
}

/** Calls that both versions had: beside each other, what graders say, and what was answered in different ways. */
function Mirrored({ mirror, pairs }: { mirror: MirrorResult; pairs: RolloutPair[] }): ReactNode {
  return (
    <>
      <PanelPart>
        <p className={styles.says}>{mirrorText(mirror)}</p>
      </PanelPart>
      <DataTable
        label="Mirrored calls"
        columns={mirrorColumns}
        rows={[mirror.stable, mirror.candidate]}
        keyOf={({ version }) => String(version)}
      />
      {mirror.scores.length > 0 && (
        <DataTable label="Scores of mirrored calls" columns={scoreColumns} rows={mirror.scores} keyOf={({ grader }) => grader} />
      )}
      {pairs.length > 0 && (
        <DataTable label="Answered in different ways" columns={pairColumns} rows={pairs} keyOf={({ at, run }) => `${at} ${run}`} />
      )}
    </>
  );
}

function Levers({ rollout: { id, agent, version, stable, status } }: { rollout: RolloutDetail }): ReactNode {
  const mayPromote = useMay('agents:promote');
  const cache = useQueryClient();
  if (!mayPromote) return null;
  const act = (verb: 'pause' | 'resume' | 'promote' | 'abort') => (): Promise<unknown> =>
    client.rollouts[verb](id).then(() =>
      Promise.all([cache.invalidateQueries({ queryKey: ['rollout', id] }), cache.invalidateQueries({ queryKey: ['agent', agent] })]),
    );
  return (
    <>
      {status === 'paused' ? (
        <Confirm
          small
          danger={false}
          action="Go on"
          question={`Let the rollout of version ${version} go on?`}
          keep="Keep it held"
          onConfirm={act('resume')}
        >
          What is measured decides again, and where somebody was waited for the next step begins.
        </Confirm>
      ) : (
        <Confirm
          small
          danger={false}
          action="Hold"
          question={`Hold the rollout of version ${version}?`}
          keep="Let it go on"
          onConfirm={act('pause')}
        >
          The shares stay as they are, and nothing follows from what is measured, until somebody lets it go on.
        </Confirm>
      )}
      <Confirm
        small
        action="Promote now"
        question={`Make version ${version} of ${agent} the current one now?`}
        keep="Leave it"
        onConfirm={act('promote')}
      >
        All calls go to it, whatever the measures say.
      </Confirm>
      <Confirm
        small
        action="Roll back"
        question={`Send all calls of ${agent} to version ${stable} again?`}
        keep="Leave it"
        onConfirm={act('abort')}
      >
        Version {version} gets no more calls. It can be rolled out again later.
      </Confirm>
    </>
  );
}
