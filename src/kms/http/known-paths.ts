// Which methods a path takes (RFC 9110 15.5.6): what is asked for with another one is 405 with `Allow`, and what no row of the
// route table fits is 404. HEAD goes where GET does.

import { fail } from '../../errors.ts';
import { BASE_PATH, ROUTES } from '../../kms-api/routes.ts';
import { Refusal } from './refusal.ts';
import type { Listen } from './server-parts.ts';

export interface KnownPath {
  readonly method: 'GET' | 'POST';
  /** With `{name}` for one segment. */
  readonly path: string;
}

/** Those of the API. `register` exists on the Unix socket alone. */
export function apiPaths(listener: Listen['kind']): readonly KnownPath[] {
  return ROUTES.filter(({ id }) => id !== 'register' || listener === 'unix').map(({ method, path }) => ({
    method,
    path: `${BASE_PATH}${path}`,
  }));
}

function fits(template: string, asked: readonly string[]): boolean {
  const parts = template.split('/');
  return (
    parts.length === asked.length &&
    parts.every((part, at) => (part.startsWith('{') ? asked[at] !== '' : part === asked[at]))
  );
}

/** Nothing answers there, and never will (IDB-43, C-20): whoever asks is told why. */
const EXPORT = `${BASE_PATH}/keys/{kid}/export`;

/** Throws NotFound, Unsupported as 405, or PolicyRefused as ExportForbidden. `url`: as it was asked for. */
export function refuseUnknown(url: string, known: readonly KnownPath[]): never {
  const asked = url.split('?', 1)[0]!.split('/');
  const methods = known.filter(({ path }) => fits(path, asked)).map(({ method }) => method);
  if (fits(EXPORT, asked)) {
    const transport = { wire: 'ExportForbidden', reason: 'unsupported' } as const;
    const hint = 'GET /v1/kms/keys/{kid} has the public half; the key itself signs and unwraps here.';
    throw new Refusal('PolicyRefused', 'private keys never leave the service', transport, { hint });
  }
  if (methods.length === 0) return fail('NotFound', 'there is no such route');
  const allow = [...new Set(methods.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])))].sort();
  throw new Refusal('Unsupported', `this path takes ${allow.join(', ')}`, {
    status: 405,
    reason: 'unsupported',
    allow,
  });
}
