/** Which quantizer to search with: `@tessera/search/recommend`. */
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
