import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import type { Fault } from '../errors/fault.ts';
import { idPattern, namePattern } from '../ids/ids.ts';
import { validate } from './validate.ts';

class Part {
  @IsInt() size!: number;
}

class Message {
  @IsOptional() @ValidateNested({ each: true }) @Type(() => Part) parts?: unknown;
  @IsOptional() @IsInt() @Min(1) @Max(200) limit?: unknown;
  @IsOptional() @IsIn(['a', 'b'], { each: true }) status?: unknown;
  @IsOptional() @Matches(namePattern) name?: unknown;
  @IsOptional() @Matches(idPattern('run')) run?: unknown;
  @IsOptional() @Matches(/^x+$/) other?: unknown;
}

function faultsOf(value: object): unknown {
  try {
    return validate(Message, value);
  } catch (fault) {
    return (fault as Fault).errors?.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
}

test('what is wrong is said once, in words that people know', () => {
  expect(faultsOf({ limit: 'abc' })).toEqual(['/limit must be an integer number']);
  expect(faultsOf({ limit: 0 })).toEqual(['/limit must not be less than 1']);
  expect(faultsOf({ status: ['c'] })).toEqual(['/status each value must be one of the following values: a, b']);
  expect(faultsOf({ name: 'NO' })).toEqual([
    '/name must be a name: lower-case letters, digits and hyphens, at most 63, no hyphen at either end',
  ]);
  expect(faultsOf({ run: 'hello' })).toEqual(['/run must be an identifier that begins with run_']);
  expect(faultsOf({ other: 'y' })).toEqual(['/other must match /^x+$/']);
  expect(faultsOf({ more: 1 })).toEqual(['/more is not a known field']);
});

test('what is nested is an instance of its class, and what is wrong there is said by where it stands', () => {
  expect(faultsOf({ parts: [{ size: 1 }] })).toMatchObject({ parts: [expect.any(Part)] });
  expect(faultsOf({ parts: { size: 1 } })).toMatchObject({ parts: expect.any(Part) });
  expect(faultsOf({ parts: [{ size: 1 }, { size: 'x' }] })).toEqual(['/parts/1/size must be an integer number']);
  expect(faultsOf({ parts: [{ constructor: 1 }] })).toEqual(['/parts/0/constructor is not a known field']);
  expect(faultsOf({ parts: [Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`f${at}`, at]))] })).toEqual([
    '/parts/0 has more than 100 fields',
  ]);
  expect(faultsOf({ parts: 'x' })).toEqual([expect.stringMatching(/^\/parts /)]);
  expect(faultsOf({ parts: null })).toEqual({ parts: null });
});
