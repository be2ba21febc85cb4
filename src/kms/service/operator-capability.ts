// operator.cap (service page 2, rule 3): the server's own capability for its operator. tenant `_instance`; kms:admin,
// kms:audit, kms:govern, kms:read; sub `operator`; 12 h whatever caps.max_ttl_s says. Replaced at half of its life and when
// its root is gone, revoked at shutdown; what an earlier server left behind is revoked at start.

import { fromTime, toTime } from '../../bytes/time.ts';
import { INSTANCE } from '../../capability/caveats.ts';
import { RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import type { ListedCapability, MintAnswer } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import type { OpenCapabilities } from './capabilities.ts';
import { OPERATOR } from './capability-authority.ts';

/** The caveats of operator.cap made at this time. */
export function operatorCaveats(nowMs: Millis): readonly string[] {
  return [
    `tenant = ${INSTANCE}`,
    'scope = kms:admin,kms:audit,kms:govern,kms:read',
    `exp = ${toTime(nowMs + LIMITS.operatorCapabilityMs)}`,
  ];
}

export interface OperatorDeps {
  readonly service: Pick<OpenCapabilities, 'capabilities' | 'mintOperator' | 'roots'>;
  readonly nowMs: () => Millis;
  /** A call of the system with a fresh op_id. */
  readonly call: () => Call;
  /** Puts the token where the operator's client finds it (0600), in the place of the one before. */
  readonly write: (token: string) => Promise<void>;
}

const isOperators = (one: ListedCapability): boolean =>
  one.sub === OPERATOR && one.minted_by === 'system' && one.state === 'active';

export class OperatorCapability {
  readonly #deps: OperatorDeps;
  #current: MintAnswer | null = null;

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
  }

  /** To be called at start and every minute or so. Writes a new one when there is none, at half of its life, or without its root. */
  async keep(): Promise<void> {
    const { service, nowMs, call, write } = this.#deps;
    if (this.#current === null) await this.#revokeAll();
    else if (this.#isFresh(this.#current)) return;
    const made = await service.mintOperator(operatorCaveats(nowMs()), call());
    // The one before goes on until it expires: a client may have read it just now.
    this.#current = made;
    await write(made.token!);
  }

  #isFresh({ root, expires_at }: MintAnswer): boolean {
    const nowMs = this.#deps.nowMs();
    const halfMs = fromTime(expires_at) - LIMITS.operatorCapabilityMs / 2;
    return nowMs < halfMs && this.#deps.service.roots.isValid(root, nowMs);
  }

  /** At shutdown, while the log still takes records. */
  async close(): Promise<void> {
    this.#current = null;
    await this.#revokeAll();
  }

  async #revokeAll(): Promise<void> {
    const { service, call } = this.#deps;
    for (const { id } of (await service.capabilities.list({}, call())).filter(isOperators)) {
      await service.capabilities.revoke({ id }, call()).catch((error: unknown) => {
        // It may have expired between the two; where the log takes nothing it is refused in this process, and by the next one.
        if (!(error instanceof RonError) || (error.code !== 'NotFound' && error.code !== 'RolledBack')) throw error;
      });
    }
  }
}
