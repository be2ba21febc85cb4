// The `actor` of audit records that an offline command writes (log page 4.3): `local:<uid>:<login>`. Not authenticated,
// and the manual says so: whoever unseals the store can be any login.

import type { Host } from '../host.ts';

/** Characters that the record format refuses become `_`; an empty login too. */
export function localActor(host: Pick<Host, 'env'>): string {
  const { uid, login } = host.env.user;
  const plain = login
    .replace(/[\u0000-\u0020\u007f-\u009f:]/g, '_')
    .slice(0, 64)
    .toWellFormed();
  return `local:${uid}:${plain === '' ? '_' : plain}`;
}
