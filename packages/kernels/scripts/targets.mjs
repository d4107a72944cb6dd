// The platforms that the native engine is built for, each a package of its own under platforms/.
import { readFileSync } from "node:fs";

const x64 = [
  // Name, what the compiler may use, and the register tile: ROWS · VECTORS accumulators, VECTORS operands and a broadcast
  // must fit 32 registers of 16 floats, or 16 of 8.
  // The first also looks up and counts bytes, which all processors have that have VNNI, but for Cascade and Cooper Lake.
  {
    name: "avx512vnni",
    cpu: "x86_64_v4+avx512vnni+avx512vbmi+avx512vpopcntdq",
    lanes: 16,
    vectors: 2,
    rows: 12,
  },
  { name: "avx512", cpu: "x86_64_v4", lanes: 16, vectors: 2, rows: 12 },
  { name: "avx2vnni", cpu: "x86_64_v3+avxvnni", lanes: 8, vectors: 2, rows: 6 },
  { name: "avx2", cpu: "x86_64_v3", lanes: 8, vectors: 2, rows: 6 },
];
const arm64 = [{ name: "neon", cpu: "generic", lanes: 4, vectors: 4, rows: 6 }];

export const targets = [
  // The oldest glibc of the systems that Node 20 itself runs on.
  { name: "linux-x64-gnu", triple: "x86_64-linux-gnu.2.28", variants: x64 },
  { name: "linux-x64-musl", triple: "x86_64-linux-musl", variants: x64 },
  { name: "linux-arm64-gnu", triple: "aarch64-linux-gnu.2.28", variants: arm64 },
  { name: "linux-arm64-musl", triple: "aarch64-linux-musl", variants: arm64 },
  { name: "darwin-x64", triple: "x86_64-macos.11.0", variants: x64 },
  { name: "darwin-arm64", triple: "aarch64-macos.11.0", variants: arm64 },
  { name: "win32-x64", triple: "x86_64-windows-gnu", variants: x64 },
];

/** The target of this machine, or undefined if there is none. */
export function hostTarget() {
  const { platform, arch } = process;
  const libc = platform === "linux" ? (usesGlibc() ? "-gnu" : "-musl") : "";
  return targets.find(({ name }) => name === `${platform}-${arch}${libc}`);
}

/** Node's own report names the glibc that it runs on; there is none on musl. */
function usesGlibc() {
  try {
    return readFileSync("/usr/bin/ldd", "latin1").includes("GNU C Library");
  } catch {
    return process.report.getReport().header.glibcVersionRuntime !== undefined;
  }
}
