// What keys of the server demand of each other and of this machine (CFG-43 to CFG-49, CFG-54, C-39, C-41, service pages 3, 7
// and 8). Refuses: documented values that this version does not start with, by name; contradictions that somebody wrote
// down (mere defaults adapt); plain TCP beyond loopback; certificates that others may read; persistence under amnesia.

import { RonError } from '../errors.ts';
import type { Env, Files } from '../host.ts';
import { rowOf } from '../policy/registry.ts';
import { initialPolicy, pqOf } from '../policy/state.ts';
import { checkValue } from '../policy/value.ts';
import { type Member, memberRow, serverKeys } from './server-keys.ts';
import { configuredPq } from './server-ledger.ts';
import { isConfigured, type Merged, memberOf } from './server-merge.ts';
import type { Violation } from './server-sources.ts';
import { parseSocket } from './server-value.ts';
import { parseSink } from './sinks.ts';

export interface CheckedOn {
  readonly files: Files;
  readonly env: Env;
  /** Absolute. */
  readonly home: string;
}

export interface Checked {
  readonly violations: readonly Violation[];
  readonly warnings: readonly string[];
}

interface Judge extends CheckedOn {
  readonly merged: Merged;
  /** Somebody wrote the value down. */
  readonly explicit: (member: Member) => boolean;
  readonly refuse: (member: Member, why: string, hint: string, code?: Violation['code']) => void;
  readonly warn: (line: string) => void;
}

type Rule = (judge: Judge) => void;

const unsupportedValues: Rule = ({ merged, refuse }) => {
  for (const row of serverKeys()) {
    const value = memberOf(merged.config, row.member);
    for (const one of Array.isArray(value) ? value : [value]) {
      const instead =
        typeof one === 'string' && Object.hasOwn(row.unsupported ?? {}, one) ? row.unsupported![one] : null;
      if (instead != null) refuse(row.member, `${String(one)} is not supported`, instead, 'Unsupported');
    }
  }
};

/** Bounds that depend on the profile. */
const registryBounds: Rule = ({ merged, refuse }) => {
  for (const row of serverKeys()) {
    const governed = row.registry === undefined ? null : rowOf(row.registry);
    const value = memberOf(merged.config, row.member);
    if (governed?.maxIn === undefined || value === null) continue;
    try {
      checkValue(governed, value, merged.config.profile);
    } catch (thrown) {
      if (!(thrown instanceof RonError)) throw thrown;
      refuse(row.member, `profile ${merged.config.profile}: ${thrown.message}`, 'Lower it.', 'InvalidValue');
    }
  }
};

/** A combination that no phase has (C-35), whatever the ledger says. */
const pqCombination: Rule = ({ merged, refuse }) => {
  const current = pqOf(initialPolicy(merged.config.profile), 'global');
  const alone = merged.config.pq.verify_mode === null;
  try {
    // One key alone goes with the phase in force, which only the ledger knows.
    if (!alone || merged.config.pq.produce_hybrid === null) configuredPq(merged.config, current);
  } catch (thrown) {
    if (!(thrown instanceof RonError)) throw thrown;
    refuse('pq.verify_mode', thrown.message, thrown.hint ?? 'Correct the pq.* keys.', 'InvalidValue');
  }
};

const backends: Rule = ({ merged, env, files, refuse, warn }) => {
  const { service, backends: settings } = merged.config;
  if (service.multi_backends[0] !== service.backend) {
    refuse(
      'service.multi_backends',
      `the first of ${service.multi_backends.join(', ')} signs and must be service.backend, ${service.backend}`,
      `Begin the list with ${service.backend}, or leave it away.`,
    );
  }
  const named = service.multi_backends.every((one) => one === 'file' || one === 'inmem');
  if (named && service.multi_backends.length > 1) {
    refuse(
      'service.multi_backends',
      `${service.multi_backends.join(', ')}: one backend at a time is supported`,
      `Keep ${service.backend} alone, or leave it away.`,
      'Unsupported',
    );
  }
  if (service.allow_sign_fallback) warn('service.allow_sign_fallback has no effect: there is one backend');
  if ((service.backend as string) !== 'pkcs11') return;
  const { module_path: modulePath, pin_env: pinEnv } = settings.pkcs11;
  if (modulePath === '' || files.info(modulePath) === null) {
    refuse(
      'backends.pkcs11.module_path',
      modulePath === '' ? 'backend pkcs11 needs it' : `there is no file ${modulePath}`,
      'Name the PKCS#11 module.',
    );
  }
  if (pinEnv === '' || env.get(pinEnv) === undefined) {
    refuse(
      'backends.pkcs11.pin_env',
      pinEnv === '' ? 'backend pkcs11 needs the name of the variable with the PIN' : 'the named variable is not set',
      'Name a variable that is set; the PIN itself never stands in a file.',
    );
  }
};

