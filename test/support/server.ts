// A real `ronctl kms serve` as a child process: waits for its ready envelope, keeps all its output, ends it by signal.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BINARY, type Envelope, PROJECT, type TestHome } from './binary.ts';

export interface Ready {
  readonly state: 'ready';
  readonly pid: number;
  readonly socket: string | null;
  readonly addr: string | null;
  readonly metrics_addr: string;
  readonly tlog_addr: string | null;
  readonly operator_cap: string | null;
  readonly cert_sha256: string | null;
  readonly profile: string;
  readonly governed: boolean;
  readonly backend: string;
  readonly amnesia: boolean;
  readonly verify_only: string | null;
}

export interface Stopped {
  readonly state: 'stopped';
  readonly drained: boolean;
  readonly aborted: number;
}

export interface Server {
  readonly ready: Ready;
  readonly child: ChildProcess;
  /** Everything so far. */
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Exit code, or 128 + n. */
  exit(): Promise<number>;
  /** SIGTERM, then its exit code. */
  stop(): Promise<number>;
  /** The last envelope on standard output. */
  last(): Envelope<Stopped>;
}

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Without it `--passphrase-file` of the store and `--json` are added. */
  readonly bare?: boolean;
  readonly stdin?: string;
  /** Another entry than that of bin/ronctl, a module of test/support. */
  readonly entry?: string;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGUSR2: 12, SIGTERM: 15 };

export interface Started {
  /** Null when it ended before it was ready. */
  readonly server: Server | null;
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As bin/ronctl starts its own entry. */
function started(entry: string, argv: readonly string[]): [string, string[]] {
  const launch = 'umask 077; exec "$0" --disable-sigusr1 --no-addons "$@"';
  return ['/bin/sh', ['-c', launch, process.execPath, join(PROJECT, 'test', 'support', entry), ...argv]];
}

/** Starts it and waits until it is ready or has ended. Killed after the test. */
export async function tryServer(
  home: TestHome,
  argv: readonly string[],
  options: ServerOptions = {},
): Promise<Started> {
  const own = options.bare === true ? [] : ['--passphrase-file', home.passphrase('store'), '--json'];
  const serve = ['kms', 'serve', ...argv, ...own];
  const [program, args] = options.entry === undefined ? [BINARY, serve] : started(options.entry, serve);
  const child = spawn(program, args, {
    cwd: options.cwd ?? home.directory,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      RONCTL_HOME: home.path,
      HOME: home.directory,
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close').then(([code, signal]: unknown[]) =>
    typeof code === 'number' ? code : 128 + (SIGNALS[String(signal)] ?? 0),
  );
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
  });
  const first = await Promise.race([firstLine, closed]);
  const envelope = typeof first === 'string' ? (JSON.parse(first) as Envelope<Ready>) : null;
  if (envelope === null || !envelope.ok) return { server: null, exit: await closed, stdout, stderr };
  const server: Server = {
    ready: envelope.data!,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (name) => {
      child.kill(name);
    },
    exit: () => closed,
    stop: () => {
      child.kill('SIGTERM');
      return closed;
    },
    last: () => JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Envelope<Stopped>,
  };
  return { server, exit: null, stdout, stderr };
}

/** Like tryServer; throws with its output when it does not become ready. */
export async function startServer(
  home: TestHome,
  argv: readonly string[] = [],
  options: ServerOptions = {},
): Promise<Server> {
  const { server, exit, stdout, stderr } = await tryServer(home, argv, options);
  if (server === null) throw new Error(`kms serve ended with ${exit}\n${stdout}\n${stderr}`);
  return server;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
}

