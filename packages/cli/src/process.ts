import { run } from "./main.js";

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs a command line as this process: writes to its stdout and stderr, stops cleanly on Ctrl-C, and sets its exit code.
 *
 * @param argv the arguments, without the program's own name
 */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const controller = new AbortController();
  let signalled: number | undefined;
  for (const [name, status] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      // The first asks the command to stop and clean up; whoever asks again does not want to wait.
      if (signalled !== undefined) process.exit(status);
      signalled = status;
      controller.abort();
    });
  }
  // `tessera inspect model | head` closes the pipe before all is written; that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const { stdout, stderr, env } = process;
  const status = await run(argv, { stdout, stderr, env, signal: controller.signal });
  process.exitCode = signalled !== undefined && status !== 0 ? signalled : status;
}
