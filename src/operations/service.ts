// The custody service as operations use it: that of the server which --kms names, or of this home for one command. An
// operation does not know which it got.

import { parseUuid, uuidV7 } from '../bytes/uuid.ts';
import { fail } from '../errors.ts';
import type { Call } from '../kms/ports.ts';
import { type CommandKms, commandService } from '../kms/service/command-service.ts';
import type { OperationDeps } from './deps.ts';

export interface ServiceOptions {
  /** `--op-id`: names this request, so that a repetition gives the recorded result. */
  readonly opId?: string | undefined;
  /** `--confirm-time`: the clock is right although it is far beyond the newest entry. */
  readonly confirmTime?: boolean | undefined;
}

export interface ServiceAccess extends CommandKms {
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
    { field: '--op-id' },
  );
}

/** A request by the local operator. Throws InvalidValue naming `--op-id`. */
export function callOf(deps: OperationDeps, options: Pick<ServiceOptions, 'opId'>, signal?: AbortSignal): Call {
  const opId = operationId(options.opId, deps);
  const { uid, login } = deps.host.env.user;
  return {
    caller: { kind: 'local', uid, login },
    opId,
    corrId: opId,
    repeatable: options.opId !== undefined,
    signal: signal ?? new AbortController().signal,
    dryRun: deps.dryRun,
    onProgress: deps.onProgress,
  };
}

/** Runs `use` on the service. In this home what was unsealed is closed with a checkpoint, also after an error. */
export async function withService<T>(
  deps: OperationDeps,
  options: ServiceOptions,
  use: (service: ServiceAccess) => Promise<T>,
): Promise<T> {
  const call = callOf(deps, options);
  if (deps.online !== null) return use({ ...(await deps.online.kms()), call });
  const service = commandService(deps, {
    dryRun: deps.dryRun,
    confirmTime: options.confirmTime === true,
    onNotice: (line) => deps.host.log.notice(line),
  });
  try {
    const result = await use({ ...service, call });
    await service.close();
    return result;
  } catch (error) {
    await service.abandon();
    throw error;
  }
}
