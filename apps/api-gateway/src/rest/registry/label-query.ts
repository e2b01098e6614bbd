import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsOptional, Matches } from 'class-validator';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { labelFilterPattern } from '@signalbox/shared/contracts/registry/list-agents.js';

/** A list that can be narrowed by labels. */
export class LabelQuery extends PageRequest {
  /** Only those with this label, as `team=payments`; may stand several times. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))
  @IsArray()
  @ArrayMaxSize(8)
  @Matches(labelFilterPattern, { each: true })
  label?: string[];
}

/** The query as the contract takes it. */
export function labelsOf<Query extends LabelQuery>({ label, ...query }: Query): Omit<Query, 'label'> & { labels?: string[] } {
  return { ...query, ...(label !== undefined && { labels: label }) };
}
