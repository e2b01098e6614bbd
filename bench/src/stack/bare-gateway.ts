/** The floor of the gateway: a bare Fastify route that makes the same bus request. Run with NATS's URL, the gateway's credentials and a key. */
import 'reflect-metadata';
import { fastify } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { IdentityBroker } from '@signalbox/shared/identity/identity-broker.js';

const [natsUrl = '', natsCreds = ''] = process.argv.slice(2);
const bus = new Bus('api-gateway', await connectBus({ natsUrl, natsCreds, name: 'api-gateway' }));
bus.broker = new IdentityBroker(bus);
const { caller } = await bus.broker.callerOfCredential('key', process.env['SIGNALBOX_API_KEY'] ?? '');
const server = fastify();
server.get<{ Params: { name: string } }>('/api/v1/agents/:name', ({ params }) => bus.request(getAgent, { name: params.name }, caller));
const url = await server.listen({ port: 0, host: '127.0.0.1' });
process.send?.(url);
