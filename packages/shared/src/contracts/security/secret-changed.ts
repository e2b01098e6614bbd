import { IsIn, IsInt, Matches, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class SecretChanged {
  @Matches(namePattern) name!: string;
  @IsInt() @Min(1) version!: number;
  @IsIn(['set', 'removed']) change!: 'set' | 'removed';
}

/** A secret has another value, or is no more: whoever uses it asks anew. Entity: the secret's id. */
export const secretChanged = defineEvent({
  subject: 'sb.event.security.secret.changed',
  payload: SecretChanged,
  listeners: ['mcp-server', 'protocol', 'registry', 'execution'],
});
