// A server of the product over given ports, for tests: a token is a name in a table, everything that is counted or logged is
// kept, and sockets are real where a test asks for one.

import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { nodeClock, nodeRandom } from '../../src/cli/node-clock.ts';
import type { ServerConfig } from '../../src/config/server-config.ts';
import { mergeServerConfig } from '../../src/config/server-merge.ts';
import { fail } from '../../src/errors.ts';
import type { Kms, ServiceState, TlogFiles } from '../../src/kms/admin-ports.ts';
import { buildServer, type KmsServer } from '../../src/kms/http/build-server.ts';
import type { ServerParts } from '../../src/kms/http/server-parts.ts';
import type { Caller } from '../../src/kms/ports.ts';
import type { Readiness } from '../../src/kms/readiness.ts';
import { SILENT, type Telemetry } from '../../src/kms/telemetry.ts';
import { capability } from '../contract/kms-subject.ts';
import { memoryKms } from './memory-kms.ts';

type Bearer = Extract<Caller, { kind: 'capability' }>;

export const TOKEN = 'all-of-acme';
const INSTANCE_SCOPES = ['kms:admin', 'kms:audit', 'kms:govern', 'kms:read'];

const TOKENS: Readonly<Record<string, Caller>> = {
  [TOKEN]: capability(),
  globex: capability(undefined, ['globex']),
  'only-verify': capability(['kms:verify']),
  operator: capability(INSTANCE_SCOPES, ['_instance']),
};

/** Every port refuses until a test gives one. */
function refusing(name: string): object {
  return new Proxy(
    {},
    {
      get: (_target, member) => () => fail('Unsupported', `${name}.${String(member)} is not part of this test`),
    },
  );
}

export function kmsOf(ports: Partial<Kms>): Kms {
  const names = [
    'keys',
    'signing',
    'wrapping',
    'attesting',
    'governance',
    'policy',
    'audit',
    'files',
    'capabilities',
    'health',
  ];
  return { ...Object.fromEntries(names.map((name) => [name, refusing(name)])), ...ports } as unknown as Kms;
}

export const STATE: ServiceState = {
  backend: 'inmem',
  backendReady: true,
  backendLostAtMs: null,
  amnesia: false,
  verifyOnly: null,
  governed: false,
  profile: 'dev',
  ledgerSeq: null,
  ledgerId: null,
  pqMode: 'or',
  rolloutPercent: 100,
  phases: [{ tenant: '_instance', phase: 1 }],
  pqOk: true,
  audit: {
    origin: 'ron-kms/test/0',
    size: 3,
    writable: true,
    checkpointAtMs: 1_790_000_000_000,
    checkpointSize: 3,
    checkpointOk: true,
    integrityFailures: 0,
    queueDepth: 0,
    lateAtMs: null,
  },
  sinks: [],
  attestation: { required: false, ready: true, class: 'software' },
  rngOk: true,
  clockOk: true,
  verifyCache: { entries: 0, ageMs: 0 },
  capRootAgeDays: 0,
  capabilities: [{ tenant: 'acme', active: 1 }],
  freeBytes: 10,
  totalBytes: 20,
  draining: false,
  keys: [{ tenant: 'acme', purpose: 'release', alg: 'ed25519', count: 1 }],
  keyHeads: [{ kid: 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81', version: 1 }],
  oldestPendingAtMs: null,
};

export const READY: Readiness = {
  ready: true,
  missing: [],
  degraded: [],
  retry_after: 0,
  snapshot: { backend: 'inmem', pq_mode: 'or', audit_last_checkpoint_age_s: 1 },
};

/** Deadlines are against hangs only; a test of deadlines sets its own. */
const PATIENT_MS = 60_000;

export function defaultConfig(): ServerConfig {
  const { config } = mergeServerConfig({ flags: {}, env: null, cwd: '/', file: null, home: '/home', fixed: null });
  const deadlines = { sign_deadline_ms: PATIENT_MS, wrap_deadline_ms: PATIENT_MS, attest_deadline_ms: PATIENT_MS };
  return { ...config, limits: { ...config.limits, ...deadlines } };
}

export interface Seen {
  /** What went into the log as an internal error. */
  readonly internal: object[];
  readonly counts: Map<string, number>;
  readonly lines: {
    readonly level: string;
    readonly event: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }[];
}

export function countingTelemetry(): Telemetry & { readonly seen: Seen } {
  const seen: Seen = { counts: new Map(), lines: [], internal: [] };
  const key = (name: string, labels: object | undefined): string =>
    `${name}{${Object.entries(labels ?? {})
      .map(([label, value]) => `${label}=${String(value)}`)
      .join(',')}}`;
  return {
    ...SILENT,
    logs: () => true,
    seen,
    count: (name, labels, by = 1) => {
      const at = key(name, labels);
      seen.counts.set(at, (seen.counts.get(at) ?? 0) + by);
    },
    gauge: (name, value, labels) => {
      seen.counts.set(key(name, labels), value);
    },
    log: (level, event, fields = {}) => {
      seen.lines.push({ level, event, fields });
    },
  };
}

export interface TestServer {
  readonly server: KmsServer;
  readonly seen: Seen;
  config: ServerConfig;
}

type Change = Partial<Omit<ServerParts, 'kms' | 'config' | 'telemetry'>> & {
  readonly kms?: Partial<Kms>;
  readonly tokens?: Readonly<Record<string, Caller>>;
  readonly config?: (config: ServerConfig) => ServerConfig;
};

const NO_TLOG: TlogFiles = { checkpoint: async () => null, tile: async () => null, entries: async () => null };

export async function testServer(change: Change = {}): Promise<TestServer> {
  const { kms, tokens, config: changed, ...parts } = change;
  const telemetry = countingTelemetry();
  const config = changed?.(defaultConfig()) ?? defaultConfig();
  const known = new Map(Object.entries({ ...TOKENS, ...tokens }));
  const made: { config: ServerConfig } = { config };
  const server = await buildServer({
    kms: kmsOf(kms ?? (await memoryKms())),
    authenticator: {
      authenticate: (bearer) => {
        const caller = known.get(bearer);
        return caller === undefined ? fail('NoCapability', 'the capability is not valid') : (caller as Bearer);
      },
    },
    tlog: NO_TLOG,
    telemetry,
    home: '/srv/ron/ronctl',
    internalError: (of) => telemetry.seen.internal.push(of),
    config: () => made.config,
    clock: nodeClock(),
    random: nodeRandom(),
    readiness: () => READY,
    health: () => ({ status: 'ok' }),
    metricsText: () => 'kms_ready 1\n',
    version: () => ({ name: 'ronctl', wire: '1.0.0' }),
    ...parts,
  });
  onTestFinished(() => server.close());
  return Object.assign(made, { server, seen: telemetry.seen });
}

/** A directory of mode 0700 with room for a socket. */
export function socketDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-s-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): unknown;
}

export type Place = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** One request over a socket of its own. */
export function ask(
  place: Place,
  method: string,
  path: string,
  options: {
    readonly body?: string | Uint8Array;
    readonly headers?: Readonly<Record<string, string>>;
    readonly token?: string;
  } = {},
): Promise<Reply> {
  const { body, headers, token } = options;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        ...place,
        agent: false,
        method,
        path,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What the server sends on a raw connection until it closes it. */
export function rawConversation(place: Place, send: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = 'socketPath' in place ? connect(place.socketPath) : connect(place.port, place.host);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (text === '' ? reject(error) : resolve(text)));
    socket.on('close', () => resolve(text));
    socket.on('connect', () => send(socket));
  });
}
