// Homes with an audit log on disk, made by the writer itself.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHost } from '../../src/cli/node-host.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import type { Files, Host } from '../../src/host.ts';
import type { AuditDeps } from '../../src/operations/audit/target.ts';
import { ensureHome, homePaths } from '../../src/storage/home.ts';
import { countingRandom, fillLog, newLog, testClock } from './audit.ts';
import { scratch } from './scratch.ts';

/** This machine at the hour of the records of `fillLog`. */
export const auditHost = (): Host => ({
  ...nodeHost(),
  clock: { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') },
});

export const depsOf = (home: string, files?: Files): AuditDeps => ({
  host: { ...auditHost(), ...(files === undefined ? {} : { files }) },
  home,
  crypto: async () => nativeCrypto(),
  onProgress: () => undefined,
});

/** A home whose log has `size` records, with a checkpoint every so many. */
export async function makeLogHome(size: number, every = Number.POSITIVE_INFINITY): Promise<string> {
  const home = scratch();
  await ensureHome({ files: nodeHost().files, random: countingRandom(), clock: testClock() }, homePaths(home));
  const log = await newLog(join(home, 'audit'));
  await fillLog(log, size, every);
  log.close();
  return home;
}

/** The Ed25519 vkey of the first epoch. */
export function vkeyOf(home: string): string {
  const log = JSON.parse(readFileSync(join(home, 'audit/log.json'), 'utf8')) as {
    epochs: { keys: { vkeys: string[] }[] }[];
  };
  return log.epochs[0]!.keys[0]!.vkeys[0]!;
}

/** Names relative to the directory, sorted. */
export const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();

/** Changes one bit of a file in a directory. */
export const flip =
  (name: string, at: number) =>
  (directory: string): void => {
    const bytes = readFileSync(join(directory, name));
    bytes[at]! ^= 1;
    writeFileSync(join(directory, name), bytes);
  };
