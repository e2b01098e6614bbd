/** A process that answers: bare on NATS, and by contract through our bus. Run by the bus bench with the URL of NATS and a public key. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';
import { IdentityVerifier } from '@signalbox/shared/identity/verifier.js';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listenOnBus } from '@signalbox/shared/service/run-service.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { bareSubject, echo, type EchoReply, EchoRequest } from './echo.ts';

const [natsUrl = '', publicKey = '{}'] = process.argv.slice(2);

@Controller()
class EchoHandler {
  @Handles(echo)
  handle(@Payload() { text, count }: EchoRequest): EchoReply {
    return { text, count };
  }
}

const config = new ServiceConfig();
config.natsUrl = natsUrl;

@Module({ imports: [ServiceModule.forRoot({ name: 'context', config })], controllers: [EchoHandler] })
class EchoModule {}

const { app } = await listenOnBus(EchoModule, 'context');
(app.get(IdentityVerifier) as unknown as { source: unknown }).source = async () => ({ keys: [JSON.parse(publicKey) as object] });
app.get(Bus).connection.subscribe(bareSubject, {
  callback: (_error, message) => {
    const { text, count } = message.json<EchoRequest>();
    message.respond(JSON.stringify({ text, count }));
  },
});
process.send?.('ready');
