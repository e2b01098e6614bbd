import { IsNumber, IsString, MaxLength } from 'class-validator';
import { defineEvent, serviceNames } from '../../bus/contract.ts';

/** What lost its rights: all that was traded for it before `at` is void. */
export class Revocation {
  /** `key_…`, `sess_…`, `grant_…`, or a principal whose rights changed: all of its credentials are traded anew. */
  @IsString() @MaxLength(64) id!: string;

  /** Epoch milliseconds, with fractions. */
  @IsNumber() at!: number;
}

/** Tells every replica of every service at once; `listRevocations` is for whoever missed it. */
export const credentialRevoked = defineEvent({
  subject: 'sb.live.security.credential.revoked',
  payload: Revocation,
  listeners: serviceNames,
});
