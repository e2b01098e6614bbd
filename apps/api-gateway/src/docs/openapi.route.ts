import { Controller, Get, Header, Inject } from '@nestjs/common';

export const openApiJson = Symbol('openApiJson');

/** The OpenAPI document: made once at start. */
@Controller('api/openapi.json')
export class OpenApiRoute {
  constructor(@Inject(openApiJson) private readonly document: string) {}

  @Get()
  @Header('content-type', 'application/json')
  handle(): string {
    return this.document;
  }
}
