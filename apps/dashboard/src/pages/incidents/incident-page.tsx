import type { IncidentDetail, IncidentEntry } from '@signalbox/sdk/client/incidents.js';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { incidentLampOf, severityWord, stageWord } from '../../model/incidents.ts';
import { counted, inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import styles from '../approvals/approvals.module.css';

/** One incident: what happened in order, whose it is, and the levers of whoever looks after it. */
export default function IncidentPage(): ReactNode {
  const { id = '' } = useParams();
  const query = useQuery(queries.incident(id));
  const incident = query.data;
  return (
    <Page
      title={incident ? inert(incident.title) : 'Incident'}
      parent={{ label: 'Incidents', to: '/incidents' }}
      sentence={
        incident && (
          <Facts>
            {[
              <LampWord key="lamp" lamp={incidentLampOf(incident.status)} />,
              `${severityWord(incident.severity)}, ${counted(incident.faults, 'fault')}`,
              <span key="opened">
                opened <Moment at={incident.openedAt} />
              </span>,
              <CopyId key="id" id={incident.id} />,
            ]}
          </Facts>
        )
      }
    >
      <Loaded query={query} rows={8}>
        {(data) => (
          <Beside aside={<About incident={data} onDone={() => void query.refetch()} />}>
            <Panel title="What happened" flush>
              <DataTable label="Timeline" columns={columns} rows={data.timeline} keyOf={keyOf} />
            </Panel>
            {data.dropped > 0 && <Note>{counted(data.dropped, 'later entry', 'later entries')} not kept: a timeline has 500.</Note>}
          </Beside>
        )}
      </Loaded>
    </Page>
  );
}

function keyOf({ at, stage, agent, instance, text }: IncidentEntry): string {
  return [at, stage, agent, instance, text].join(' ');
}

const columns: readonly Column<IncidentEntry>[] = [
  { id: 'at', header: 'When', width: '96px', cell: ({ at }) => <Moment at={at} /> },
  { id: 'stage', header: 'Stage', width: '116px', place: 'title', cell: ({ stage }) => <strong>{stageWord(stage)}</strong> },
  {
    id: 'of',
    header: 'Of',
    width: 'minmax(120px, 1fr)',
    cell: ({ agent, instance }) => (agent === null ? null : instance === null ? agent : `${agent} / ${instance}`),
  },
  { id: 'text', header: 'What', width: 'minmax(200px, 2.4fr)', cell: ({ text }) => inert(text) },
  {
    id: 'by',
    header: 'By',
    width: 'minmax(90px, 1fr)',
    cell: ({ by }) => (by === 'registry' ? <span className="quiet">itself</span> : <CopyId id={by} />),
  },
];

function About({ incident, onDone }: { incident: IncidentDetail; onDone: () => void }): ReactNode {
  const { agents, owner, onCall, runbook, acknowledgedBy, acknowledgedAt, resolvedBy, resolvedAt, remindAt } = incident;
  return (
    <Panel title="About">
      <KeyValues
        rows={[
          [
            'Agents',
            <ul key="agents">
              {agents.map((agent) => (
                <li key={agent}>
                  <Link to={`/agents/${encodeURIComponent(agent)}?view=instances`}>{agent}</Link>
                </li>
              ))}
            </ul>,
          ],
          ['Owner', owner],
          ['On call', onCall],
          [
            'Runbook',
            runbook && (
              <a key="runbook" href={runbook} rel="noreferrer noopener" target="_blank">
                {inert(runbook)}
              </a>
            ),
          ],
          [
            'Looked after by',
            acknowledgedBy && (
              <span key="ack">
                {acknowledgedBy}, <Moment at={acknowledgedAt} />
              </span>
            ),
          ],
          [
            'Ended by',
            resolvedBy && (
              <span key="end">
                {resolvedBy === 'registry' ? 'itself' : resolvedBy}, <Moment at={resolvedAt} />
              </span>
            ),
          ],
          ['Told again', remindAt && <Moment key="remind" at={remindAt} />],
        ]}
      />
      <Levers incident={incident} onDone={onDone} />
    </Panel>
  );
}

type Act = 'acknowledge' | 'note' | 'resolve';

function Levers({ incident: { id, status }, onDone }: { incident: IncidentDetail; onDone: () => void }): ReactNode {
  const mayAct = useMay('incidents:write');
  const [text, setText] = useState('');
  const doing = useMutation({
    mutationFn: (act: Act) =>
      act === 'note' ? client.incidents.note(id, text.trim()) : client.incidents[act](id, text.trim() || undefined),
    onSuccess: () => {
      setText('');
      onDone();
    },
  });
  if (!mayAct) return null;
  return (
    <div className={styles.answer}>
      <label className={styles.comment}>
        A note for the timeline
        <textarea value={text} maxLength={2_000} onChange={(event) => setText(event.target.value)} />
      </label>
      {doing.error && <ProblemNote error={doing.error} />}
      <div className={styles.levers}>
        {status === 'open' && (
          <Button kind="primary" isPending={doing.isPending} onPress={() => doing.mutate('acknowledge')}>
            I look after it
          </Button>
        )}
        <Button isDisabled={text.trim() === ''} isPending={doing.isPending} onPress={() => doing.mutate('note')}>
          Add note
        </Button>
        {status !== 'resolved' && (
          <Button isPending={doing.isPending} onPress={() => doing.mutate('resolve')}>
            It is over
          </Button>
        )}
      </div>
    </div>
  );
}
