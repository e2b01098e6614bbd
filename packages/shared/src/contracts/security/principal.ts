import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsISO8601, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { roles, type Role } from '../../identity/roles.ts';

export const principalKinds = ['user', 'service-account', 'agent'] as const;
/** A person, a program, or an agent: whoever acts in a workspace. */
export type PrincipalKind = (typeof principalKinds)[number];

/** `user_…`, `sa_…` or `agent_…`. */
export const principalPattern = /^(?:user|sa|agent)_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Who may act in the workspace, and with which roles. */
export class Principal {
  @Matches(principalPattern) id!: string;
  @IsIn(principalKinds) kind!: PrincipalKind;
  @IsString() @MinLength(1) @MaxLength(100) name!: string;
  @IsArray() @ArrayMaxSize(roles.length) @ArrayUnique() @IsIn(roles, { each: true }) roles!: Role[];
  /** A disabled principal's keys, sessions and grants are refused. */
  @IsBoolean() disabled!: boolean;
  @IsISO8601() createdAt!: string;
}
