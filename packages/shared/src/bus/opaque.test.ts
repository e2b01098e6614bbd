import { expect, test } from '@jest/globals';
import { IsArray, IsObject, IsOptional, IsString } from 'class-validator';
import { Opaque, opaqueFieldsOf } from './opaque.ts';
import { validate } from './validate.ts';

class Base {
  @IsOptional() @IsObject() @Opaque() arguments?: Record<string, unknown>;
}
class Message extends Base {
  @IsString() name!: string;
  @IsOptional() @IsArray() @Opaque() content?: unknown[];
}

test('opaque fields arrive word for word, whatever their keys are called', () => {
  const given = { name: 'x', arguments: JSON.parse('{"constructor":1,"__proto__":{"a":1},"then":[2]}'), content: [{ constructor: 'y' }] };
  const seen = validate(Message, given);
  expect(seen).toBeInstanceOf(Message);
  expect(seen.arguments).toBe(given.arguments);
  expect(seen.content).toBe(given.content);
  expect(opaqueFieldsOf(Message)).toEqual(['content', 'arguments']);
});

test('an opaque field is still checked by what stands beside it, and an absent one stays absent', () => {
  expect(() => validate(Message, { name: 'x', content: {} })).toThrow('/content: must be an array');
  expect(validate(Message, { name: 'x' })).toEqual({ name: 'x' });
  expect(validate(Message, { name: 'x', content: null })).toEqual({ name: 'x', content: null });
});
