// Root keys and revocations of capabilities (service page 2, C-28): sealed records `cap-root/<n>` (store page 3) and
// `revocations`, meta {v:1, entries:[{root, id, exp}]}. They are held here and nowhere else; the rest of the service asks for
// the MAC of a token. An older root verifies for 24 h after its successor was made: no token lives longer.

import { array, integer, literal, object, string, time } from '../../bytes/decode.ts';
import { fromTime, toTime } from '../../bytes/time.ts';
import { wipe } from '../../bytes/wipe.ts';
import { isAuthentic } from '../../capability/chain.ts';
import type { CapabilityIdentifier } from '../../capability/identifier.ts';
import type { Macaroon } from '../../capability/macaroon.ts';
import { mintToken } from '../../capability/token.ts';
import { fail, ownBytes } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import type { SealedItem, SealedPut } from '../../storage/custody-port.ts';
import { CAP_ROOT_BYTES, capRootId } from '../../storage/custody-record.ts';

const REVOCATIONS = 'revocations';
const ROOT_ID = /^cap-root\/([1-9][0-9]{0,8})$/;

const rootMeta = object({ v: literal(1), n: integer(1), created_at: time });
const uuid = string({ pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, what: 'a UUID' });
const revocationsMeta = object({
  v: literal(1),
  entries: array(object({ root: integer(1), id: uuid, exp: time }), 100_000),
});

export interface Revocation {
  readonly root: number;
  readonly id: string;
  /** RFC 3339 UTC: from then on the entry says nothing. */
  readonly exp: string;
}

/** What is read of a store: unsealed for writing, or by a reader that knows the passphrase. */
export interface SealedSource {
  recordIds(): readonly string[];
  read(id: string): Promise<SealedItem>;
}

interface Root {
  readonly n: number;
  readonly createdMs: Millis;
  readonly key: Uint8Array;
}

export class CapabilityRoots {
  /** By number, ascending. */
  #roots: readonly Root[];

  constructor(roots: readonly Root[]) {
    this.#roots = roots;
  }

  /** Throws Tampered. */
  static async read(store: SealedSource): Promise<CapabilityRoots> {
    const roots: Root[] = [];
    for (const id of store.recordIds()) {
      const n = Number(ROOT_ID.exec(id)?.[1] ?? Number.NaN);
      if (Number.isNaN(n)) continue;
      const { meta, secret } = await store.read(id);
      const { created_at, n: named } = ownBytes(() => rootMeta(meta, id));
      if (named !== n || secret.length !== CAP_ROOT_BYTES) fail('Tampered', `the sealed record ${id} is no such root`);
      roots.push({ n, createdMs: fromTime(created_at), key: secret });
    }
    if (roots.length === 0) fail('Tampered', 'the store has no capability root');
    return new CapabilityRoots(roots.sort((a, b) => a.n - b.n));
  }

  get newest(): number {
    return this.#roots.at(-1)!.n;
  }

  ageMs(nowMs: Millis): Millis {
    return Math.max(0, nowMs - this.#roots.at(-1)!.createdMs);
  }

  /** The root, unless it is unknown or was replaced long enough ago. */
  #valid(n: number, nowMs: Millis): Root | null {
    const at = this.#roots.findIndex((one) => one.n === n);
    const successor = this.#roots[at + 1];
    if (at < 0 || (successor !== undefined && successor.createdMs + LIMITS.capabilityLifeMs <= nowMs)) return null;
    return this.#roots[at]!;
  }

  isValid(n: number, nowMs: Millis): boolean {
    return this.#valid(n, nowMs) !== null;
  }

  /** The MAC is that of a root that counts now. */
  isAuthentic(macaroon: Macaroon, n: number, nowMs: Millis): boolean {
    const root = this.#valid(n, nowMs);
    return root !== null && isAuthentic(root.key, macaroon);
  }

  /** A token of its root, whose caveats are texts of the grammar. NotFound when the root is gone. */
  token(identifier: CapabilityIdentifier, caveats: readonly string[]): string {
    const root = this.#roots.find((one) => one.n === identifier.root);
    return mintToken(
      (root ?? fail('NotFound', `the capability root ${identifier.root} is gone`)).key,
      identifier,
      caveats,
    );
  }

  /** For the check of third-party caveats: the key itself, which the caller wipes. Null when the root does not count. */
  keyOf(n: number, nowMs: Millis): Uint8Array | null {
    return this.#valid(n, nowMs)?.key.slice() ?? null;
  }

  /** The record of a further root, and the roots that go with it: all older ones, or those that count no more. */
  successor(
    key: Uint8Array,
    nowMs: Millis,
    dropAll: boolean,
  ): { readonly put: SealedPut; readonly drops: readonly string[] } {
    const n = this.newest + 1;
    const meta = { v: 1, n, created_at: toTime(nowMs) };
    const gone = this.#roots.filter((one) => dropAll || !this.isValid(one.n, nowMs));
    return {
      put: { id: capRootId(n), type: 'cap-root', meta, secret: key.slice() },
      drops: gone.map((one) => capRootId(one.n)),
    };
  }

  /** After the commit of `successor`. */
  replaced(key: Uint8Array, nowMs: Millis, drops: readonly string[]): void {
    const n = this.newest + 1;
    for (const one of this.#roots) if (drops.includes(capRootId(one.n))) wipe(one.key);
    const kept = this.#roots.filter((one) => !drops.includes(capRootId(one.n)));
    this.#roots = [...kept, { n, createdMs: nowMs, key }];
  }

  close(): void {
    wipe(...this.#roots.map((one) => one.key));
  }
}

export async function readRevocations(store: SealedSource): Promise<readonly Revocation[]> {
  if (!store.recordIds().includes(REVOCATIONS)) return [];
  const { meta } = await store.read(REVOCATIONS);
  return ownBytes(() => revocationsMeta(meta, REVOCATIONS)).entries;
}

export function revocationsPut(entries: readonly Revocation[]): SealedPut {
  const listed = entries.map(({ root, id, exp }) => ({ root, id, exp }));
  return { id: REVOCATIONS, type: REVOCATIONS, meta: { v: 1, entries: listed }, secret: new Uint8Array(0) };
}
