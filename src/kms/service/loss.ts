// Whether the backend is lost, since when, and the keeper that waits to hear of it (C-43). One waits at a time.

import type { Millis } from '../../host.ts';

export class Loss {
  #atMs: Millis | null = null;
  #tell: (() => void) | null = null;

  /** Monotonic ms; null while it is there. */
  get atMs(): Millis | null {
    return this.#atMs;
  }

  happened(monotonicMs: Millis): void {
    this.#atMs = monotonicMs;
    this.#tell?.();
  }

  over(): void {
    this.#atMs = null;
  }

  /** Resolves when it is lost, or when the signal fires. */
  known(signal: AbortSignal): Promise<void> {
    if (this.#atMs !== null || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#tell = null;
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#tell = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
