import type { Budget } from '@signalbox/sdk/client/budgets.js';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { budgetsSentence, periodWords, scopeHref, scopeText, usesOf } from '../../model/budgets.ts';
import { BudgetBars } from '../../parts/budget-bar.tsx';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { useFilter } from '../../routing/filter.ts';
import { useMay } from '../../shell/who.ts';
import { SetBudget } from './set-budget.tsx';
import styles from './budgets.module.css';

/** So many have their bars at once; the rest is found by searching, or shown when asked for. */
const shownMax = 50;

/** What all runs of the workspace, of a workflow, or all calls to an agent may use together, and what is left of it. */
export default function BudgetsPage(): ReactNode {
  const budgets = useQuery(queries.budgets());
  const { q, setQ } = useFilter();
  const mayWrite = useMay('budgets:write');
  const [setting, setSetting] = useState<Budget | 'new' | null>(null);
  const [shownCount, setShownCount] = useState(shownMax);
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = budgets.data?.filter((budget) =>
    words.every((word) => `${budget.scope} ${budget.description ?? ''}`.toLowerCase().includes(word)),
  );
  const set = mayWrite && (
    <Button kind="primary" onPress={() => setSetting('new')}>
      <Plus size={15} aria-hidden />
      Set a budget
    </Button>
  );
  return (
    <Page title="Budgets" sentence={budgets.data && budgetsSentence(budgets.data)} actions={set}>
      {(budgets.data?.length ?? 0) > 1 && <SearchField value={q} onChange={setQ} label="Search budgets" placeholder="Workflow or agent" />}
      <Panel flush>
        <Loaded query={{ ...budgets, data: found }} rows={4}>
          {(data) =>
            data.length === 0 ? (
              q === '' ? (
                <Empty title="No budgets." command="npx signalbox budgets set workspace --cost-usd 100 --period month">
                  Nothing limits what all runs together may use. A run and a step may have a budget in their workflow’s file.
                </Empty>
              ) : (
                <Empty title="No budget matches." />
              )
            ) : (
              <>
                {data.slice(0, shownCount).map((budget) => (
                  <PanelPart key={budget.scope} title={<Scope scope={budget.scope} />} note={<Period budget={budget} />}>
                    {budget.description !== null && <p className="quiet">{budget.description}</p>}
                    <BudgetBars uses={usesOf(budget)} owner={scopeText(budget.scope)} />
                    {mayWrite && <Levers budget={budget} onEdit={() => setSetting(budget)} />}
                  </PanelPart>
                ))}
                {data.length > shownCount && (
                  <PanelPart>
                    <Button small onPress={() => setShownCount(shownCount + shownMax)}>
                      Show more of {data.length}
                    </Button>
                  </PanelPart>
                )}
              </>
            )
          }
        </Loaded>
      </Panel>
      {setting !== null && <SetBudget known={setting === 'new' ? null : setting} onClose={() => setSetting(null)} />}
    </Page>
  );
}

function Scope({ scope }: { scope: string }): ReactNode {
  const href = scopeHref(scope);
  return href === null ? scopeText(scope) : <Link to={href}>{scopeText(scope)}</Link>;
}

function Period({ budget: { period, renewsAt } }: { budget: Budget }): ReactNode {
  if (renewsAt === null) return periodWords[period];
  return (
    <>
      {periodWords[period]}, anew <Moment at={renewsAt} />
    </>
  );
}

function Levers({ budget: { scope }, onEdit }: { budget: Budget; onEdit: () => void }): ReactNode {
  const budgets = useQuery({ ...queries.budgets(), enabled: false });
  const tell = useTell();
  return (
    <div className={styles.levers}>
      <Button small onPress={onEdit}>
        Change
      </Button>
      <Confirm
        small
        action="Remove"
        keep="Keep it"
        question={`Remove the budget of ${scopeText(scope).toLowerCase()}?`}
        onConfirm={async () => {
          await client.budgets.remove(scope);
          await budgets.refetch();
          tell(`The budget ${scope} is removed.`);
        }}
      >
        <p>Runs go on without it, and nothing limits what they use together. What was counted is gone.</p>
      </Confirm>
    </div>
  );
}
