import { Controller, Get } from '@nestjs/common';
import { listServices, type ListServicesReply } from '@signalbox/shared/contracts/api-gateway/list-services.js';
import { Operation } from '../platform/operation.ts';
import { ServiceWatch } from './service-watch.ts';

@Controller('api/v1/system/services')
export class ListServicesRoute {
  constructor(private readonly watch: ServiceWatch) {}

  @Get()
  @Operation(listServices, { summary: 'How each service of the installation is' })
  async handle(): Promise<ListServicesReply> {
    return { data: await this.watch.statuses() };
  }
}
