// Reading keys of a server: what it publishes, judged here, when the capability opens the published files (kms:audit of the
// instance); else, with kms:read of the tenant, the server's own answer, and a line says so.

import { RonError } from '../errors.ts';
import type { OperationDeps } from '../operations/deps.ts';
import type { Runtime } from './runtime.ts';

export async function readKeys<T>(runtime: Runtime, read: (deps: OperationDeps) => Promise<T>): Promise<T> {
  try {
    return await read(await runtime.readDeps());
  } catch (error) {
    if (runtime.online === null || !(error instanceof RonError) || error.code !== 'Denied') throw error;
    const answer = await read(runtime.deps());
    runtime.host.log.notice(
      'as the server says, and only what this capability may read: it does not open what could be verified here',
    );
    return answer;
  }
}
