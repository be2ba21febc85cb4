// SIGHUP (CFG-50 to CFG-52, TST-04): all sources are read and judged again; addresses and TLS are bound anew, everything else
// is swapped at once, or nothing changes at all. The record is in the log before the new values count. A refused reload keeps
// what is in force, and readiness says so.

import { RonError } from '../errors.ts';
import type { Bound, Listen } from '../kms/http/server-parts.ts';
import { apiListen, metricsListen, tlogListen } from './serve-listeners.ts';
import type { PortName } from './serve-ports.ts';
import type { Serving } from './serving.ts';

interface Move {
  readonly name: PortName;
  readonly listen: Listen | null;
}

export async function reloadServer(serving: Serving): Promise<void> {
  const { live, telemetry } = serving.basis;
  try {
    await reload(serving);
  } catch (error) {
    // A bug in a reload must not end a server that works.
    const known = error instanceof RonError ? error : new RonError('Internal', 'the reload failed', { cause: error });
    live.refused = known.message;
    telemetry.log('warn', 'config_refused', { code: known.code, message: known.message });
    telemetry.publish('kms.config.refused', {
      code: known.code,
      ...(known.field === undefined ? {} : { key: known.field }),
    });
  }
}

async function reload(serving: Serving): Promise<void> {
  const { live, custody, telemetry, tls, log } = serving.basis;
  const { ledger, judged } = custody.policy();
  const { next, reload: change } = await live.next(ledger, judged);
  const config = next.loaded.config;
  const pair = tls.prepare(config);
  const changed = (key: string): boolean => change.changed.includes(key);
  const options = pair.options;
  const moves: Move[] = [];
  if (changed('bind_addr') || changed('tls.enabled') || changed('tls.pq_only'))
    moves.push({ name: 'api', listen: apiListen(config, options) });
  if (changed('metrics_addr')) moves.push({ name: 'metrics', listen: metricsListen(config) });
  const published = (audit: typeof config.audit): boolean => audit.tlog !== 'off';
  // What it shows is asked at each request.
  const turned = published(config.audit) !== published(live.config.audit);
  if (turned || changed('audit.tlog_addr') || changed('tls.enabled') || changed('tls.pq_only'))
    moves.push({ name: 'tlog', listen: tlogListen(config, options) });
  const bound: { readonly name: PortName; readonly place: Bound | null; readonly listen: Listen | null }[] = [];
  try {
    for (const { name, listen } of moves) {
      bound.push({ name, listen, place: listen === null ? null : await serving.ports.bind(listen) });
    }
    await custody.reload({ config, local: next.local }, change.changed);
  } catch (error) {
    for (const { place } of bound) void place?.retire(0);
    throw error;
  }
  live.take(next);
  pair.take();
  const graceMs = config.limits.drain_deadline_ms;
  for (const { name, listen, place } of bound) serving.ports.replace(name, listen, place, graceMs);
  if (options !== null) for (const name of ['api', 'tlog'] as const) serving.ports.get(name)?.setTls?.(options);
  await serving.tellClients();
  telemetry.log('info', 'config_updated', { changed: change.changed, config_sha256: change.config_sha256 });
  for (const { key, from, to, origin } of change.diff) {
    telemetry.log('info', 'config_changed', { key, message: `${from} -> ${to} (${origin})` });
  }
  telemetry.publish('kms.config.updated', { version: change.config_sha256, changed: change.changed });
  log.flush();
}
