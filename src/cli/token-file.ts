// A capability from its file: one line of base64url. A token is a secret: the file must be regular, of this account (or
// root's), and closed to everybody else. Nothing of it appears in an error.

import { fromUtf8 } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';

/** A token of 4,096 bytes in base64url, with its line end. */
const FILE_BYTES = 5600;
const OTHERS = 0o077;

/** `path` is absolute; `field` is the flag, variable or key that named it. NotFound, UnsafeFile, Malformed. */
export function readToken(host: Pick<Host, 'files'>, path: string, field: string): string {
  const file = openToken(host, path, field);
  try {
    const { mode, uid, sizeBytes } = file.info();
    if ((uid !== host.files.uid() && uid !== 0) || (mode & OTHERS) !== 0) {
      throw new RonError('UnsafeFile', `${path}: others can read this capability`, {
        field,
        hint: `Revoke it if anybody did; else: chmod 600 ${path}`,
      });
    }
    const text = sizeBytes > FILE_BYTES ? null : fromUtf8(file.read(0, FILE_BYTES));
    const token = text?.endsWith('\n') === true ? text.slice(0, -1) : text;
    if (token !== null && token !== undefined && /^[A-Za-z0-9_-]+$/.test(token)) return token;
    throw new RonError('Malformed', `${path} is not a capability: one line of base64url is expected`, {
      field,
      hint: '`ronctl cap mint --out FILE` writes one.',
    });
  } finally {
    file.close();
  }
}

/** Links that the operator set are followed, as for every file that is named. */
function openToken(host: Pick<Host, 'files'>, path: string, field: string) {
  try {
    return host.files.open(host.files.realPath(path), 'read');
  } catch (thrown) {
    if (!(thrown instanceof RonError)) throw thrown;
    const message = thrown.code === 'NotFound' ? `there is no capability file ${path}` : thrown.message;
    throw new RonError(thrown.code, message, { field, cause: thrown });
  }
}
