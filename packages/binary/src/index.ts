export { packBinary, packUbinary, reverseBits, unpackBinary, unpackUbinary } from "./bytes.js";
export {
  type BitBytes,
  hammingDistances,
  type HammingNeighbours,
  hammingTopK,
} from "./hamming.js";
