// Which of the instruction sets that were built this machine has.
#include <stddef.h>

#include "engine.h"

#if defined(__x86_64__)
#include <cpuid.h>

extern const kernel_variant variant_avx512vnni, variant_avx512, variant_avx2vnni, variant_avx2;

typedef struct {
  unsigned a, b, c, d;
} registers;

static registers cpuid_of(unsigned leaf, unsigned part) {
  registers r = {0};
  if (__get_cpuid_max(leaf & 0x80000000u, NULL) >= leaf) __cpuid_count(leaf, part, r.a, r.b, r.c, r.d);
  return r;
}

static registers cpuid(unsigned leaf) { return cpuid_of(leaf, 0); }

static unsigned saved_state(void) {
  // Only where the system saves the wide registers may they be used.
  if (!(cpuid(1).c & bit_OSXSAVE)) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// x86-64-v3 and -v4, as the psABI names them: what the builds may use.
static int has_v3(void) {
  unsigned basic = bit_FMA | bit_MOVBE | bit_F16C | bit_AVX | bit_POPCNT | bit_SSE4_2;
  unsigned extended = bit_AVX2 | bit_BMI | bit_BMI2;
  return (saved_state() & 0x6) == 0x6 && (cpuid(1).c & basic) == basic && (cpuid(7).b & extended) == extended &&
         (cpuid(0x80000001u).c & bit_LZCNT);
}

static int has_v4(void) {
  unsigned wide = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  return (saved_state() & 0xe6) == 0xe6 && (cpuid(7).b & wide) == wide;
}

// Products of bytes, look-ups in tables of bytes, and counts of bits: Ice Lake and Zen 4 brought the last of them.
static int has_avx512_bytes(void) {
  unsigned bytes = bit_AVX512VNNI | bit_AVX512VBMI | bit_AVX512VPOPCNTDQ;
  return (cpuid(7).c & bytes) == bytes;
}

// Products of bytes for the vectors of AVX2.
static int has_avx_vnni(void) { return cpuid(7).a >= 1 && (cpuid_of(7, 1).a & bit_AVXVNNI) != 0; }

const kernel_variant *const *engine_variants(void) {
  static const kernel_variant *found[5];
  size_t count = 0;
  if (has_v3() && has_v4() && has_avx512_bytes()) found[count++] = &variant_avx512vnni;
  if (has_v3() && has_v4()) found[count++] = &variant_avx512;
  if (has_v3() && has_avx_vnni()) found[count++] = &variant_avx2vnni;
  if (has_v3()) found[count++] = &variant_avx2;
  found[count] = NULL;
  return found;
}

#elif defined(__aarch64__)

extern const kernel_variant variant_neon;

const kernel_variant *const *engine_variants(void) {
  // Every 64-bit ARM processor has it.
  static const kernel_variant *const found[] = {&variant_neon, NULL};
  return found;
}

#endif
