// Which listeners a server opens (service page 3): the Unix socket, TCP as the profile allows, metrics. A TCP address
// without TLS is loopback only, and not opened at all in macronode: nothing listens that the operator did not ask for, and
// nothing listens plainly where TLS was asked for. server-check.ts has refused the rest with exit 3.

import type { ServerConfig } from '../config/server-config.ts';
import { parseSocket } from '../config/server-value.ts';
import type { Listen, TlsOptions } from '../kms/http/server-parts.ts';

/** Address of a configured `host:port`. */
function address(text: string): { readonly host: string; readonly port: number } {
  const { host, port } = parseSocket(text)!;
  return { host, port };
}

/** Null: no TCP listener for the API. */
export function apiListen(
  config: Pick<ServerConfig, 'profile' | 'bind_addr' | 'tls'>,
  tls: TlsOptions | null,
): Listen | null {
  if (tls !== null) return { kind: 'tcp', ...address(config.bind_addr), tls };
  if (config.profile === 'macronode') return null;
  return { kind: 'tcp', ...address(config.bind_addr) };
}

export function metricsListen(config: Pick<ServerConfig, 'metrics_addr'>): Listen {
  return { kind: 'metrics', ...address(config.metrics_addr) };
}

/** Null: the log is not published. TLS wherever it is asked for, as for the API. */
export function tlogListen(config: Pick<ServerConfig, 'audit'>, tls: TlsOptions | null): Listen | null {
  const { tlog, tlog_addr } = config.audit;
  if (tlog === 'off') return null;
  return { kind: 'tlog', ...address(tlog_addr), ...(tls === null ? {} : { tls }) };
}

/** The socket is never open to others, not even for a moment. */
export function socketListen(path: string): Listen {
  return {
    kind: 'unix',
    path,
    privately: (bind) => {
      const before = process.umask(0o177);
      try {
        bind();
      } finally {
        process.umask(before);
      }
    },
  };
}

/** `host:port`, IPv6 in brackets. */
export function addressText({ host, port }: { readonly host?: string; readonly port?: number }): string {
  return host?.includes(':') === true ? `[${host}]:${port}` : `${host}:${port}`;
}
