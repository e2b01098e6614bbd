import { connect } from '@nats-io/transport-node';

// Answers each task with its own number, and nothing of ours in between.
const connection = await connect({ servers: process.argv[2] ?? '' });
connection.subscribe('work', {
  queue: 'workers',
  callback: (error, message) => {
    if (error) throw error;
    const { id, input } = message.json<{ id: string; input: { n: number } }>();
    message.respond(JSON.stringify({ id, output: input.n }));
  },
});
await connection.flush();
process.send?.('ready');
