// The key ports through a real server and the product's client on a Unix socket: a subject of the contract suites. Whoever
// calls is turned into a token that says the same; the server verifies its MAC, its end and its caveats.

import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { isAuthentic } from '../../src/capability/chain.ts';
import { effectiveCaveats, kidText } from '../../src/capability/effective.ts';
import { mintToken, parseToken } from '../../src/capability/token.ts';
import { nodeClock } from '../../src/cli/node-clock.ts';
import { fail } from '../../src/errors.ts';
import type { Authenticator, Kms } from '../../src/kms/admin-ports.ts';
import type { Call, Caller, Keys, Signing, Wrapping } from '../../src/kms/ports.ts';
import { connectKms } from '../../src/kms-client/client.ts';
import type { KmsSubject } from '../contract/kms-subject.ts';
import { socketDirectory, type TestServer, testServer } from './http-server.ts';

const ROOT_KEY = new Uint8Array(32).fill(9);
/** Whoever holds the store, as far as the network knows such a person. */
const EVERYTHING = {
  tenants: ['acme', 'acmf', 'acne', 'globex', 'other'],
  scopes: ['kms:read', 'kms:rotate', 'kms:sign', 'kms:unwrap', 'kms:verify', 'kms:wrap'],
};
/** The system has no token; the least of them stands for it. */
const NOTHING = { tenants: ['nobody'], scopes: ['kms:verify'] };

export function tokenFor(of: { readonly tenants: readonly string[]; readonly scopes: readonly string[] }): string {
  const identifier = {
    v: 1 as const,
    id: globalThis.crypto.randomUUID(),
    root: 1,
    once: false,
    minted_at: toTime(Date.now()),
    minted_by: 'local:0:test',
  };
  const caveats = [
    `tenant = ${[...of.tenants].sort().join(',')}`,
    `scope = ${[...of.scopes].sort().join(',')}`,
    `exp = ${toTime(Date.now() + 600_000)}`,
  ];
  return mintToken(ROOT_KEY, identifier, caveats);
}

export const tokenAuthenticator: Authenticator = {
  authenticate(bearer) {
    const { macaroon, identifier, caveats } = parseToken(bearer);
    if (!isAuthentic(ROOT_KEY, macaroon)) return fail('NoCapability', 'the capability was not made by this service');
    const effective = effectiveCaveats(caveats);
    if (Date.now() >= effective.expiresMs) return fail('NoCapability', 'the capability has expired');
    const { tenants, scopes, kid, paths, expiresMs } = effective;
    return {
      kind: 'capability',
      root: identifier.root,
      id: identifier.id,
      tenants,
      scopes,
      narrowed: {
        expiresAt: toTime(expiresMs),
        paths,
        ...(kid === null ? {} : { kid: kidText(kid) }),
      },
    };
  },
};

/** A server over `ports` on a socket of its own. */
export async function servedOnSocket(ports: Partial<Kms>): Promise<TestServer & { readonly socketPath: string }> {
  const made = await testServer({ kms: ports, authenticator: tokenAuthenticator });
  const socketPath = join(socketDirectory(), 's');
  await made.server.listen({ kind: 'unix', path: socketPath, privately: (bind) => bind() });
  return { ...made, socketPath };
}

/** The ports of the client, with the token that a caller would have. */
export async function clientOf(socketPath: string, caller: Caller): Promise<Kms> {
  const of = caller.kind === 'capability' ? caller : caller.kind === 'local' ? EVERYTHING : NOTHING;
  const client = await connectKms({
    endpoint: { name: 'the test server', socketPath },
    token: tokenFor(of),
    clock: nodeClock(),
    timeoutMs: 20_000,
    retries: 0,
    corrId: globalThis.crypto.randomUUID(),
  });
  onTestFinished(() => client.close());
  return client.kms;
}

type Port = Readonly<Record<string, (request: never, call: Call) => unknown>>;

/** Each method goes out as the caller of its call. */
function perCaller<P extends object>(names: readonly (keyof P & string)[], port: (caller: Caller) => Promise<P>): P {
  const methods: Record<string, unknown> = {};
  for (const name of names) {
    methods[name] = async (request: never, call: Call) => ((await port(call.caller)) as Port)[name]!(request, call);
  }
  return methods as P;
}

/** A subject whose ports are on the other side of a socket. */
export async function httpSubject(inner: KmsSubject): Promise<KmsSubject> {
  const { keys, signing, wrapping } = inner;
  const { socketPath } = await servedOnSocket({ keys, signing, wrapping });
  const clients = new Map<string, Promise<Kms>>();
  const clientFor = (caller: Caller): Promise<Kms> => {
    const key = JSON.stringify(caller);
    const known = clients.get(key) ?? clientOf(socketPath, caller);
    clients.set(key, known);
    return known;
  };
  return {
    keys: perCaller<Keys>(
      ['create', 'rotate', 'get', 'list', 'publicKeys', 'needsRotation', 'continuity', 'retire'],
      async (caller) => (await clientFor(caller)).keys,
    ),
    signing: perCaller<Signing>(['sign', 'verify'], async (caller) => (await clientFor(caller)).signing),
    wrapping: perCaller<Wrapping>(['wrap', 'unwrap'], async (caller) => (await clientFor(caller)).wrapping),
    setPhase: (phase) => inner.setPhase(phase),
    advanceDays: (days) => inner.advanceDays(days),
  };
}
