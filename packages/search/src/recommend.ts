/**
 * Which quantizer to search with: `@tessera/search/recommend`. An entry of its own, so that programs which only search do
 * not carry it; and quantizers are given to it, since this package knows only what its indexes need.
 */
export {
  type Candidate,
  candidatesFor,
  type Room,
  type SizedCandidate,
} from "./recommend/candidates.js";
export type { Target } from "./recommend/choose.js";
export type { Trial } from "./recommend/measure.js";
export {
  type Recommendation,
  recommend,
  type RecommendOptions,
  type Untried,
} from "./recommend/recommend.js";
