// The one seeded generator of the random cases: who draws from it, and in which order, decides every
// case that follows.

/** mulberry32 */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const random = generator(20250530)
export const below = (n) => Math.floor(random() * n)
export const pick = (list) => list[below(list.length)]
export const chance = (p) => random() < p
