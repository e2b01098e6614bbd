import { getChannel } from '@signalbox/shared/contracts/registry/get-channel.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetChannelRoute = getRoute('GetChannel', 'channels', getChannel, { summary: 'One channel with its manifest' });
