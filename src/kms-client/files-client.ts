// The PublicFiles port over the network. Its three answers are read by hand, so that the thread that fetches files loads no
// schema library. Refuses more bytes than were asked for.

import type { Json } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import type { FileInfo, FileType } from '../host.ts';
import type { PublicFiles } from '../kms/admin-ports.ts';
import type { Exchange } from './exchange.ts';
import { badAnswer } from './failure.ts';

const TYPES: readonly FileType[] = ['file', 'directory', 'symlink', 'other'];

const member = (value: Json | undefined, name: string): Json | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)[name]
    : undefined;

const isCount = (value: Json | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function infoOf(value: Json | undefined): FileInfo | null | undefined {
  if (value === null) return null;
  const type = TYPES.find((one) => one === member(value, 'type'));
  const [mode, uid, sizeBytes] = ['mode', 'uid', 'size_bytes'].map((name) => member(value, name));
  const mtimeMs = member(value, 'mtime_ms');
  if (type === undefined || !isCount(mode) || !isCount(uid) || !isCount(sizeBytes) || typeof mtimeMs !== 'number') {
    return undefined;
  }
  return { type, mode, uid, sizeBytes, mtimeMs };
}

export function filesClient(exchange: Exchange): PublicFiles {
  const { name } = exchange;
  return {
    async info({ path }, call) {
      const answer = await exchange.json('fileInfo', call, { query: { path } });
      const info = infoOf(member(answer, 'info'));
      if (info === undefined) throw badAnswer(name, 'info: a member is missing or of another type');
      return info;
    },
    async list({ path }, call) {
      const names = member(await exchange.json('fileList', call, { query: { path } }), 'names');
      if (!Array.isArray(names) || !names.every((one): one is string => typeof one === 'string' && isPlain(one))) {
        throw badAnswer(name, 'names: plain file names are expected');
      }
      return names;
    },
    async read({ path, offset, length }, call) {
      try {
        const query = { path, offset: String(offset), length: String(length) };
        const bytes = await exchange.bytesOrNone('fileRead', call, { query });
        if (bytes !== null && bytes.length > length) throw badAnswer(name, `more bytes of ${path} than were asked for`);
        return bytes;
      } catch (error) {
        if (error instanceof RonError && error.code === 'NotFound') return null;
        throw error;
      }
    },
  };
}

/** A name of one component; a server must not lead a reader elsewhere. */
const isPlain = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
