// The public files of a home (service page 4): store/public.json, store/keys/, ledger/ and audit/, byte for byte, so that a
// reader elsewhere judges them as it judges its own. Everything else is NotFound, whether it exists or not: sealed records,
// the inbox, pins, run/, configuration. Attack: a path that climbs out (`..`), or names a sealed record by its hash.

import { fail } from '../../errors.ts';
import type { FileInfo, Files } from '../../host.ts';
import type { PublicFiles } from '../admin-ports.ts';
import { authoriseInstance } from './authorise.ts';

const READ_MAX = 512 * 1024;
const PATH_MAX_BYTES = 256;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const TREES = ['store/keys', 'ledger', 'audit'];
/** Directories above them: only what is public in them is listed. */
const ABOVE: Readonly<Record<string, readonly string[]>> = {
  '': ['store', 'ledger', 'audit'],
  store: ['keys', 'public.json'],
};
/** Sinks and their cursors are the operator's. */
const HIDDEN = ['audit/export'];

const below = (path: string, tree: string): boolean => path === tree || path.startsWith(`${tree}/`);

function isPublic(path: string): boolean {
  if (path.length > PATH_MAX_BYTES) return false;
  if (path in ABOVE || path === 'store/public.json') return true;
  if (!path.split('/').every((name) => NAME.test(name) && !name.endsWith('.tmp'))) return false;
  return TREES.some((tree) => below(path, tree)) && !HIDDEN.some((tree) => below(path, tree));
}

export function filesService(home: () => Promise<{ readonly files: Files; readonly root: string }>): PublicFiles {
  const at = async (path: string): Promise<{ readonly files: Files; readonly full: string }> => {
    if (!isPublic(path)) fail('NotFound', `no public file is called ${JSON.stringify(path.slice(0, PATH_MAX_BYTES))}`);
    const { files, root } = await home();
    return { files, full: path === '' ? root : `${root}/${path}` };
  };
  return {
    info: async ({ path }, call): Promise<FileInfo | null> => {
      authoriseInstance(call, 'kms:audit');
      const { files, full } = await at(path);
      return files.info(full);
    },
    list: async ({ path }, call) => {
      authoriseInstance(call, 'kms:audit');
      const { files, full } = await at(path);
      const names = files.list(full);
      const shown = Object.hasOwn(ABOVE, path) ? ABOVE[path]! : null;
      return names.filter((name) => (shown === null ? isPublic(`${path}/${name}`) : shown.includes(name)));
    },
    read: async ({ path, offset, length }, call) => {
      authoriseInstance(call, 'kms:audit');
      const { files, full } = await at(path);
      for (const [field, value] of Object.entries({ offset, length })) {
        if (Number.isSafeInteger(value) && value >= 0) continue;
        fail('InvalidValue', `${field}: an integer from 0 is expected, not ${value}`, { field });
      }
      if (files.info(full)?.type !== 'file') return null;
      const file = files.open(full, 'read');
      try {
        return file.read(offset, Math.min(length, READ_MAX));
      } finally {
        file.close();
      }
    },
  };
}
