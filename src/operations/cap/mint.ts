// `cap mint`: a new capability. Three ways to the same record (service page 2, R-28):
//   by a server (--kms)          its bearer's chain restated, within ceilings
//   in this home, no server      the store is unsealed and locked, the record appended here
//   in this home beside a server the root is read, the token made here, and the server's socket registers it
// With `register` false the token is only made: it is worth nothing until `cap register`. The token is no part of the result.

import { nearest } from '../../bytes/nearest.ts';
import { parseDurationOrTime, toTime } from '../../bytes/time.ts';
import { uuidV4 } from '../../bytes/uuid.ts';
import { checkCaveat, INSTANCE, SCOPES } from '../../capability/caveats.ts';
import { type EffectiveCaveats, effectiveCaveats } from '../../capability/effective.ts';
import { type CapabilityIdentifier, SUB } from '../../capability/identifier.ts';
import { parseToken } from '../../capability/token.ts';
import { fail } from '../../errors.ts';
import { requestedCaveats } from '../../kms/service/capability-mint.ts';
import { CapabilityRoots } from '../../kms/service/capability-roots.ts';
import { foldTenant } from '../../policy/tenant.ts';
import { withSealedReading } from '../../storage/sealed-reader.ts';
import type { OperationDeps } from '../deps.ts';
import { localActor } from '../local-actor.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface CapMintRequest extends ServiceOptions {
  /** As typed; upper case is folded with a notice. `_instance` stands alone. */
  readonly tenants: readonly string[];
  /** With or without `kms:`. */
  readonly scopes: readonly string[];
  /** A duration from now, or a time. With a time the same request again is the same one. */
  readonly expires: string;
  /** Further caveats, `name = value`. */
  readonly caveats: readonly string[];
  readonly once: boolean;
  readonly sub: string | null;
  readonly newTenant: boolean;
  /** False: the token is made and not registered. */
  readonly register: boolean;
}

export interface CapMintResult {
  /** Null in a dry run. */
  readonly id: string | null;
  readonly root: number | null;
  readonly expires_at: string;
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly caveats: readonly string[];
  readonly once: boolean;
  readonly sub: string | null;
  readonly registered: boolean;
  readonly dry_run: boolean;
}

const unique = (items: readonly string[]): string[] => [...new Set(items)].sort();

function tenantsOf(typed: readonly string[], deps: OperationDeps): string[] {
  return unique(
    typed.map((one) => {
      if (one === INSTANCE) return one;
      const folded = foldTenant(one, '--tenant');
      if (folded !== one) deps.host.log.notice(`tenant ${one} is written ${folded}`);
      return folded;
    }),
  );
}

function scopeOf(typed: string): string {
  const scope = typed.startsWith('kms:') ? typed : `kms:${typed}`;
  if (SCOPES.some((one) => one === scope)) return scope;
  const near = nearest(scope, SCOPES);
  return fail('InvalidValue', `--scope: there is no scope ${JSON.stringify(typed)}`, {
    field: '--scope',
    hint: `Scopes: ${SCOPES.join(', ')}.${near.length === 0 ? '' : ` Nearest: ${near[0]}.`}`,
  });
}

function caveatsOf(request: CapMintRequest, deps: OperationDeps): string[] {
  const texts = [
    `tenant = ${tenantsOf(request.tenants, deps).join(',')}`,
    `scope = ${unique(request.scopes.map(scopeOf)).join(',')}`,
    `exp = ${toTime(parseDurationOrTime(request.expires, deps.host.clock.now(), '--expires'))}`,
  ];
  for (const text of texts) checkCaveat(text, text.startsWith('tenant') ? '--tenant' : '--scope');
  for (const text of request.caveats) checkCaveat(text, '--caveat');
  return [...texts, ...request.caveats];
}

interface Made {
  readonly token: string | null;
  readonly caveats: readonly string[];
  readonly identifier: Pick<CapabilityIdentifier, 'id' | 'root'> | null;
}

/** The token under the newest root of this home; the store is not locked and not written. */
async function makeHere(request: CapMintRequest, caveats: readonly string[], deps: OperationDeps): Promise<Made> {
  const { clock, random } = deps.host;
  return withSealedReading(deps, async (reading) => {
    const roots = await CapabilityRoots.read(reading);
    try {
      const identifier: CapabilityIdentifier = {
        v: 1,
        id: uuidV4(random.bytes(16)),
        root: roots.newest,
        once: request.once,
        minted_at: toTime(clock.now()),
        minted_by: localActor(deps.host),
        ...(request.sub === null ? {} : { sub: request.sub }),
      };
      return { token: roots.token(identifier, caveats), caveats, identifier };
    } finally {
      roots.close();
    }
  });
}

/** By the Capabilities port: of a server, or of this home. */
async function mintByPort(request: CapMintRequest, caveats: readonly string[], deps: OperationDeps): Promise<Made> {
  const { once, sub, newTenant } = request;
  const wanted = { caveats, once, newTenant, ...(sub === null ? {} : { sub }) };
  const { token, id, root } = await withService(deps, request, ({ capabilities, call }) =>
    capabilities.mint(wanted, call),
  );
  if (token === null) return { token, caveats, identifier: null };
  // A server restates what its bearer was narrowed to.
  return { token, caveats: parseToken(token).caveats, identifier: { id, root } };
}

/** The token (null in a dry run), and the result about it. Throws InvalidValue, UnknownTenant, PolicyRefused, LimitReached, Denied. */
export async function mint(
  request: CapMintRequest,
  deps: OperationDeps,
): Promise<{ readonly token: string | null; readonly result: CapMintResult }> {
  const { sub, once, register } = request;
  if (sub !== null && !SUB.test(sub)) {
    fail('InvalidValue', `--sub: a name of a-z 0-9 . _ - is expected, not ${JSON.stringify(sub)}`, { field: '--sub' });
  }
  const caveats = caveatsOf(request, deps);
  requestedCaveats(caveats);
  if (!register && deps.online !== null) {
    fail('Usage', 'a server registers what it mints', {
      field: '--no-register',
      hint: 'Leave --kms or --no-register out.',
    });
  }
  const server = register && deps.online === null ? ((await deps.serverHere?.()) ?? null) : null;
  const isMadeHere = !register || server !== null;
  const made = isMadeHere ? await makeHere(request, caveats, deps) : await mintByPort(request, caveats, deps);
  const { token } = made;
  if (server !== null && token !== null) {
    await withService({ ...deps, online: server }, request, ({ capabilities, call }) =>
      capabilities.register({ token }, call),
    );
  }
  const left: EffectiveCaveats = effectiveCaveats(made.caveats);
  const result: CapMintResult = {
    id: deps.dryRun ? null : (made.identifier?.id ?? null),
    root: deps.dryRun ? null : (made.identifier?.root ?? null),
    expires_at: toTime(left.expiresMs),
    tenants: left.tenants,
    scopes: left.scopes,
    caveats: made.caveats,
    once,
    sub,
    registered: register && !deps.dryRun,
    dry_run: deps.dryRun,
  };
  return { token: deps.dryRun ? null : token, result };
}
