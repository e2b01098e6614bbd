import { Matches } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

/** A secret has another value, or is no more. */
export class SecretHeard {
  @Matches(namePattern) name!: string;
}

/** What one replica of the registry heard of a secret, for all of them: any may run workers that have it. */
export const secretHeard = defineEvent({
  subject: 'sb.live.registry.secret.heard',
  payload: SecretHeard,
  listeners: ['registry'],
});
