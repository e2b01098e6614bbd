/** Those who follow a run, in a process of their own. Run with the events' URL and their number, and the key in the environment. */
import { Agent, request } from 'node:http';

const [url = '', count = ''] = process.argv.slice(2);
const headers = { authorization: `Bearer ${process.env['SIGNALBOX_API_KEY']}`, accept: 'text/event-stream' };
const agent = new Agent({ maxSockets: Infinity });

const follow = (onOpen: () => void): Promise<boolean> =>
  new Promise((resolve, reject) => {
    request(url, { agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      let tail = '';
      let isTold = false;
      response.on('data', (chunk: Buffer) => {
        const text = tail + chunk.toString('latin1');
        isTold ||= text.includes('event: run.succeeded');
        tail = text.slice(-100); // the name may come in two chunks
      });
      response.once('end', () => resolve(isTold));
      response.once('error', reject);
      onOpen();
    })
      .once('error', reject)
      .end();
  });

let open = 0;
const followers = Array.from({ length: Number(count) }, () =>
  follow(() => {
    if (++open === Number(count)) process.send?.('open');
  }),
);
const told = (await Promise.all(followers)).filter(Boolean).length;
process.send?.(told, () => process.disconnect());
