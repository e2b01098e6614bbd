import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { counted } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { problemOf } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';

/** Has a version measured by what its manifest says and its calls did. */
export function Measure({ agent, version }: { agent: string; version: number }): ReactNode {
  const mayMeasure = useMay('evidence:write');
  const tell = useTell();
  const queryClient = useQueryClient();
  const [isPending, setPending] = useState(false);
  if (!mayMeasure) return null;
  const measure = async (): Promise<void> => {
    setPending(true);
    try {
      const { added, lacks } = await client.evidence.measure(agent, version);
      await queryClient.invalidateQueries({ queryKey: ['agent', agent] });
      const found = added.length === 0 ? 'Nothing new was measured' : `${counted(added.length, 'piece')} of evidence added`;
      tell([found, ...lacks].join('; ') + '.');
    } catch (error) {
      tell(problemOf(error).title);
    } finally {
      setPending(false);
    }
  };
  return (
    <Button small isPending={isPending} onPress={() => void measure()}>
      Measure now
    </Button>
  );
}
