import { describe, expect, it } from "vitest";
import { Child, type Launch, UnsupportedError } from "./child.js";
import { fakeContender } from "./testing/fake-contender.js";

const GREETING = `console.log(JSON.stringify({ ok: true, name: "fake", details: [], startBytes: 7 }));`;
/** Answers each request with a line. */
const answering = (line: string) =>
  fakeContender(
    `${GREETING} process.stdin.on("data", () => console.log(${JSON.stringify(line)}));`,
  );

const start = (launch: Launch, limitSeconds = 30, signal = new AbortController().signal) =>
  Child.start(launch, limitSeconds, signal);

describe("a contender's process", () => {
  it("greets, and answers", async () => {
    const reply = { ok: true, seconds: [0.5], peakBytes: 9 };
    const { child, greeting } = await start(answering(JSON.stringify(reply)));
    expect(greeting).toMatchObject({ name: "fake", startBytes: 7 });
    expect(await child.run(1, 30)).toMatchObject({ seconds: [0.5], peakBytes: 9 });
    await child.stop();
  });

  it("says what went wrong, and what it cannot do", async () => {
    const failing = await start(answering('{"ok":false,"error":"no luck"}'));
    await expect(failing.child.run(1, 30)).rejects.toThrow("no luck");
    await failing.child.stop();
    const unable = await start(answering('{"ok":false,"unsupported":true,"error":"no such"}'));
    await expect(unable.child.run(1, 30)).rejects.toThrow(UnsupportedError);
    await unable.child.stop();
  });

  it("may end before it greets: the error has its status and its complaint", async () => {
    const launch = fakeContender(`throw new TypeError("cannot load");`);
    await expect(start(launch)).rejects.toThrow(
      "the process ended with status 1; TypeError: cannot load",
    );
  });

  it("may not exist", async () => {
    const launch = { command: "no-such-program", args: [], environment: process.env };
    await expect(start(launch)).rejects.toThrow("could not be started");
  });

  it("may die at its work, and stays dead", async () => {
    const { child } = await start(
      fakeContender(`${GREETING} process.stdin.on("data", () => process.kill(process.pid, 9));`),
    );
    await expect(child.run(1, 30)).rejects.toThrow("the process ended by SIGKILL");
    await expect(child.run(1, 30)).rejects.toThrow("the process ended by SIGKILL");
  });

  it("may say what is not JSON", async () => {
    const { child } = await start(answering("hello"));
    await expect(child.run(1, 30)).rejects.toThrow("it said what is not JSON: hello");
    await child.stop();
  });

  it("may take too long", async () => {
    const { child } = await start(fakeContender(`${GREETING} process.stdin.resume();`));
    await expect(child.run(1, 0.05)).rejects.toThrow("run took more than 0.05 s");
    await child.stop();
  });

  it("is killed when the bench is interrupted", async () => {
    const stop = new AbortController();
    const { child } = await start(
      fakeContender(`${GREETING} process.stdin.resume();`),
      30,
      stop.signal,
    );
    const running = child.run(1, 30);
    stop.abort();
    await expect(running).rejects.toThrow();
    await child.stop();
  });
});
