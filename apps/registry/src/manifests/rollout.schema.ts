import { liveMetrics, mirrorMetrics, rolloutStrategies, stickByPattern } from '@signalbox/shared/contracts/registry/rollout-terms.js';
import { callsDefault, mirrorDefault, stepsMax } from '../rollouts/rollout-plan.ts';
import { gradersSchema } from './graders.schema.ts';
import { metricSchema } from './gate.schema.ts';
import { labelsSchema, nameSchema } from './schema-parts.ts';

/** `spec.rollout` of an agent: how a new version takes the place of the one that is there. */
export const rolloutSchema = {
  type: 'object',
  description: 'How a new version takes the place of the current one. Absent: at once, and nobody watches.',
  properties: {
    strategy: {
      enum: rolloutStrategies,
      description:
        '`canary`: step by step; `rolling`: by processes; `shadow`: calls are mirrored to it, or recorded ones put to it, before it gets any; `blue-green`: beside the other, then in its place; `all-at-once`: in its place, watched.',
    },
    steps: {
      type: 'array',
      minItems: 1,
      maxItems: stepsMax,
      description: 'One after the other; each must hold. After the last the new version is the current one.',
      items: {
        type: 'object',
        properties: {
          share: { type: 'number', minimum: 0, maximum: 1, description: 'Of all calls; 0 if absent.' },
          mirror: {
            type: 'number',
            minimum: 0,
            maximum: 1,
            description:
              'Of the calls that the stable version has, so many go to the new one as well, and nothing but its answer comes of them.',
          },
          labels: { ...labelsSchema, minProperties: 1, description: 'Beside the share: all calls of runs with these labels.' },
          holdMs: { type: 'integer', minimum: 0, maximum: 2_592_000_000, description: 'How long it lasts at least; 0 if absent.' },
          pause: { type: 'boolean', description: 'Then a person has to say that it goes on.' },
        },
        additionalProperties: false,
      },
    },
    measures: {
      type: 'array',
      maxItems: 20,
      items: metricSchema,
      description: `What must hold, against the stable version where it says maxRise or maxFall: ${liveMetrics.join(', ')}, of mirrored calls ${mirrorMetrics.join(', ')}, mirror.score.GRADER.changeLow, or evidence as evals.SUITE.score.`,
    },
    evals: {
      type: 'array',
      minItems: 1,
      maxItems: 5,
      uniqueItems: true,
      items: nameSchema,
      description: 'Suites that are put to the new version when it begins; measures ask for what they find out.',
    },
    repeatable: {
      const: true,
      description:
        'Calling the agent once more changes nothing outside: needed where calls are mirrored, unless it is a model without tools.',
    },
    mirror: {
      type: 'object',
      description: 'What bounds the calls that are mirrored; those beyond it are skipped.',
      properties: {
        perSecond: {
          type: 'integer',
          minimum: 1,
          maximum: 1_000,
          description: `On each replica of execution; ${mirrorDefault.perSecond} if absent.`,
        },
        inFlight: {
          type: 'integer',
          minimum: 1,
          maximum: 64,
          description: `At once, on each replica of execution; ${mirrorDefault.inFlight} if absent.`,
        },
        budgetUsd: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 1_000_000,
          description: `What they may cost together; ${mirrorDefault.budgetUsd} if absent.`,
        },
      },
      additionalProperties: false,
    },
    compare: {
      ...gradersSchema,
      description: 'Graders of both answers of a mirrored call, each against what the stable version answered.',
    },
    calls: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      description: `Calls of the new version within a step before it is judged; ${callsDefault}.`,
    },
    stickBy: {
      type: 'string',
      pattern: stickByPattern.source,
      description:
        'What goes to one version together: `call` (default), `run`, or `label:NAME`: all runs with the same value of the label.',
    },
    onFailure: { enum: ['rollback', 'pause'], description: 'What follows when a measure does not hold; `rollback`.' },
  },
  required: ['strategy'],
  additionalProperties: false,
} as const;
