// The contract of the Capabilities port: in-process, and through client, socket and server with the real authenticator.

import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import { mintToken } from '../../src/capability/token.ts';
import { nodeClock } from '../../src/cli/node-clock.ts';
import { RonError } from '../../src/errors.ts';
import { connectKms } from '../../src/kms-client/client.ts';
import { type Bearing, type CapabilitySubject, capabilitiesContract } from '../contract/kms-capabilities.ts';
import { call, SYSTEM } from '../contract/kms-subject.ts';
import { type MemoryCapabilities, memoryCapabilities } from '../support/capabilities.ts';
import { ask, socketDirectory, testServer } from '../support/http-server.ts';

const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));

function common(caps: MemoryCapabilities): Omit<CapabilitySubject, 'as' | 'door'> {
  return {
    nowMs: () => caps.store.nowMs,
    advance: (seconds) => caps.advance(seconds),
    token: (caveats, change = {}) => caps.token(caveats, change),
    unregistered: async (caveats) => {
      const { secret } = await caps.store.read('cap-root/1');
      const minted_at = toTime(caps.store.nowMs);
      const identifier = {
        v: 1,
        id: uuidV4(random(16)),
        root: 1,
        once: false,
        minted_at,
        minted_by: 'local:0:x',
      } as const;
      return mintToken(secret, identifier, [...caveats, caps.exp()]);
    },
  };
}

capabilitiesContract('in-process', async () => {
  const caps = await memoryCapabilities();
  return {
    ...common(caps),
    as: async (token): Promise<Bearing> => ({
      capabilities: caps.capabilities,
      call: (change) => call(token === null ? SYSTEM : caps.authenticator.authenticate(token), change),
    }),
    door: async (token) => {
      try {
        caps.authenticator.authenticate(token);
        return 'in';
      } catch (error) {
        if (error instanceof RonError) return error.code;
        throw error;
      }
    },
  };
});

capabilitiesContract('over HTTP', async () => {
  const caps = await memoryCapabilities();
  const { capabilities, authenticator } = caps;
  const { server } = await testServer({ kms: { capabilities }, authenticator });
  const socketPath = join(socketDirectory(), 's');
  await server.listen({ kind: 'unix', path: socketPath, privately: (bind) => bind() });
  return {
    ...common(caps),
    as: async (token): Promise<Bearing> => {
      const client = await connectKms({
        endpoint: { name: 'the test server', socketPath },
        token,
        // The client narrows what it sends by the clock of the test.
        clock: { ...nodeClock(), now: () => caps.store.nowMs },
        timeoutMs: 20_000,
        retries: 0,
        corrId: globalThis.crypto.randomUUID(),
      });
      onTestFinished(() => client.close());
      return { capabilities: client.kms.capabilities, call: (change) => call(undefined, change) };
    },
    door: async (token) => {
      const { status, text } = await ask({ socketPath }, 'GET', '/v1/kms/caps', { token });
      return status === 401 ? (JSON.parse(text) as { error: { code: string } }).error.code : 'in';
    },
  };
});
