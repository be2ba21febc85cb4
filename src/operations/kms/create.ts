// `kms create`: a new key with the tracks of the phase in force.

import { nearest } from '../../bytes/nearest.ts';
import { fail } from '../../errors.ts';
import { CREATION_ALGS, type CreationAlg } from '../../keys/tracks.ts';
import type { CreateRequest, CreateResult } from '../../kms/ports.ts';
import { foldTenant } from '../../policy/tenant.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface KmsCreateRequest extends ServiceOptions {
  /** As typed; upper case is folded with a notice. */
  readonly tenant: string;
  readonly purpose: string;
  readonly alg: string;
  readonly suite?: number | undefined;
  readonly rotateDays?: number | undefined;
  readonly newTenant: boolean;
}

export interface KmsCreateResult extends CreateResult {
  readonly dry_run: boolean;
}

function creationAlg(text: string): CreationAlg {
  const found = CREATION_ALGS.find((one) => one === text);
  if (found !== undefined) return found;
  const near = nearest(text, CREATION_ALGS);
  return fail('InvalidValue', `--alg: there is no key algorithm ${JSON.stringify(text)}`, {
    field: '--alg',
    hint: `Algorithms: ${CREATION_ALGS.join(', ')}.${near.length === 0 ? '' : ` Nearest: ${near[0]}.`}`,
  });
}

function wrapSuite(suite: number | undefined): { readonly suite?: 1 | 2 } {
  if (suite === undefined) return {};
  if (suite === 1 || suite === 2) return { suite };
  return fail('InvalidValue', `--suite: 1 (ChaCha20-Poly1305) or 2 (AES-256-GCM) is expected, not ${suite}`, {
    field: '--suite',
  });
}

/** Throws UnknownTenant, PolicyRefused, Unsupported, Ungoverned, Conflict, and what opening the store throws. */
export async function create(request: KmsCreateRequest, deps: OperationDeps): Promise<KmsCreateResult> {
  const tenant = foldTenant(request.tenant, '--tenant');
  if (tenant !== request.tenant) deps.host.log.notice(`tenant ${request.tenant} is written ${tenant}`);
  const wanted: CreateRequest = {
    tenant,
    purpose: request.purpose,
    alg: creationAlg(request.alg),
    newTenant: request.newTenant,
    ...wrapSuite(request.suite),
    ...(request.rotateDays === undefined ? {} : { rotateDays: request.rotateDays }),
  };
  const made = await withService(deps, request, ({ keys, call }) => keys.create(wanted, call));
  return { ...made, dry_run: deps.dryRun };
}
