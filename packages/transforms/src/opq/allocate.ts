/** Smallest variance that is told from none, as a share of the largest. */
const LEAST_SHARE = 1e-10;

/**
 * Which principal component goes to which group, so that the products of the groups' variances are as equal as a greedy
 * choice makes them (Ge et al. 2013, section 3.1.3): from the largest variance down, a component joins the group with the
 * smallest product so far that still has room.
 *
 * For Gaussian rows that are coded at a high rate this is the best that any rotation can do.
 *
 * @param variances `[d]`, largest first; d is a multiple of `groups`
 * @returns the components of group 0, then those of group 1, and so on
 */
export function allocateComponents(variances: Float64Array, groups: number): number[] {
  const capacity = variances.length / groups;
  const floor = LEAST_SHARE * Math.max(variances[0]!, Number.MIN_VALUE / LEAST_SHARE);
  const members: number[][] = Array.from({ length: groups }, () => []);
  // Logarithms of the products, in units of the floor, so that an empty group has the smallest of all.
  const products = new Float64Array(groups);
  variances.forEach((variance, component) => {
    let chosen = -1;
    for (let m = 0; m < groups; m++) {
      if (members[m]!.length === capacity) continue;
      const ahead = chosen < 0 ? -1 : products[m]! - products[chosen]!;
      // Variances that count for nothing leave products as they are: of equal ones, the group with fewest members.
      if (ahead < 0 || (ahead === 0 && members[m]!.length < members[chosen]!.length)) chosen = m;
    }
    members[chosen]!.push(component);
    products[chosen]! += Math.log(Math.max(variance, floor) / floor);
  });
  return members.flat();
}
