// `start-version.mjs CLONE [options]`: the services of another clone, which is built, under the launcher of this one.
import { main } from '@signalbox/stack/launch/main.js';

const [clone, ...options] = process.argv.slice(2);
process.exitCode = await main(clone, options);
