import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { throwError, type Observable } from 'rxjs';
import { Fault, faultStatus, type FaultCode } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { sendProblem } from './problem.ts';

/** Answers whatever a route throws as a problem document; what is our bug is said in the log alone. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void | Observable<never> {
    if (host.getType() === 'rpc') return throwError(() => thrown); // the bus makes a fault of it
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const fault = faultOfHttp(thrown, request);
    if (fault.code === 'internal') log.error('a request failed', { method: request.method, route: request.routeOptions?.url, err: thrown });
    sendProblem(http.getResponse<FastifyReply>(), fault);
  }
}

/** Errors of Nest and Fastify (no route, body too large, wrong media type, malformed URL) as faults of ours. */
export function faultOfHttp(thrown: unknown, request: Pick<FastifyRequest, 'method' | 'url'>): Fault {
  if (thrown instanceof Fault) return thrown;
  const status = thrown instanceof HttpException ? thrown.getStatus() : (thrown as { statusCode?: number }).statusCode;
  switch (status) {
    case 404:
      return new Fault(
        'not_found',
        `there is no ${request.method} ${request.url.split('?', 1)[0]?.slice(0, 200)}`,
        'GET /api/openapi.json lists what there is.',
      );
    case 405:
      return new Fault('invalid', 'this path has no such method', 'GET /api/openapi.json lists what there is.', { status });
    case 413:
      return new Fault('invalid', 'the body is larger than allowed here', 'Send less at once; large content goes to /api/v1/artifacts.', {
        status,
      });
    case 415:
      return new Fault('invalid', 'the media type of the body is not understood', 'Send application/json.', { status });
    case undefined:
      return Fault.from(thrown);
    default: {
      if (status >= 500) return Fault.from(thrown);
      const code = (Object.keys(faultStatus) as FaultCode[]).find((known) => faultStatus[known] === status) ?? 'invalid';
      return new Fault(code, 'the request is malformed', 'Check its address, headers and body.', { cause: thrown, status });
    }
  }
}
