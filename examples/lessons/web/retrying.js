// Tries again by itself, sooner at first and then more patiently, and counts down to it.

const SECONDS = [1, 2, 4, 8, 15];

export class Retrying {
  #timer = 0;
  #failures = 0;
  #run = null;

  constructor() {
    window.addEventListener("online", () => this.now());
  }

  // Runs `run` after the time that is due; `told` is called each second with the seconds left.
  later(run, { retryAfter = null, told = () => {} } = {}) {
    clearTimeout(this.#timer);
    this.#run = run;
    const wait = SECONDS[Math.min(this.#failures, SECONDS.length - 1)];
    this.#failures += 1;
    const due = Date.now() + Math.max(wait, Math.min(retryAfter ?? 0, 30)) * 1000;
    const tick = () => {
      const left = Math.ceil((due - Date.now()) / 1000);
      if (left <= 0) return this.now();
      told(left);
      this.#timer = setTimeout(tick, Math.min(1000, due - Date.now()));
    };
    tick();
  }

  now() {
    clearTimeout(this.#timer);
    const run = this.#run;
    this.#run = null;
    run?.();
  }

  // Another request is made by somebody, so that the one that waits is not.
  cancel() {
    clearTimeout(this.#timer);
    this.#run = null;
  }

  succeeded() {
    this.cancel();
    this.#failures = 0;
  }
}
