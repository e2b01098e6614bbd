import { applyChannel } from '@signalbox/shared/contracts/registry/apply-channel.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyChannelRoute = applyRoute('ApplyChannel', 'channels', applyChannel, {
  summary: 'Create a channel or replace its manifest',
  description: '`If-Match: "0"`: only if it does not exist yet.',
});
