import type { BudgetUse } from '@signalbox/sdk/client/runs.js';
import { useState, type ReactNode } from 'react';
import { amountText, budgetsByOwner, budgetTone, measureWord, ownerText, shares, useText } from '../../model/budgets.ts';
import { Button } from '../../parts/button.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import styles from './budgets.module.css';

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
          <ul className={styles.uses}>
            {uses.map((use) => (
              <Use key={use.measure} use={use} />
            ))}
          </ul>
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

function Use({ use }: { use: BudgetUse }): ReactNode {
  const { spent, held } = shares(use);
  return (
    <li className={styles.use}>
      <span>{measureWord(use.measure)}</span>
      <span className={styles.amount}>{useText(use)}</span>
      <span
        className={styles.bar}
        role="progressbar"
        aria-label={`${measureWord(use.measure)}, ${ownerText(use.of)}`}
        aria-valuetext={useText(use)}
        aria-valuenow={Math.round(spent * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <span className={`${styles.spent} ${styles[budgetTone(use)]}`} style={{ inlineSize: `${spent * 100}%` }} />
        <span className={styles.held} style={{ inlineSize: `${held * 100}%` }} />
      </span>
      {use.unreported > 0 && (
        <span className={styles.aside}>
          {amountText(use.measure, use.unreported)} of it was not told by who used it, or is of child runs
        </span>
      )}
    </li>
  );
}
