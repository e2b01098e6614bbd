import { worker } from '@signalbox/sdk/worker/worker.js';
import type { Brief } from './report/combine.ts';
import { writeTemplate } from './report/write-template.ts';
import { objectWith } from './schemas.ts';

/** The writer where no model is configured: it fills a template. With one, the agent `writer` is of kind `llm` and this is not started. */
export const writerSkills = {
  write: {
    description: 'Writes the summary of a report and what stands out in it, from a template',
    input: objectWith({ brief: { type: 'object' } }),
    run: ({ brief }: { brief: Brief }): { text: string; by: string } => ({
      text: writeTemplate(brief),
      by: 'a template (no model is configured)',
    }),
  },
};

if (process.argv[1] === import.meta.filename) {
  await worker({ agent: 'writer', skills: writerSkills }).run();
}
