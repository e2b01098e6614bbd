/**
 * Loaded into each service before its own code: when the launcher is gone, however it went, the service ends as on SIGTERM, and then surely.
 */
const graceMs = 15_000;

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), graceMs).unref();
});
// What a service says while it ends has no reader any more: that is no reason to end unfinished.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
