import { IsOptional, IsString, MaxLength } from 'class-validator';

/** Why somebody does something to a rollout. */
export class RolloutBody {
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}
