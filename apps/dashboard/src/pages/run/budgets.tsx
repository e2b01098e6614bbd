import type { BudgetUse } from '@signalbox/sdk/client/runs.js';
import { useState, type ReactNode } from 'react';
import { budgetsByOwner, ownerText } from '../../model/budgets.ts';
import { BudgetBars } from '../../parts/budget-bar.tsx';
import { Button } from '../../parts/button.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';

/** So many have their bars at once; the rest is shown when asked for. */
const shownMax = 6;

/** What limits the run: used, set aside for what is under way, and how much there is. */
export function Budgets({ budgets }: { budgets: readonly BudgetUse[] }): ReactNode {
  const [showsAll, setShowsAll] = useState(false);
  const owners = budgetsByOwner(budgets);
  const shown = showsAll ? owners : owners.slice(0, shownMax);
  return (
    <Panel title="Budgets" flush>
      {shown.map(([of, uses]) => (
        <PanelPart key={of} title={ownerText(of)}>
          <BudgetBars uses={uses} owner={ownerText(of)} />
        </PanelPart>
      ))}
      {shown.length < owners.length && (
        <PanelPart>
          <Button small onPress={() => setShowsAll(true)}>
            Show all {owners.length}
          </Button>
        </PanelPart>
      )}
    </Panel>
  );
}
