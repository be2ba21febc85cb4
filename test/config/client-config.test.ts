import { describe, expect, test } from 'vitest';
import { parseClientConfig } from '../../src/config/client-config.ts';

const parse = (text: string) => parseClientConfig(text, 'c.toml');

describe('the client configuration', () => {
  test('takes every key', async () => {
    const config = await parse(`
[home]
dir = "h"
[kms]
url = "none"
ca_file = "ca.pem"
cert_sha256 = "${'0a'.repeat(32)}"
token_file = "t"
timeout = "5s"
retries = 2
[signer]
default = "alice"
[output]
format = "yaml"
color = "never"
[crypto]
provider = "noble"
[audit]
policy_file = "p"
`);
    expect(config).toMatchObject({
      signer: { default: 'alice' },
      output: { format: 'yaml', color: 'never' },
      crypto: { provider: 'noble' },
      kms: { retries: 2, url: 'none' },
    });
  });

  test('an empty file is the defaults', async () => {
    expect(await parse('')).toEqual({ home: {}, kms: {}, signer: {}, output: {}, crypto: {}, audit: {} });
  });

  const refused: readonly (readonly [name: string, text: string, message: string, field: string | undefined])[] = [
    ['an unknown table', '[outptu]\nformat = "json"', 'c.toml:1:1: unknown table [outptu]', 'outptu'],
    ['an unknown key', '# x\n\n[output]\n  fromat = "json"', 'c.toml:4:3: unknown key output.fromat', 'output.fromat'],
    ['an unknown dotted key', 'output.fromat = "json"', 'c.toml:1:1: unknown key output.fromat', 'output.fromat'],
    [
      'a value out of its list',
      '[output]\nformat = "xml"',
      'c.toml:2:1: output.format: one of table, json, yaml',
      'output.format',
    ],
    [
      'a value of another type',
      '[output]\nformat = 1',
      'c.toml:2:1: output.format: a string is expected',
      'output.format',
    ],
    ['more retries', '[kms]\nretries = 3', 'c.toml:2:1: kms.retries: a whole number from 0 to 2', 'kms.retries'],
    ['another address', '[kms]\nurl = "ftp://x"', 'c.toml:2:1: kms.url: none, local, unix:PATH', 'kms.url'],
    [
      'a fraction',
      '[kms]\nretries = 1.5',
      'c.toml:2:1: kms.retries: a whole number from 0 to 2 is expected',
      'kms.retries',
    ],
    ['a table as value', 'output = "json"', 'c.toml:1:1: output is a table', 'output'],
    ['a duplicate key', '[output]\nformat = "json"\nformat = "json"', 'c.toml:3:', undefined],
    ['text that is no TOML', '[output\n', 'c.toml:1:', undefined],
    ['__proto__', '[__proto__]\nx = 1', 'unknown table [__proto__]', '__proto__'],
  ];
  test.each(refused)('%s is refused with its place', async (_, text, message, field) => {
    const error = await parse(text).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'RefusedConfig', ...(field === undefined ? {} : { field }) });
    expect((error as Error).message).toContain(message);
  });

  test('a refusal names the nearest keys', async () => {
    await expect(parse('[output]\nfromat = "json"')).rejects.toMatchObject({ hint: 'Did you mean format?' });
  });
});
