// Addresses of the routes: templates of routes.ts filled with parameters, percent-encoded as one segment each (C-22), and
// query strings. Shared by client, server and OpenAPI.

import { BASE_PATH, ROUTES, type Route, type RouteId } from './routes.ts';

const BY_ID = new Map<string, Route>(ROUTES.map((route) => [route.id, route]));

export function routeOf(id: RouteId): Route {
  return BY_ID.get(id)!;
}

/** Path and query of a request, e.g. `/v1/kms/keys/acme%2Frelease%2F...%23v1/rotate`. */
export function routePath(
  id: RouteId,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string>> = {},
): string {
  const path = routeOf(id).path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  return `${BASE_PATH}${path}${search === '' ? '' : `?${search}`}`;
}
