import type { BudgetUse } from '@signalbox/sdk/client/runs.js';
import type { ReactNode } from 'react';
import { amountText, budgetTone, measureWord, shares, useText } from '../model/budgets.ts';
import styles from './budget-bar.module.css';

/** What is used of each measure and what is set aside, as bars. `owner`: whose budget it is, for those who do not see the heading. */
export function BudgetBars({ uses, owner }: { uses: readonly BudgetUse[]; owner: string }): ReactNode {
  return (
    <ul className={styles.uses}>
      {uses.map((use) => (
        <Bar key={use.measure} use={use} owner={owner} />
      ))}
    </ul>
  );
}

function Bar({ use, owner }: { use: BudgetUse; owner: string }): ReactNode {
  const { spent, held } = shares(use);
  return (
    <li className={styles.use}>
      <span>{measureWord(use.measure)}</span>
      <span className={styles.amount}>{useText(use)}</span>
      <span
        className={styles.bar}
        role="progressbar"
        aria-label={`${measureWord(use.measure)}, ${owner}`}
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
