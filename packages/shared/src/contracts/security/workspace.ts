import { IsISO8601, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';

/** A tenant: everything else belongs to one. */
export class Workspace {
  @IsUUID() id!: string;
  @Matches(namePattern) name!: string;
  /** As people call it. */
  @IsString() @MaxLength(200) title!: string;
  @IsISO8601() createdAt!: string;
}
