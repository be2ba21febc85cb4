// Token, scope and caveats of a request (D-17, X-19, C-16). The token is judged before the body is read; scope, instance tenant
// and `paths` after it is decoded. Whether a caller may touch a tenant or key is asked by the service, before any look-up.

import { INSTANCE } from '../../capability/caveats.ts';
import { decodePath, pathAllowed } from '../../capability/paths.ts';
import { fail } from '../../errors.ts';
import type { Route } from '../../kms-api/routes.ts';
import type { Authenticator } from '../admin-ports.ts';
import type { Caller } from '../ports.ts';
import { mintHint } from '../service/authorise.ts';

type Bearer = Extract<Caller, { kind: 'capability' }>;

/** base64url without padding over 4,096 bytes. */
const TOKEN = /^[A-Za-z0-9_-]{1,5462}$/;

/** Throws NoCapability (401), Denied. Nothing of the token is repeated. */
export function authenticated(authenticator: Authenticator, authorization: string | undefined): Bearer {
  const [, scheme, token] = /^(\S+) +(\S+)$/.exec(authorization ?? '') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined) {
    return fail('NoCapability', 'a capability is needed', {
      hint: 'Send the header `Authorization: Bearer <token>`.',
    });
  }
  if (!TOKEN.test(token)) fail('NoCapability', 'the capability is not valid');
  return authenticator.authenticate(token);
}

/** Throws Denied. `url`: as it was asked for. */
export function authoriseRoute(route: Route, caller: Bearer, url: string): void {
  const { scope } = route;
  const isInstance = route.tenant === 'instance';
  if (scope !== null && !caller.scopes.includes(scope)) {
    const hint = mintHint(scope, isInstance ? INSTANCE : 'TENANT');
    fail('Denied', `the capability does not carry the scope ${scope}`, { hint });
  }
  if (isInstance && !caller.tenants.includes(INSTANCE)) {
    const hint = scope === null ? {} : { hint: mintHint(scope, INSTANCE) };
    fail('Denied', `the capability is for tenants, and this is of the instance: tenant ${INSTANCE}`, hint);
  }
  const { paths } = caller.narrowed ?? {};
  if (paths === undefined) return;
  const asked = decodePath(url.split('?', 1)[0]!);
  if (asked === null || !pathAllowed(paths, asked)) fail('Denied', 'the capability is not for this path');
}
