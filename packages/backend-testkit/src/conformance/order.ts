import { expectExact } from "./assertions.js";
import type { CaseDefinition } from "./case.js";
import { floats, integers, makeProblem, upload } from "./problems.js";
import { referenceAssign } from "../reference/assign.js";
import { referenceResidual } from "../reference/codebooks.js";

export const orderCases: readonly CaseDefinition[] = [
  {
    name: "order: a chain of kernels needs no waiting, and inputs may be disposed once enqueued",
    async body(backend) {
      const problem = makeProblem({ rows: 301, groups: 2, codebookSize: 31, dimension: 7 }, 81);
      const { x, codebooks } = upload(backend, problem);
      const { codes, distances } = backend.assign(x, codebooks);
      const rest = backend.residual(x, codebooks, codes);
      x.dispose();
      distances.dispose();
      // Uploads of the same size as what was just freed.
      const junk = upload(backend, makeProblem(problem, 82));
      const next = backend.assign(rest, codebooks);
      codebooks.dispose();
      rest.dispose();
      junk.x.dispose();
      upload(backend, makeProblem(problem, 83));

      const first = referenceAssign(problem.x, problem.codebooks, problem);
      expectExact(await codes.read(), first.codes, [301, 2], "assign, first of a chain");
      const left = referenceResidual(problem.x, problem.codebooks, first.codes, problem);
      const second = referenceAssign(Float32Array.from(left), problem.codebooks, problem);
      expectExact(await next.codes.read(), second.codes, [301, 2], "assign, last of a chain");
    },
  },
  {
    name: "order: hundreds of small kernels, each using the one before",
    async body(backend) {
      const one = floats(backend, [1, 1, 1]);
      let sum = floats(backend, [0, 10, 20]);
      for (let step = 0; step < 300; step++) {
        const next = backend.combine(sum, one, 1, 1);
        sum.dispose();
        sum = next;
      }
      expectExact(await sum.read(), [300, 310, 320], [3], "combine, 300 times");
    },
  },
  {
    name: "order: uploads between kernels reach only the kernels after them",
    async body(backend) {
      const results: Promise<Float32Array>[] = [];
      for (let step = 0; step < 50; step++) {
        const a = floats(backend, [step, step]);
        const b = backend.combine(a, a, 1, 1);
        a.dispose();
        results.push(b.read());
        b.dispose();
      }
      // Awaited from the last to the first: a read waits for its own tensor, not for its turn.
      for (let step = 49; step >= 0; step--) {
        expectExact(await results[step]!, [2 * step, 2 * step], [2], `combine, step ${step}`);
      }
    },
  },
  {
    name: "order: sync() waits for what was enqueued, and reads after it agree",
    async body(backend) {
      const a = floats(backend, [1, 2, 3, 4], [2, 2]);
      const product = backend.matmul(a, a);
      const picked = backend.take(product, integers(backend, [1]));
      await backend.sync();
      expectExact(await picked.read(), [15, 22], [1, 2], "take after sync()");
      expectExact(await product.read(), [7, 10, 15, 22], [2, 2], "matmul after sync()");
    },
  },
];