/** C-41, GAP-45: without hardware the only class is `software`. */
const attestation: Rule = ({ merged, refuse }) => {
  const { security } = merged.config;
  if (security.attest_require !== 'required' || security.attest_classes.includes('software')) return;
  refuse(
    'security.attest_require',
    `required, but backend ${merged.config.service.backend} attests with class software only, and ` +
      `security.attest_classes is ${security.attest_classes.join(', ')}`,
    'Add software to security.attest_classes, or require attestation only if available.',
  );
};

const RAM = new Set(['tmpfs', 'ramfs']);

function nearestDirectory(files: Files, path: string): string {
  let at = path;
  while (at !== '/' && files.info(at) === null) at = at.slice(0, Math.max(1, at.lastIndexOf('/')));
  return at;
}

const amnesia: Rule = ({ merged, files, explicit, refuse, warn }) => {
  const { service, audit } = merged.config;
  if (service.amnesia && service.backend === 'file') {
    const source = explicit('service.amnesia') ? '' : `, the default of profile ${merged.config.profile}`;
    refuse(
      'service.backend',
      `file keeps keys on disk, and service.amnesia is true${source}`,
      'Use backend inmem, or switch amnesia off (RON_KMS_AMNESIA=false; micronode: MICRO_PERSIST=1).',
    );
  }
  if (service.backend === 'inmem' && audit.policy_file !== '') {
    refuse('audit.policy_file', 'the log of backend inmem is not cosigned', 'Use backend file, or leave it away.');
  }
  if (service.backend !== 'inmem' || audit.dir === '') return;
  const type = files.fileSystem(nearestDirectory(files, audit.dir)).type;
  if (service.amnesia && !RAM.has(type)) {
    refuse('audit.dir', `${audit.dir} is on ${type}, not in memory, and service.amnesia is true`, 'Leave it away.');
  } else {
    warn(`audit.dir has no effect: with backend inmem the log is in memory`);
  }
};

/** The store and its log belong to one home: pins, ledger and log are judged together. */
const places: Rule = ({ merged, home, refuse }) => {
  const { service, backends: settings, audit } = merged.config;
  if (service.backend !== 'file') return;
  const hint = `Keep the home as a whole where it should be: RONCTL_HOME.`;
  if (settings.file.dir !== `${home}/store`) {
    refuse(
      'backends.file.dir',
      `${settings.file.dir} is not the store of the home, ${home}/store`,
      hint,
      'Unsupported',
    );
  }
  if (audit.dir !== `${home}/audit`) {
    refuse('audit.dir', `${audit.dir} is not the log of the home, ${home}/audit`, hint, 'Unsupported');
  }
};

/** Log page 4.11. What a sink cannot do now may still come: a medium, a receiver. What is wrong for ever is refused. */
const sinks: Rule = ({ merged, home, refuse, warn }) => {
  const { audit, service } = merged.config;
  const names = new Set<string>();
  for (const item of audit.sinks) {
    const spec = parseSink(item);
    if (typeof spec === 'string') {
      refuse('audit.sinks', spec, 'Use https://, a loopback address, file:/PATH or dir:/PATH.');
      continue;
    }
    if (names.has(spec.name)) refuse('audit.sinks', `two sinks are called ${spec.name}`, 'Give each one its own name.');
    names.add(spec.name);
    if (spec.kind !== 'http' && `${spec.target}/`.startsWith(`${home}/`)) {
      refuse('audit.sinks', `${spec.name}: ${spec.target} is in the home`, 'A copy beside the log protects nothing.');
    }
  }
  if (audit.sinks.length > 0 && service.amnesia) {
    warn('audit.sinks get checkpoints only: with service.amnesia no record leaves memory');
  }
};

const firstUnprivilegedPort = (files: Files): number => {
  const path = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  if (files.info(path) === null) return 1024;
  const file = files.open(path, 'read');
  try {
    const text = new TextDecoder().decode(file.read(0, 16)).trim();
    return /^\d{1,5}$/.test(text) ? Number(text) : 1024;
  } finally {
    file.close();
  }
};

