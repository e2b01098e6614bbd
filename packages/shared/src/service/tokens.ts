import { Inject } from '@nestjs/common';

/** The NATS connection of the service. */
export const busConnection = Symbol('busConnection');
export const InjectBusConnection = (): ParameterDecorator & PropertyDecorator => Inject(busConnection);
