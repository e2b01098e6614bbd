import { IsArray, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';

/** What `protocol` needs beside what every service needs. */
export class ProtocolConfig extends ServiceConfig {
  /** Internal hosts, addresses and networks that agents' URLs may lead to: `127.0.0.1:9000,models.internal,10.1.0.0/16`. None by default. */
  @IsArray() @IsString({ each: true }) outboundAllowInternal: string[] = [];

  /** Key of the provider `default`. */
  @IsOptional() @IsString() openaiApiKey = '';

  /** The provider `default`: any server that speaks the OpenAI API. Its host is allowed for models alone, internal or not. */
  @IsOptional() @Matches(/^(https?:\/\/\S+)?$/) openaiBaseUrl = '';

  /** US dollars per million input and output tokens: `gpt-5=1.25/10,llama3.3=0/0`. A model that is not listed costs 0. */
  @IsArray() @Matches(/^[^=]+=\d+(\.\d+)?\/\d+(\.\d+)?$/, { each: true }) modelPrices: string[] = [];

  /** Tasks that one process works on at once; more are refused and tried again by execution. */
  @IsInt() @Min(1) @Max(10_000) tasksMax = 512;

  /** The largest output of a target, in bytes; what does not fit a message is kept as an artifact. */
  @IsInt() @Min(1_024) @Max(256 * 1024 * 1024) outputMaxBytes = 16 * 1024 * 1024;

  /** Failures in a row after which a target's breaker opens. */
  @IsInt() @Min(1) breakerFailures = 5;

  /** How long it stays open the first time; each further time in a row twice as long, up to 2 minutes. */
  @IsInt() @Min(10) breakerOpenMs = 10_000;

  /** Between two beats of a running task. */
  @IsInt() @Min(50) @Max(5_000) beatMs = 1_000;
}
