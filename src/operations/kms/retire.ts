// `kms retire`: writes the governed proposal `key-retire` for one key or one old version. Nothing is retired here: that is
// done by its execution, after a quorum. Refused before anything is signed: a key that is unknown, retired already, or the
// newest version alone.

import { parseDurationOrTime } from '../../bytes/time.ts';
import { fail } from '../../errors.ts';
import { requireKeyId, withVersion } from '../../keys/key-id.ts';
import { retirable } from '../../keys/keyring.ts';
import { readHomeState } from '../../kms/service/home-reader.ts';
import type { OperationDeps } from '../deps.ts';
import { propose } from '../governance/propose.ts';

export interface KmsRetireRequest {
  readonly kid: string;
  readonly rationale: string;
  /** Duration or time, as typed. */
  readonly expires: string;
  readonly signer: string | null;
  readonly role: string | null;
}

export interface KmsRetireResult {
  readonly kid: string;
  /** `<kid>#v<N>` whose private halves will be gone. */
  readonly versions: readonly string[];
  readonly irreversible: true;
  /** The key wraps: no envelope of these versions opens again. */
  readonly loses_envelopes: boolean;
  readonly proposal: { readonly id: string; readonly digest: string; readonly words: readonly string[] };
  /** `inbox/<name>` */
  readonly file: string | null;
  readonly next: string;
  readonly dry_run: boolean;
}

/** Throws NotFound, Conflict, Retired, Ungoverned, and what `governance propose` throws. */
export async function retire(request: KmsRetireRequest, deps: OperationDeps): Promise<KmsRetireResult> {
  const id = requireKeyId(request.kid, 'KID');
  const { view, policy } = await readHomeState(deps);
  const versions = retirable(view, id);
  if (!policy.governed) {
    fail('Ungoverned', 'retiring a key needs a quorum, and no genesis is adopted in this home', {
      hint: 'Run `ronctl governance init --members ... --threshold N`.',
    });
  }
  const { result } = await propose(
    {
      what: {
        kind: 'wish',
        wish: {
          scope: `tenant:${id.tenant}`,
          changes: [],
          action: { name: 'key-retire', kid: request.kid },
          rationale: request.rationale,
          risk: null,
          rollback: null,
          rollbackValidS: null,
        },
        expires: (nowMs) => parseDurationOrTime(request.expires, nowMs, '--expires'),
        window: null,
      },
      attachments: [],
      signer: request.signer,
      role: request.role,
      newTenant: false,
      ingest: false,
    },
    deps,
  );
  const { id: proposalId, digest, words } = result.proposal;
  return {
    kid: request.kid,
    versions: versions.map((one) => withVersion(id.kid, one.n)),
    irreversible: true,
    loses_envelopes: versions.some((one) => one.suite !== undefined),
    proposal: { id: proposalId, digest, words },
    file: result.file,
    next: result.next,
    dry_run: deps.dryRun,
  };
}
