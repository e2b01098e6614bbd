import type { Gate, GateMetric } from '@signalbox/sdk/client/gates.js';
import { useQuery } from '@tanstack/react-query';
import { useId, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { gateNote, gatesSentence, stages, thresholdText } from '../../model/gates.ts';
import { stageLamp, stageName } from '../../model/stages.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { CheckedGate } from '../agents/checked-gate.tsx';
import { Measure } from '../agents/measure.tsx';
import styles from '../agents/stages.module.css';

/** Agents that are offered; others can be typed. */
const offeredMax = 200;

/** What each stage asks for; of one version of an agent, how it stands against that. */
export default function GatesPage(): ReactNode {
  const [search] = useSearchParams();
  const agent = search.get('agent') ?? '';
  return agent === '' ? <AllGates /> : <GatesOf key={agent} agent={agent} />;
}

function AllGates(): ReactNode {
  const gates = useQuery(queries.gates());
  return (
    <Page title="Gates" sentence="What a version of an agent needs to get to each stage." actions={<AgentChoice agent="" />}>
      <Loaded query={gates} rows={8}>
        {(data) => (
          <div className={styles.parts}>
            {stages.map((stage) => {
              const own = data.filter((gate) => gate.stages.includes(stage));
              return (
                <Panel key={stage} title={stageName(stage)} flush>
                  {own.length === 0 && (
                    <Empty title="Nothing is asked for here.">A manifest of kind Gate that names this stage says what is.</Empty>
                  )}
                  {own.map((gate) => (
                    <OneGate key={gate.name} gate={gate} />
                  ))}
                </Panel>
              );
            })}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

const columns: readonly Column<GateMetric>[] = [
  { id: 'metric', header: 'Metric', width: 'minmax(150px, 1fr)', place: 'title', cell: ({ metric }) => <code>{metric}</code> },
  { id: 'asks', header: 'Must be', width: 'minmax(160px, 1.6fr)', cell: (metric) => thresholdText(metric) },
];

function OneGate({ gate }: { gate: Gate }): ReactNode {
  const { name, description, metrics } = gate;
  return (
    <PanelPart title={name} note={gateNote(gate)}>
      {description !== '' && <p className={styles.says}>{description}</p>}
      {metrics.length > 0 && <DataTable label={`Metrics of ${name}`} columns={columns} rows={metrics} keyOf={({ metric }) => metric} />}
    </PanelPart>
  );
}

function GatesOf({ agent }: { agent: string }): ReactNode {
  const [search] = useSearchParams();
  const detail = useQuery(queries.agent(agent));
  const asked = Number(search.get('version'));
  const version = Number.isSafeInteger(asked) && asked >= 1 ? asked : detail.data?.version;
  const checks = useQuery({ ...queries.agentStages(agent, version ?? 1), enabled: version !== undefined });
  return (
    <Page
      title="Gates"
      parent={{ label: 'All gates', to: '/gates' }}
      sentence={checks.data && gatesSentence(agent, checks.data.version, checks.data.checks)}
      actions={
        <>
          <AgentChoice agent={agent} version={version} />
          {version !== undefined && <Measure agent={agent} version={version} />}
        </>
      }
    >
      <Loaded query={detail.isError ? { ...checks, error: detail.error, isPending: false, refetch: detail.refetch } : checks} rows={8}>
        {(data) => (
          <div className={styles.parts}>
            {data.checks.map((check) => (
              <Panel
                key={check.stage}
                title={stageName(check.stage)}
                note={<Link to={`/agents/${encodeURIComponent(agent)}?view=stages&version=${data.version}`}>Stages of {agent}</Link>}
                flush
              >
                <PanelPart>
                  <LampWord lamp={stageLamp(check)} />
                </PanelPart>
                {check.gates.map((gate) => (
                  <CheckedGate key={gate.gate} gate={gate} />
                ))}
              </Panel>
            ))}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

/** Which agent, and which of its versions. */
function AgentChoice({ agent, version }: { agent: string; version?: number | undefined }): ReactNode {
  const [, setSearch] = useSearchParams();
  const agents = useQuery(queries.agents());
  const versions = useQuery({ ...queries.agentVersions(agent), enabled: agent !== '' });
  const list = useId();
  const choose = (name: string): void => setSearch(name === '' ? {} : { agent: name });
  const known = [...new Set([...(version === undefined ? [] : [version]), ...(versions.data ?? []).map((one) => one.version)])];
  return (
    <>
      <form
        className={styles.choice}
        onSubmit={(event) => {
          event.preventDefault();
          const asked = new FormData(event.currentTarget).get('agent');
          if (typeof asked === 'string') choose(asked.trim());
        }}
      >
        <label className={styles.choice}>
          Agent
          <input
            name="agent"
            list={list}
            defaultValue={agent}
            placeholder="all"
            autoComplete="off"
            onChange={({ target }) => {
              if (agents.data?.some(({ name }) => name === target.value)) choose(target.value);
            }}
          />
        </label>
        <datalist id={list}>
          {(agents.data ?? []).slice(0, offeredMax).map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </form>
      {version !== undefined && (
        <label className={styles.choice}>
          Version
          <select value={version} onChange={({ target }) => setSearch({ agent, version: target.value }, { replace: true })}>
            {known
              .sort((a, b) => b - a)
              .map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
          </select>
        </label>
      )}
    </>
  );
}
