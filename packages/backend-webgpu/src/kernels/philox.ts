/** Philox 4×32-10 (Salmon et al., 2011), as in core's random.ts. WGSL has no product of 64 bits: it is made of halves. */
export const PHILOX = `
fn highProduct(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

fn philox(counter: vec4u, seed: u32) -> vec4u {
  var words = counter;
  var keys = vec2u(seed, 0u);
  for (var round = 0u; round < 10u; round++) {
    words = vec4u(
      highProduct(0xcd9e8d57u, words.z) ^ words.y ^ keys.x,
      0xcd9e8d57u * words.z,
      highProduct(0xd2511f53u, words.x) ^ words.w ^ keys.y,
      0xd2511f53u * words.x,
    );
    keys += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return words;
}`.trim();
