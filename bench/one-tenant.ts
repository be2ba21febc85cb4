// The load of one tenant in a thread of its own, so that the generator of a busy tenant does not hold up the clock of a quiet
// one: a closed loop, with a pause where one is given. The busy tenant works in every other slice of time, so that what the
// quiet one sees alone and beside it are seen on the same machine in the same minute. Started by kms-load.ts; posts one Loaded.

import { parentPort, workerData } from 'node:worker_threads';
import { RawConnection, type Target } from './raw-http.ts';

export interface LoadOfOne {
  readonly target: Target;
  /** Whole requests, sent in turn. */
  readonly requests: readonly Uint8Array[];
  readonly connections: number;
  /** Unix ms; both tenants have the same. */
  readonly beginMs: number;
  readonly seconds: number;
  readonly sliceMs: number;
  /** Works in the odd slices only. */
  readonly everyOther: boolean;
  /** Each connection begins at most one request in this time; 0: the next at once, after a refusal too. */
  readonly everyMs: number;
}

/** Of answers with 200, in ms: in the even slices, in the odd ones; requests that touch two are not counted. */
export interface Loaded {
  readonly even: readonly number[];
  readonly odd: readonly number[];
  /** Other answers by status. */
  readonly others: ReadonlyMap<number, number>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
/** What the other tenant left in the queues goes with the beginning of a slice. */
const SETTLED = 0.2;

async function run(load: LoadOfOne): Promise<Loaded> {
  const { target, requests, connections, beginMs, seconds, sliceMs, everyMs } = load;
  const even: number[] = [];
  const odd: number[] = [];
  const others = new Map<number, number>();
  const nowMs = (): number => performance.timeOrigin + performance.now() - beginMs;
  const take = (fromMs: number, toMs: number): void => {
    const slice = Math.floor(fromMs / sliceMs);
    if (Math.floor(toMs / sliceMs) !== slice || fromMs - slice * sliceMs < sliceMs * SETTLED) return;
    (slice % 2 === 0 ? even : odd).push(toMs - fromMs);
  };
  const steps = requests.map((bytes) => Buffer.from(bytes));
  const open = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(target)));
  await pause(-nowMs());
  await Promise.all(
    open.map(async (connection, offset) => {
      await pause(Math.random() * everyMs);
      for (let n = offset * 7; nowMs() < seconds * 1000; n++) {
        const slice = Math.floor(nowMs() / sliceMs);
        if (load.everyOther && slice % 2 === 0) {
          await pause((slice + 1) * sliceMs - nowMs() + Math.random() * everyMs);
          continue;
        }
        const step = steps[n % steps.length];
        if (step === undefined) return;
        const fromMs = nowMs();
        const { status } = await connection.send(step);
        const toMs = nowMs();
        if (status === 200) take(fromMs, toMs);
        else others.set(status, (others.get(status) ?? 0) + 1);
        if (toMs < fromMs + everyMs) await pause(fromMs + everyMs - toMs);
      }
      connection.close();
    }),
  );
  return { even, odd, others };
}

parentPort?.postMessage(await run(workerData as LoadOfOne));
