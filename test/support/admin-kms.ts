// All ports of a served, governed store, in this process or on the other side of a socket: subjects of the admin contracts.

import { onTestFinished } from 'vitest';
import type { Kms } from '../../src/kms/admin-ports.ts';
import { createEventRing } from '../../src/kms/event-ring.ts';
import type { Call, Caller } from '../../src/kms/ports.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { homeLog } from '../../src/storage/trusted-log.ts';
import type { AdminSubject } from '../contract/kms-admin-subject.ts';
import { GovernedStore } from './governed-store.ts';
import { clientOf, servedOnSocket } from './http-kms.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { serving } from './serving.ts';

/** One home for the tests of a file: making it costs more than most tests. */
let template: Promise<GovernedStore> | undefined;

/** The clock goes at the pace of a slow disk: nothing waits in vain for its 200 ms. */
async function slowly<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const pending = Symbol('pending');
  for (;;) {
    const first = await Promise.race([promise, settle(1).then(() => pending)]);
    if (first !== pending) return promise;
    await clock.pass(20, 20);
  }
}

export async function governedKms(): Promise<AdminSubject> {
  template ??= GovernedStore.create();
  const world = (await template).copy();
  onTestFinished(() => world.remove());
  const clock = new ManualClock(world.clock.nowMs);
  clock.sinceBootMs = world.clock.sinceBootMs;
  const ring = createEventRing({ nowMs: () => clock.now(), onLag: () => undefined });
  const { service } = await serving({
    home: world.home,
    clock,
    options: { events: ({ topic, sinceMs, signal }) => ring.read({ topic, sinceMs, signal }) },
  });
  await service.start();
  const context = await storeContext(world.storeDeps());
  return {
    kms: service.kms,
    world,
    log: homeLog(context).log,
    state: () => service.state(),
    publish: (topic, data) => ring.publish(topic, data),
    nowMs: () => clock.now(),
    soon: (promise) => slowly(clock, promise),
  };
}

/** After the tests of a file. */
export async function forgetGovernedKms(): Promise<void> {
  const made = template;
  template = undefined;
  (await made)?.remove();
}

const STREAMS = ['ledger', 'records', 'events'];

type Method = (request: unknown, call: Call) => unknown;

/** Each method goes out as the caller of its call. */
function perCaller(clientFor: (caller: Caller) => Promise<Kms>): Kms {
  const methodOf = async (port: string, name: string, { caller }: Call): Promise<Method> => {
    const of = (await clientFor(caller))[port as keyof Kms] as unknown as Readonly<Record<string, Method>>;
    return of[name]!;
  };
  const portOf = (port: string): object =>
    new Proxy(
      {},
      {
        get: (_target, member) => {
          const name = String(member);
          if (STREAMS.includes(name)) {
            return async function* (request: unknown, call: Call) {
              yield* (await methodOf(port, name, call))(request, call) as AsyncIterable<unknown>;
            };
          }
          return async (request: unknown, call: Call) => (await methodOf(port, name, call))(request, call);
        },
      },
    );
  return new Proxy({}, { get: (_target, member) => portOf(String(member)) }) as Kms;
}

/** The same on the other side of a socket, through server and client of the product. */
export async function governedKmsOverHttp(): Promise<AdminSubject> {
  const inner = await governedKms();
  const { socketPath } = await servedOnSocket(inner.kms);
  const clients = new Map<string, Promise<Kms>>();
  const clientFor = (caller: Caller): Promise<Kms> => {
    const key = JSON.stringify(caller);
    const known = clients.get(key) ?? clientOf(socketPath, caller);
    clients.set(key, known);
    return known;
  };
  return { ...inner, kms: perCaller(clientFor) };
}
