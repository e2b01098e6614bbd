import { connect } from '@nats-io/transport-node';

/** Hears beats, reads them as JSON and answers, with nothing of ours: its arguments are a server and a subject. */
const [url, subject] = process.argv.slice(2);
const connection = await connect({ servers: url as string });
connection.subscribe(subject as string, {
  callback: (error, message) => {
    if (error) throw error;
    message.json();
    message.respond('{"unknown":[]}');
  },
});
await connection.flush();
process.send?.('hears');
