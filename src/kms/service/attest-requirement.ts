// Whether keys must attest (C-17, C-41): the stricter of policy and configuration. What the backend can never attest must not
// be required: refused at the start.

import type { ServerConfig } from '../../config/server-config.ts';
import { fail, RonError } from '../../errors.ts';
import { SOFTWARE_CLASS } from '../../keys/attestation.ts';
import type { Requirement } from './attestations.ts';
import type { Backend } from './backend.ts';
import { globalValueInForce } from './key-policy.ts';

const REQUIREMENTS: readonly Requirement[] = ['never', 'if-available', 'required'];

function globalValue(backend: Backend, key: string): unknown {
  return globalValueInForce(backend.view, key, backend.judged());
}

/** The stricter of policy and configuration. */
export function attestRequirement(backend: Backend, config: ServerConfig): Requirement {
  const policy = globalValue(backend, 'security.attest_require');
  const rank = Math.max(
    REQUIREMENTS.indexOf(config.security.attest_require),
    REQUIREMENTS.indexOf(policy as Requirement),
  );
  return REQUIREMENTS[rank] ?? 'required';
}

/** Throws RefusedConfig. */
export function refuseUnattestable(backend: Backend, config: ServerConfig): void {
  const classes = globalValue(backend, 'security.attest_classes');
  const hasClass = Array.isArray(classes) && classes.includes(SOFTWARE_CLASS);
  if (attestRequirement(backend, config) === 'required' && !hasClass) {
    throw new RonError(
      'RefusedConfig',
      `an attestation is required, and the backend ${config.service.backend} has class ${SOFTWARE_CLASS} only, which the policy does not take`,
      {
        field: 'security.attest_require',
        hint: 'Propose a change of security.attest_classes, or use a backend that attests.',
      },
    );
  }
  if (config.audit.sealing === 'attested') {
    fail('RefusedConfig', `audit.sealing = attested is not available with the backend ${config.service.backend}`, {
      field: 'audit.sealing',
    });
  }
}
