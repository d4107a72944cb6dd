"""A contender's side of src/protocol.ts: JSON lines on stdin and stdout."""

import json
import os
import sys
import time

import numpy as np
import threadpoolctl

THREADS = int(os.environ.get("TESSERA_BENCH_THREADS", "1"))


class Job:
    """A task made ready: `run()` is timed, `result(last)` gives the array to write of the last run."""

    def __init__(self, run, result=lambda last: last, bytes_per_vector=None):
        self.run = run
        self.result = result
        self.facts = {} if bytes_per_vector is None else {"bytesPerVector": int(bytes_per_vector)}


def serve(name, kinds, details=(), facts=None):
    """Greets, and answers requests until stdin ends. `kinds` maps a kind of task to what makes it a Job."""
    # Libraries print; only this module may write to what the bench reads.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(reply):
        replies.write(json.dumps(reply) + "\n")
        replies.flush()

    threadpoolctl.threadpool_limits(THREADS)
    say(
        {
            "ok": True,
            "name": name,
            "details": [*details, *pools()],
            "startBytes": peak_bytes(),
            "facts": facts or {},
        }
    )
    job = last = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "prepare":
                task = request["task"]
                if task["kind"] not in kinds:
                    say({"ok": False, "unsupported": True, "error": f"it has no {task['kind']}"})
                    continue
                job = kinds[task["kind"]](task)
                say({"ok": True})
            elif request["op"] == "run":
                seconds = []
                end = time.perf_counter() + request["seconds"]
                while not seconds or time.perf_counter() < end:
                    last = None
                    start = time.perf_counter()
                    last = job.run()
                    seconds.append(time.perf_counter() - start)
                say({"ok": True, "seconds": seconds, "peakBytes": peak_bytes()})
            else:
                np.save(request["path"], np.ascontiguousarray(job.result(last)))
                say({"ok": True, **job.facts})
        except Exception as error:  # noqa: BLE001, whatever it is belongs into the table
            say({"ok": False, "error": f"{type(error).__name__}: {error}"})


def load(task, name="rows"):
    """The matrix of one of a task's files."""
    return np.load(task[name])


def pools():
    """The thread pools of the libraries loaded by now, with the kernels that each runs."""
    return [
        " ".join(
            str(pool[key])
            for key in ("prefix", "version", "architecture", "num_threads")
            if pool.get(key) is not None
        )
        + " threads"
        for pool in threadpoolctl.threadpool_info()
    ]


def peak_bytes():
    """Linux says it in VmHWM; the maximum that getrusage gives includes the parent's there."""
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