const listeners: Rule = ({ merged, files, explicit, refuse, warn }) => {
  const { bind_addr: bind, metrics_addr: metrics, tls, audit, profile } = merged.config;
  if (!tls.enabled && !parseSocket(bind)!.loopback) {
    refuse('bind_addr', `${bind} is not loopback and tls.enabled is false`, 'Enable TLS, or bind to 127.0.0.1.');
  } else if (!tls.enabled && profile === 'macronode' && explicit('bind_addr')) {
    refuse('bind_addr', 'profile macronode opens no TCP without TLS', 'Enable TLS, or use the Unix socket.');
  }
  if (!tls.enabled && !parseSocket(audit.tlog_addr)!.loopback) {
    refuse('audit.tlog_addr', `${audit.tlog_addr} is not loopback and tls.enabled is false`, 'Enable TLS.');
  }
  if (!parseSocket(metrics)!.loopback)
    warn(`metrics_addr ${metrics} is not loopback: whoever reaches it reads metrics`);
  const addresses: readonly (readonly [Member, string])[] = [
    ['bind_addr', bind],
    ['metrics_addr', metrics],
    ['audit.tlog_addr', audit.tlog_addr],
  ];
  for (const [member, address] of addresses) {
    const { port } = parseSocket(address)!;
    if (port === 0 || files.uid() === 0 || port >= firstUnprivilegedPort(files)) continue;
    refuse(member, `port ${port} needs privilege, and this is uid ${files.uid()}`, 'Take a port from 1024 on.');
  }
};

const OTHERS = 0o007;
const GROUP_WRITE = 0o020;

const certificates: Rule = ({ merged, files, refuse }) => {
  const { tls } = merged.config;
  if (!tls.enabled) return;
  for (const [member, path] of [
    ['tls.cert_path', tls.cert_path],
    ['tls.key_path', tls.key_path],
  ] as const) {
    const info = path === '' || files.info(path) === null ? null : files.info(files.realPath(path));
    if (path === '') refuse(member, 'tls.enabled needs it', 'Name a PEM file.');
    else if (info === null) refuse(member, `there is no file ${path}`, 'Name a PEM file that is there.');
    else if (info.type !== 'file') refuse(member, `${path} is no regular file`, 'Name a PEM file.');
    else if ((info.mode & OTHERS) !== 0 || (info.mode & GROUP_WRITE) !== 0) {
      const mode = info.mode.toString(8).padStart(4, '0');
      refuse(member, `${path} has mode ${mode}: others may read or change it`, `chmod 0600 ${path}`);
    }
  }
};

/** What profiles for production do not allow (service page 7). */
const production: Rule = ({ merged, refuse, warn }) => {
  const { profile, observability, crypto } = merged.config;
  const strict = profile === 'micronode' || profile === 'macronode';
  if (strict && crypto.provider === 'noble') {
    refuse('crypto.provider', `noble is refused in profile ${profile}`, 'Use native.');
  }
  if (strict && observability.log_inputs) {
    refuse('observability.log_inputs', `inputs are never logged in profile ${profile}`, 'Set it to false.');
  }
  if (!strict && observability.log_inputs) warn('observability.log_inputs: inputs are logged, as redact_level says');
};

const RULES: readonly Rule[] = [
  unsupportedValues,
  registryBounds,
  pqCombination,
  backends,
  attestation,
  amnesia,
  places,
  sinks,
  listeners,
  certificates,
  production,
];

/** Judges a merged configuration on this machine; lists everything. */
export function checkServerConfig(merged: Merged, on: CheckedOn): Checked {
  const violations: Violation[] = [];
  const warnings: string[] = [];
  const originOf = (member: Member): string => merged.origins.get(memberRow(member).key)!;
  const judge: Judge = {
    ...on,
    merged,
    explicit: (member) => isConfigured(originOf(member)),
    warn: (line) => warnings.push(line),
    refuse: (member, why, hint, code = 'RefusedConfig') => {
      const { key } = memberRow(member);
      const origin = originOf(member);
      const place = origin === 'default' ? '' : `${origin}: `;
      violations.push({ code, key, origin, message: `${place}${key}: ${why}`, hint });
    },
  };
  for (const rule of RULES) rule(judge);
  return { violations, warnings };
}
