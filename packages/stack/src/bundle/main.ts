import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { bundleService } from './bundle-service.ts';

/** Bundles built services, all if none is named: `node main.js ROOT [SERVICE…]`. */
const [root, ...named] = process.argv.slice(2);
for (const service of named.length > 0 ? named : serviceNames) await bundleService(root!, service);
