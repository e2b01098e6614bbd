import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';

/** The workflow of one step that a call to an agent is. */
export function invocationOf(call: {
  agent: string;
  skill?: string;
  version?: number;
  fallback?: string;
  timeoutMs?: number;
}): WorkflowManifest {
  return {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Workflow',
    metadata: { name: call.agent },
    spec: {
      steps: {
        call: {
          agent: call.agent,
          ...(call.skill !== undefined && { skill: call.skill }),
          ...(call.version !== undefined && { version: call.version }),
          ...(call.fallback !== undefined && { fallback: call.fallback }),
          ...(call.timeoutMs !== undefined && { timeout: call.timeoutMs }),
          with: '${{ input }}',
        },
      },
      outputs: '${{ steps.call.output }}',
    },
  };
}
