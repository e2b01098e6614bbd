// A worker for tests, on nothing but Node: it beats at SIGNALBOX_URL until SIGTERM. Its arguments make it misbehave.
const { SIGNALBOX_URL: url, SIGNALBOX_API_KEY: key, SIGNALBOX_AGENT: agent, SIGNALBOX_INSTANCE: instance } = process.env;
const version = Number(process.env.SIGNALBOX_AGENT_VERSION);
const [mode = 'well'] = process.argv.slice(2);
if (mode === 'exits') {
  console.error('no configuration was found');
  process.exit(3);
}
if (mode === 'tells') {
  console.error(`cannot log in with ${process.env.API_TOKEN}`);
  process.exit(1);
}
async function say(body) {
  const answer = await fetch(`${url}/beat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      agent,
      instance,
      version,
      pid: process.pid,
      environment: Object.keys(process.env).sort(),
      token: process.env.API_TOKEN,
      ...body,
    }),
  });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
}
console.log('beating');
process.on('SIGTERM', async () => {
  await say({ status: 'gone' }).catch(() => undefined);
  process.exit(0);
});
for (;;) {
  await say({ skills: mode === 'unskilled' ? [] : ['work'] }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
