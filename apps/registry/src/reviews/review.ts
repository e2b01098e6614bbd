import { reviewChangesMax, type Review } from '@signalbox/shared/contracts/registry/review.js';
import { changesBetween } from '../manifests/changes.ts';
import { sectionOf } from '../notifications/digest.ts';
import type { Message } from '../notifications/message.ts';
import type { PendingReview } from './review.store.ts';

/** What there is to look at since the version that was signed off. */
export function reviewOf({
  agent,
  version,
  manifest,
  changed_at,
  changed_by,
  signed,
  signed_manifest,
  signed_by,
  signed_at,
}: PendingReview): Review {
  const paths = changesBetween(signed_manifest ?? {}, manifest).map(({ path }) => path);
  return {
    agent,
    version,
    signedVersion: signed,
    signedBy: signed_by,
    signedAt: signed_at?.toISOString() ?? null,
    contractChanged: changesBetween(signed_manifest?.spec.skills ?? [], manifest.spec.skills ?? []).length > 0,
    changes: paths.slice(0, reviewChangesMax),
    changedAt: changed_at.toISOString(),
    changedBy: changed_by,
  };
}

/** What is to be signed off; null: nothing, and nobody asked for a message then. */
export function reviewMessage(reviews: readonly Review[], evenIfEmpty = false): Message | null {
  if (reviews.length === 0 && !evenIfEmpty) return null;
  const line = ({ agent, version, signedVersion, changes, changedBy }: Review): { text: string; path: string } => ({
    text:
      signedVersion === null
        ? `${agent} version ${version} was never signed off`
        : `${agent} version ${version}, signed off at ${signedVersion}: ${changes.slice(0, 5).join(', ')}${changes.length > 5 ? ' and more' : ''} (by ${changedBy})`,
    path: `/agents/${agent}`,
  });
  const contracts = reviews.filter(({ contractChanged }) => contractChanged);
  const others = reviews.filter(({ contractChanged }) => !contractChanged);
  return {
    kind: 'review',
    title: `Review: ${reviews.length === 0 ? 'nothing' : `${reviews.length} ${reviews.length === 1 ? 'agent' : 'agents'}`} to sign off`,
    severity: null,
    text: reviews.length === 0 ? '' : 'Look at what changed, then: signalbox sign-off AGENT',
    facts: [],
    sections: [
      ...(contracts.length > 0 ? [sectionOf('Changed contracts', contracts.map(line))] : []),
      ...(others.length > 0 ? [sectionOf('Changed agents', others.map(line))] : []),
    ],
    path: '/agents',
  };
}
