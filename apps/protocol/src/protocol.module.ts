import { Module } from '@nestjs/common';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { Breakers } from './breakers/breakers.ts';
import { BreakerStore } from './breakers/breaker.store.ts';
import { ListBreakersHandler } from './breakers/list-breakers.handler.ts';
import { GetModelPricesHandler } from './models/get-model-prices.handler.ts';
import { ListModelsHandler } from './models/list-models.handler.ts';
import { LlmAgent } from './models/llm-agent.ts';
import { ModelOffers } from './models/model-offers.ts';
import { ModelTargets } from './models/model-target.ts';
import { Prices } from './models/prices.ts';
import { Providers } from './models/providers.ts';
import { Toolboxes } from './models/toolbox.ts';
import { ProtocolConfig } from './protocol.config.ts';
import { SecretListener } from './secrets/secret.listener.ts';
import { AgentTargets } from './targets/agent-targets.ts';
import { HttpAgent } from './targets/http-agent.ts';
import { Targets } from './targets/targets.ts';
import { ToolCaller } from './targets/tool-caller.ts';
import { ToolProgressListener } from './targets/tool-progress.listener.ts';
import { StateTargets } from './targets/state-targets.ts';
import { ArtifactWriter } from './tasks/artifact-writer.ts';
import { Beats } from './tasks/beats.ts';
import { CancelTasksHandler } from './tasks/cancel-tasks.handler.ts';
import { Completer } from './tasks/completer.ts';
import { GetTaskStatusHandler } from './tasks/get-task-status.handler.ts';
import { OutputLimit } from './tasks/output-limit.ts';
import { StartTaskHandler } from './tasks/start-task.handler.ts';
import { TaskGrants } from './tasks/task-grant.ts';
import { TaskRunner } from './tasks/task-runner.ts';

/** Speaks to models, and to agents and tools that are called. */
@Module({
  imports: [ServiceModule.forRoot({ name: 'protocol', config: loadConfig(ProtocolConfig), entities: [] })],
  controllers: [
    StartTaskHandler,
    CancelTasksHandler,
    GetTaskStatusHandler,
    ListBreakersHandler,
    GetModelPricesHandler,
    ListModelsHandler,
    ToolProgressListener,
    SecretListener,
  ],
  providers: [
    TaskRunner,
    Beats,
    Completer,
    OutputLimit,
    ArtifactWriter,
    StateTargets,
    TaskGrants,
    Targets,
    AgentTargets,
    HttpAgent,
    ToolCaller,
    LlmAgent,
    Toolboxes,
    ModelOffers,
    ModelTargets,
    Prices,
    Providers,
    Breakers,
    BreakerStore,
  ],
})
export class ProtocolModule {}
