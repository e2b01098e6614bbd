import { useMutation } from '@tanstack/react-query';
import { useRef, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useMay } from '../../shell/who.ts';

/** Reads a run from a file, and opens it. */
export function ImportRun(): ReactNode {
  const mayImport = useMay('workflows:write');
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const reading = useMutation({
    mutationFn: async (file: File) => client.runs.import(new Uint8Array(await file.arrayBuffer())),
    onSuccess: (run) => navigate(`/runs/${run.id}`),
  });
  if (!mayImport) return null;
  return (
    <>
      <Button isPending={reading.isPending} onPress={() => input.current?.click()}>
        Import a run
      </Button>
      <input
        ref={input}
        type="file"
        accept=".jsonl"
        hidden
        aria-label="A run's file"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          target.value = '';
          if (file) reading.mutate(file);
        }}
      />
      {reading.error && <ProblemNote error={reading.error} />}
    </>
  );
}
