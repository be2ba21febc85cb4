// The forms of --kms, and everything that looks like one.

import { describe, expect, it } from 'vitest';
import { RonError } from '../../src/errors.ts';
import { parseTarget, type Target, targetName } from '../../src/kms-client/target.ts';

describe('--kms', () => {
  it.each<[string, Target, string]>([
    ['none', { kind: 'none' }, 'none'],
    ['local', { kind: 'local' }, 'local'],
    ['unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock' }, 'unix:/run/x.sock'],
    ['https://kms.example', { kind: 'https', host: 'kms.example', port: 443 }, 'https://kms.example:443'],
    ['https://kms.example:9446/', { kind: 'https', host: 'kms.example', port: 9446 }, 'https://kms.example:9446'],
    ['https://[2001:db8::1]:1', { kind: 'https', host: '[2001:db8::1]', port: 1 }, 'https://[2001:db8::1]:1'],
    ['http://127.0.0.1:7441', { kind: 'loopback', host: '127.0.0.1', port: 7441 }, 'http://127.0.0.1:7441'],
    ['http://[::1]:7441', { kind: 'loopback', host: '[::1]', port: 7441 }, 'http://[::1]:7441'],
    ['http://localhost:7441', { kind: 'loopback', host: '127.0.0.1', port: 7441 }, 'http://127.0.0.1:7441'],
  ])('%s', (text, target, name) => {
    expect(parseTarget(text, '--kms')).toEqual(target);
    expect(targetName(target)).toBe(name);
  });

  it.each([
    ['', 'is expected'],
    ['remote', 'is expected'],
    ['NONE', 'is expected'],
    ['unix:', 'absolute path'],
    ['unix:run/x', 'absolute path'],
    [`unix:/${'x'.repeat(100)}`, 'at most 100 bytes'],
    ['http://192.0.2.1:80', 'https'],
    ['http://127.0.0.1.evil.example:1', 'https'],
    ['http://127.0.0.1', 'wants a port'],
    ['http://0.0.0.0:1', 'https'],
    ['https://user:secret@kms.example', 'a user or password'],
    ['https://kms.example/v1/kms', 'after host and port'],
    ['https://kms.example?x', 'after host and port'],
    ['https://kms.example#', 'after host and port'],
    ['ftp://kms.example', 'is expected'],
    ['file:///etc/passwd', 'is expected'],
  ])('%j is refused', (text, why) => {
    let error: unknown;
    try {
      parseTarget(text, 'RONCTL_KMS');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RonError);
    const { code, message, field } = error as RonError;
    expect([code, field]).toEqual(['InvalidValue', 'RONCTL_KMS']);
    expect(message).toContain(why);
    expect(message).not.toContain('secret');
  });
});
