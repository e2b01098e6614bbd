import type { AgentDetail } from '@signalbox/sdk/client/agents.js';
import type { Eval } from '@signalbox/sdk/client/evals.js';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { shareText } from '../../model/evals.ts';
import { lampOf } from '../../model/lamps.ts';
import { Button } from '../../parts/button.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { OneEval } from './one-eval.tsx';
import styles from './stages.module.css';

const columns: readonly Column<Eval>[] = [
  {
    id: 'suite',
    header: 'Suite',
    width: 'minmax(120px, 1fr)',
    place: 'title',
    cell: ({ suite, suiteVersion }) => (
      <span className={styles.source}>
        <strong>{suite}</strong>
        <span className="quiet">version {suiteVersion}</span>
      </span>
    ),
  },
  { id: 'version', header: 'Agent’s version', width: '116px', align: 'end', cell: ({ version }) => version },
  { id: 'status', header: 'Status', width: '120px', place: 'corner', cell: ({ status }) => <LampWord lamp={lampOf(status)} /> },
  { id: 'passed', header: 'Passed', width: '84px', align: 'end', cell: ({ result }) => result && shareText(result.passRate.value) },
  { id: 'score', header: 'Score', width: '84px', align: 'end', cell: ({ result }) => result && shareText(result.score.value) },
  {
    id: 'against',
    header: 'Against',
    width: 'minmax(110px, 0.7fr)',
    cell: ({ result }) =>
      result?.comparison &&
      `${result.comparison.verdict === 'same' ? 'same as' : `${result.comparison.verdict} than`} ${result.comparison.version === undefined ? 'then' : `version ${result.comparison.version}`}`,
  },
  { id: 'started', header: 'Started', width: '104px', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

/** Suites put to versions of an agent, what each found out, and the lever that starts one. */
export function Evals({ agent }: { agent: AgentDetail }): ReactNode {
  const [search] = useSearchParams();
  const chosen = search.get('eval');
  const evals = useInfiniteQuery(queries.evals({ agent: agent.name }));
  const rows = evals.data?.pages.flatMap(({ data }) => data);
  const hrefOf = ({ id }: Eval): { search: string } => {
    const next = new URLSearchParams(search);
    next.set('eval', id);
    return { search: next.toString() };
  };
  return (
    <div className={styles.parts}>
      <Panel title="Evals" note="how good versions are at what they are there for" actions={<Start agent={agent} />} flush>
        <Loaded query={{ ...evals, data: rows }}>
          {(data) => (
            <DataTable
              label={`Evals of ${agent.name}`}
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              hrefOf={hrefOf}
              replace
              isSelected={({ id }) => id === chosen}
              onEnd={() => evals.hasNextPage && !evals.isFetchingNextPage && void evals.fetchNextPage()}
              empty={
                <Empty title="No suite was put to it yet." command={`npx signalbox evals run SUITE --agent ${agent.name}`}>
                  A suite holds cases and graders; apply one as a manifest of kind EvalSuite.
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
      {chosen !== null && <OneEval key={chosen} id={chosen} />}
    </div>
  );
}

/** Puts a suite to the current version. */
function Start({ agent }: { agent: AgentDetail }): ReactNode {
  const mayRun = useMay('evals:run');
  const suites = useQuery({ ...queries.evalSuites(), enabled: mayRun });
  const [suite, setSuite] = useState('');
  const tell = useTell();
  const cache = useQueryClient();
  const start = useMutation({
    mutationFn: (name: string) => client.evals.start({ suite: name, agent: agent.name, version: agent.version }),
    onSuccess: async ({ suite: name, version }) => {
      tell(`${name} is put to version ${version}.`);
      await cache.invalidateQueries({ queryKey: ['agent', agent.name, 'evals'] });
    },
  });
  const known = suites.data ?? [];
  const wanted = suite || known[0]?.name;
  if (!mayRun || wanted === undefined) return null;
  return (
    <>
      <label className={styles.choice}>
        Suite
        <select value={wanted} onChange={(event) => setSuite(event.target.value)}>
          {known.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Button small isPending={start.isPending} onPress={() => start.mutate(wanted)}>
        Put {wanted} to version {agent.version}
      </Button>
      {start.error && <ProblemNote error={start.error} />}
    </>
  );
}
