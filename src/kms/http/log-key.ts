// How a key is named in the log line of a request (C-48, OBS-27): never by its id.

import { parseKeyId } from '../../keys/key-id.ts';
import { kidHash } from '../../keys/kid-hash.ts';
import type { HandlerContext } from './route-handler.ts';

export function logKey({ log }: Pick<HandlerContext, 'log'>, kid: string): void {
  const id = parseKeyId(kid);
  if (id === null) return;
  log['tenant'] = id.tenant;
  log['kid_hash'] = kidHash(id.kid);
  if (id.version !== null) log['kid_version'] = id.version;
  log['alg'] = id.alg;
}
