// What is wrong with this installation, this machine and this home, and what to do about it. Opens no private key, writes
// nothing, asks nothing. `fail` decides the exit code by the first failing check; `warn` and `note` do not.

import type { ProviderName } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { OperationDeps } from './deps.ts';
import { attempt, type Check } from './doctor-check.ts';
import { homeChecks } from './doctor-home.ts';
import { checkPackage, packageError } from './package-check.ts';

export interface DoctorRequest {
  readonly packageRoot: string;
  readonly runtimePath: string;
  /** `process.versions.node`. */
  readonly runtimeVersion: string;
  readonly development: boolean;
  readonly provider: ProviderName;
}

export interface DoctorResult {
  readonly healthy: boolean;
  readonly home: string;
  readonly checks: readonly Check[];
}

const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail });

function runtimeCheck({ runtimeVersion }: DoctorRequest): Check {
  const [major = 0, minor = 0] = runtimeVersion.split('.').map(Number);
  if (major >= 26 || (major === 24 && minor >= 16)) return ok('runtime', `node ${runtimeVersion}`);
  return {
    name: 'runtime',
    status: 'fail',
    code: 'Unsupported',
    detail: `node ${runtimeVersion} is not supported: >=24.16 <25 or >=26 is`,
    next: 'Install ronctl with its optional dependencies, which carry the runtime.',
  };
}

function packageChecks(request: DoctorRequest, deps: Pick<OperationDeps, 'host'>): Check {
  if (request.development)
    return { name: 'package', status: 'note', detail: 'run from source: nothing to compare with' };
  const check = checkPackage(deps.host.files, request);
  const error = packageError(check);
  if (error === undefined) return ok('package', `${check.files} files as packed (${check.digest})`);
  return {
    name: 'package',
    status: error.code === 'Inconclusive' ? 'warn' : 'fail',
    detail: error.message,
    ...(error.hint === undefined ? {} : { next: error.hint }),
    ...(error.code === 'Inconclusive' ? {} : { code: error.code }),
  };
}

/** Every algorithm of both providers; only the configured one can fail the doctor. */
async function cryptoChecks({ provider }: DoctorRequest): Promise<Check[]> {
  const { selfTestAll } = await import('../crypto/self-test.ts');
  const { nativeCrypto } = await import('../crypto/native.ts');
  const { nobleCrypto } = await import('../crypto/noble.ts');
  const checks: Check[] = [];
  for (const crypto of [nativeCrypto(), nobleCrypto()]) {
    const results = await selfTestAll(crypto);
    const wrong = results.filter((result) => !result.ok);
    const used = crypto.provider === provider;
    const name = `crypto ${crypto.provider}`;
    if (wrong.length === 0) {
      checks.push(ok(name, `${results.length} algorithms give their known answers${used ? ' (in use)' : ''}`));
      continue;
    }
    checks.push({
      name,
      status: used ? 'fail' : 'warn',
      detail: wrong.map(({ alg, detail }) => `${alg}: ${detail}`).join('; '),
      next: 'Do not use this machine for keys or verification.',
      ...(used ? { code: 'SelfTestFailed' as const } : {}),
    });
  }
  return checks;
}

export async function doctor(
  request: DoctorRequest,
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'onProgress'>,
): Promise<DoctorResult> {
  const checks = [
    runtimeCheck(request),
    ...(await attempt('package', () => packageChecks(request, deps))),
    ...(await cryptoChecks(request)),
    ...(await homeChecks(request.provider, deps)),
  ];
  return { healthy: checks.every(({ status }) => status !== 'fail'), home: deps.home, checks };
}

/** The error of the first failing check. */
export function doctorError({ checks }: DoctorResult): RonError | undefined {
  const failed = checks.filter(({ status }) => status === 'fail');
  const first = failed[0];
  if (first === undefined) return undefined;
  const more = failed.length === 1 ? '' : ` (and ${failed.length - 1} more)`;
  return new RonError(first.code ?? 'StorageFault', `${first.name}: ${first.detail}${more}`, {
    field: first.name,
    ...(first.next === undefined ? {} : { hint: first.next }),
  });
}
