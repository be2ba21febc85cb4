// The custody service of a home, as the kms operations use it: opened in-process, unsealed only when a method needs it, and
// closed with a checkpoint when it was unsealed (log page 4.1). The HTTP client will stand here for a running server.

import { parseUuid, uuidV7 } from '../../bytes/uuid.ts';
import { fail } from '../../errors.ts';
import type { Call } from '../../kms/ports.ts';
import { readHomeState } from '../../kms/service/home-reader.ts';
import { inProcessKeys, type KeyKms } from '../../kms/service/in-process.ts';
import { openSession, type Session } from '../../kms/service/session.ts';
import { readTrusted } from '../../kms/service/trusted-services.ts';
import type { OperationDeps } from '../deps.ts';

export interface KmsCallOptions {
  /** `--op-id`: names this request, so that a repetition gives the recorded result. */
  readonly opId?: string | undefined;
  /** `--confirm-time`: the clock is right although it is far beyond the newest entry. */
  readonly confirmTime?: boolean | undefined;
}

export interface KmsAccess extends KeyKms {
  /** This request, by the local operator. */
  readonly call: Call;
}

/** Throws InvalidValue naming the flag. */
function operationId(given: string | undefined, deps: OperationDeps): string {
  if (given === undefined) return uuidV7(deps.host.clock.now(), deps.host.random.bytes(16));
  const version = parseUuid(given)?.version;
  if (version === 4 || version === 7) return given;
  return fail(
    'InvalidValue',
    `--op-id: a UUID of version 4 or 7 in lower case is expected, not ${JSON.stringify(given)}`,
    {
      field: '--op-id',
    },
  );
}

/** Runs `use` on the service of the home. After an error the store is closed without a checkpoint. */
export async function withKms<T>(
  deps: OperationDeps,
  options: KmsCallOptions,
  use: (kms: KmsAccess) => Promise<T>,
): Promise<T> {
  const opId = operationId(options.opId, deps);
  const { uid, login } = deps.host.env.user;
  const call: Call = {
    caller: { kind: 'local', uid, login },
    opId,
    corrId: opId,
    repeatable: options.opId !== undefined,
    signal: new AbortController().signal,
    dryRun: deps.dryRun,
    onProgress: deps.onProgress,
  };
  let session: Session | undefined;
  const kms = inProcessKeys({
    random: deps.host.random,
    crypto: deps.crypto,
    reader: () => readHomeState(deps),
    trusted: () => readTrusted(deps),
    unsealed: async () => {
      session = await openSession(deps, {
        dryRun: deps.dryRun,
        ...(options.confirmTime === undefined ? {} : { confirmTime: options.confirmTime }),
        onNotice: (line) => deps.host.log.notice(line),
      });
      const opened = session;
      return {
        store: opened.store,
        readOnly: deps.dryRun || opened.store.verifyOnly !== null,
        policy: () => opened.governance,
        judged: () => opened.judgedNow(),
      };
    },
  });
  try {
    const result = await use({ ...kms, call });
    await kms.close();
    await session?.close();
    return result;
  } catch (error) {
    await kms.close().catch(() => undefined);
    await session?.abandon();
    throw error;
  }
}
