import { SetMetadata } from '@nestjs/common';

export const publicRouteKey = 'signalbox:public';

/** Lets everybody call the route, or all routes of a controller: the guard denies what is not marked. */
export function PublicRoute(): MethodDecorator & ClassDecorator {
  return SetMetadata(publicRouteKey, true);
}
