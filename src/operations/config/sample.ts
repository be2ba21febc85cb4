// `config sample`: a commented file with every key, or the systemd unit, made from the tables of the program.

import { sampleClientConfig } from '../../config/client-effective.ts';
import type { ServerProfile } from '../../config/server-config.ts';
import { sampleServerConfig } from '../../config/server-print.ts';
import { systemdUnit } from '../../config/systemd-unit.ts';
import { RonError } from '../../errors.ts';

export type SampleRequest =
  | { readonly subject: 'client' }
  | { readonly subject: 'ron-kms'; readonly profile: ServerProfile | null }
  | { readonly subject: 'systemd'; readonly executable: string };

export interface ConfigSampleResult {
  readonly subject: 'client' | 'ron-kms' | 'systemd';
  readonly profile: string | null;
  /** Where the file belongs. */
  readonly file: string;
  readonly text: string;
}

const RESERVE_BYTES = 2 ** 28;

export async function configSample(request: SampleRequest): Promise<ConfigSampleResult> {
  switch (request.subject) {
    case 'client':
      return { subject: 'client', profile: null, file: 'config.toml', text: sampleClientConfig() };
    case 'ron-kms': {
      const { profile } = request;
      return { subject: 'ron-kms', profile, file: 'ron-kms.toml', text: sampleServerConfig(profile) };
    }
    default: {
      const text = systemdUnit({ executable: request.executable, minFreeBytes: RESERVE_BYTES });
      if (text !== null) return { subject: 'systemd', profile: null, file: 'ron-kms.service', text };
      throw new RonError('InvalidValue', `${request.executable}: a path that a unit can name is expected`, {
        field: '--executable',
        hint: 'Give the absolute path of ronctl, without spaces.',
      });
    }
  }
}
