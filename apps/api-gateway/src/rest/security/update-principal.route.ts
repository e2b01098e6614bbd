import { Body, Controller, Param, Patch } from '@nestjs/common';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  MaxLength,
  MinLength,
} from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { updatePrincipal } from '@signalbox/shared/contracts/security/update-principal.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { roles, type Role } from '@signalbox/shared/identity/roles.js';
import { Operation } from '../../platform/operation.ts';

/** What is absent stays as it is. */
class UpdatePrincipalBody {
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) name?: string;
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(roles.length) @ArrayUnique() @IsIn(roles, { each: true }) roles?: Role[];
  @IsOptional() @IsBoolean() disabled?: boolean;
}

@Controller('api/v1/principals')
export class UpdatePrincipalRoute {
  constructor(private readonly bus: Bus) {}

  @Patch(':id')
  @Operation(updatePrincipal, {
    summary: 'Rename a principal, change its roles, disable or enable it',
    description: 'Other roles end its browser sessions and are felt by its keys at once.',
    body: UpdatePrincipalBody,
  })
  handle(@Param('id') id: string, @Body() body: UpdatePrincipalBody, @FromCaller() caller: Caller): Promise<Principal> {
    return this.bus.request(updatePrincipal, { id, ...body }, caller);
  }
}