/** One request over the Unix socket, or to `host:port`. Rejects when the connection breaks. */
export function http(
  to: string,
  { method, path, token, body }: HttpRequest,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const place = to.startsWith('/')
    ? { socketPath: to }
    : { host: to.slice(0, to.lastIndexOf(':')), port: Number(to.slice(to.lastIndexOf(':') + 1)) };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        ...place,
        path,
        method: method ?? (text === undefined ? 'GET' : 'POST'),
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

/** The value of one series in a metrics page; null when it is not there. */
export function metric(page: string, series: string): number | null {
  const line = page.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

/** A token for the tenants and scopes, minted over HTTP with operator.cap. */
export async function mintToken(server: Server, tenant: string, scopes: readonly string[]): Promise<string> {
  const operator = readFileSync(server.ready.operator_cap!, 'utf8').trim();
  const answer = await http(server.ready.socket ?? server.ready.addr!, {
    path: '/v1/kms/caps/mint',
    token: operator,
    body: {
      caveats: [
        `tenant = ${tenant}`,
        `scope = ${[...scopes].sort().join(',')}`,
        `exp = ${new Date(Date.now() + 600_000).toISOString()}`,
      ],
      once: false,
      new_tenant: true,
      op_id: randomUUID(),
    },
  });
  if (answer.status !== 200) throw new Error(`mint: ${answer.status} ${answer.body}`);
  return (JSON.parse(answer.body) as { readonly token: string }).token;
}

export const ALL_OF_A_TENANT = ['kms:read', 'kms:rotate', 'kms:sign', 'kms:unwrap', 'kms:verify', 'kms:wrap'];

export interface Acknowledged {
  readonly op: 'sign' | 'wrap' | 'create';
  readonly opId: string;
  /** Record number, where the answer names it. */
  readonly index: number | null;
}

export interface Load {
  /** Answers with 200 that arrived whole, by op_id. */
  readonly acknowledged: readonly Acknowledged[];
  /** Everything else that came back, by status; 0 for a broken connection. */
  readonly others: ReadonlyMap<number, number>;
  /** Resolves when every sender has ended: told to, or after its connection broke. */
  stop(): Promise<void>;
}

/** `senders` closed loops of sign and wrap with named op_ids until `stop`; bounded by `most` requests each. */
export function startLoad(
  socket: string,
  token: string,
  keys: { readonly sign: string; readonly wrap: string },
  { senders = 8, most = 5000 }: { readonly senders?: number; readonly most?: number } = {},
): Load {
  const acknowledged: Acknowledged[] = [];
  const others = new Map<number, number>();
  const now = { stopping: false };
  const sender = async (number: number): Promise<void> => {
    for (let n = 0; n < most && !now.stopping; n++) {
      const opId = randomUUID();
      const op = n % 5 === 4 ? 'wrap' : 'sign';
      const body =
        op === 'sign'
          ? { kid_or_set: { kid: keys.sign }, payload_b3: `${number}`.padStart(4, '0') + `${n}`.padStart(60, '0') }
          : { kid: keys.wrap, size: 32 };
      try {
        const answer = await http(socket, { path: `/v1/kms/${op}`, token, body: { ...body, op_id: opId } });
        if (answer.status === 200) {
          const { audit } = JSON.parse(answer.body) as { readonly audit?: { readonly index: number } };
          acknowledged.push({ op, opId, index: audit?.index ?? null });
        } else others.set(answer.status, (others.get(answer.status) ?? 0) + 1);
      } catch {
        others.set(0, (others.get(0) ?? 0) + 1);
        return;
      }
    }
  };
  const running = Promise.all(Array.from({ length: senders }, (_, number) => sender(number)));
  return {
    acknowledged,
    others,
    stop: async () => {
      now.stopping = true;
      await running;
    },
  };
}

interface LogRecord {
  readonly seq: number;
  readonly op: string;
  readonly op_id?: string;
  readonly result: string;
}

/** Every record of the log of a home, from its segments. */
export function auditRecords(home: TestHome): readonly LogRecord[] {
  const directory = join(home.path, 'audit', 'e0', 'segments');
  return readdirSync(directory)
    .filter((name) => /^\d+\.jsonl$/.test(name))
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogRecord);
}

/** Acknowledged operations without a record, and op_ids with more than one record of their operation. */
export function lostAndDoubled(
  acknowledged: readonly Acknowledged[],
  records: readonly LogRecord[],
): { readonly lost: readonly string[]; readonly doubled: readonly string[] } {
  const count = new Map<string, number>();
  for (const { op, op_id } of records) {
    if (op_id !== undefined) count.set(`${op} ${op_id}`, (count.get(`${op} ${op_id}`) ?? 0) + 1);
  }
  return {
    lost: acknowledged.filter(({ op, opId }) => !count.has(`${op} ${opId}`)).map(({ opId }) => opId),
    doubled: [...count].filter(([, times]) => times > 1).map(([name]) => name),
  };
}
