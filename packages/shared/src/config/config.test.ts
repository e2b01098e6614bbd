import 'reflect-metadata';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { IsArray, IsBoolean, IsInt, IsString, Max, MinLength } from 'class-validator';
import { ConfigError, loadConfig } from './config.ts';

class Example {
  @IsInt() @Max(10) maxThings = 3;
  @IsString() @MinLength(2) name = 'box';
  @IsBoolean() isOpen = false;
  @IsArray() @IsString({ each: true }) hosts: string[] = [];
}

test('without variables the defaults stand', () => {
  expect(loadConfig(Example, {})).toEqual({ maxThings: 3, name: 'box', isOpen: false, hosts: [] });
});

test('variables are converted to the type of the default', () => {
  const environment = { MAX_THINGS: '7', NAME: 'signal', IS_OPEN: 'true', HOSTS: 'a, b' };
  expect(loadConfig(Example, environment)).toEqual({ maxThings: 7, name: 'signal', isOpen: true, hosts: ['a', 'b'] });
});

test('an empty variable is as none', () => {
  expect(loadConfig(Example, { NAME: '' }).name).toBe('box');
});

test('all faults are said at once, by the names of their variables', () => {
  const load = (): unknown => loadConfig(Example, { MAX_THINGS: 'many', NAME: 'x', IS_OPEN: 'perhaps' });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(/MAX_THINGS[^]*NAME[^]*IS_OPEN/);
});

test('a value may stand in a file, as containers mount secrets', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sb-config-'));
  const file = join(folder, 'name');
  await writeFile(file, 'from a file\n');
  expect(loadConfig(Example, { NAME_FILE: file }).name).toBe('from a file');
  expect(() => loadConfig(Example, { NAME_FILE: join(folder, 'none') })).toThrow(/NAME_FILE: ENOENT/);
  await rm(folder, { recursive: true });
});
