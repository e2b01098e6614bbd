import type { ApprovalAnswer, ApprovalDetail } from '@signalbox/sdk/client/approvals.js';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import styles from './approvals.module.css';

/** Approves with what the form asks for, or rejects once that was confirmed. */
export function AnswerForm({ approval }: { approval: ApprovalDetail }): ReactNode {
  const { id, run, form, onReject } = approval;
  const label = inert(approval.label);
  const [comment, setComment] = useState('');
  const queryClient = useQueryClient();
  const tell = useTell();
  const answer = async (said: ApprovalAnswer): Promise<void> => {
    try {
      await client.approvals.answer(id, { ...said, ...(comment.trim() !== '' && { comment: comment.trim() }) });
      tell(`${label} is ${said.approved ? 'approved' : 'rejected'}.`);
    } finally {
      // Refused, it may have been answered by another: that is to be seen too.
      await Promise.all([['approvals'], ['approval', id], ['run', run]].map((queryKey) => queryClient.invalidateQueries({ queryKey })));
    }
  };
  const approve = useMutation({ mutationFn: (data: unknown) => answer({ approved: true, ...(data !== undefined && { data }) }) });
  const reject = (
    <Confirm
      action="Reject"
      keep="Not now"
      question={`Reject ${label} of ${approval.workflow}?`}
      onConfirm={() => answer({ approved: false })}
    >
      <p>
        {onReject === 'fail' ? 'Its run fails at this step.' : 'Its run goes on, and knows that this was rejected.'}{' '}
        {comment.trim() === '' ? 'You have not said why; a comment would stay with the run.' : 'Your comment stays with the run.'} An answer
        cannot be taken back.
      </p>
    </Confirm>
  );
  return (
    <Panel title="Answer">
      <div className={styles.answer}>
        <label className={styles.comment}>
          Comment
          <textarea value={comment} maxLength={2_000} rows={3} onChange={(event) => setComment(event.target.value)} />
        </label>
        {form === null ? (
          <div className={styles.levers}>
            <Button kind="primary" isPending={approve.isPending} onPress={() => approve.mutate(undefined)}>
              Approve
            </Button>
            {reject}
          </div>
        ) : (
          <SchemaForm schema={form} action="Approve" isPending={approve.isPending} onSubmit={(data) => approve.mutate(data)}>
            {reject}
          </SchemaForm>
        )}
        {approve.error && <ProblemNote error={approve.error} />}
      </div>
    </Panel>
  );
}
